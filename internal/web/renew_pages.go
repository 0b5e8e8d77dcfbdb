package web

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// The values that the templates of the wizard show.

// step is what all pages of the wizard, and those of signing in, have in common.
type step struct {
	// Base is where the pages are: "/renew/ID", or "" for a sign-in without a renewal.
	Base   string
	Marks  []wizard.Mark
	Notice *pages.Notice
}

// option is one of several things to choose from.
type option struct {
	Value, Text, Hint string
	Badge             *pages.Badge
	// Refused says why it cannot be chosen, "" when it can.
	Refused string
	Chosen  bool
}

// deploymentPage is renew-deployment.html.
type deploymentPage struct {
	step
	List []option
	// Any tells that there is a deployment at all, Found how many fit the query,
	// More how many of those are not shown.
	Any         bool
	Found, More int
	Searchable  bool
	Query       string
	// Gateway and Names were typed instead of a choice.
	Gateway, GatewayError, Names string
	// Wrong says by field what is wrong with a saved plan and its file, PlanOpen that
	// there is something.
	Wrong    map[string]string
	PlanOpen bool
}

// certificatePage is renew-certificate.html.
type certificatePage struct {
	step
	// Back is the page before.
	Back            string
	Deployment, For string
	From            wizard.Source
	Tabs            []tab
	Renewed         *renewedInVault
	// Vaults are to choose from, nil where none is needed; Vault is the chosen one.
	Vaults                        *vaultList
	Vault, VaultTyped, VaultError string
	InVault                       []option
	// Certificate is the one in the vault of which a version is chosen among Versions.
	Certificate, VersionError string
	Versions                  []option
	InVaultSaid               []string
	// Upload shows the form for a file; Kept is one whose password was wrong.
	Upload                              bool
	Kept                                string
	Name                                string
	FileError, PasswordError, NameError string
	Judged                              string
	About                               []about
	Compare                             *comparison
	Usable                              bool
	Choices                             wizard.Choices
	ChoicesOpen                         bool
	ChoicesSaid                         string
	Forms, Reaches                      []option
	RootsError, IdentityError           string
}

type tab struct {
	Source  wizard.Source
	Text    string
	Current bool
}

type vaultList struct {
	List []option
	Said []string
	// Open tells that one of them can be chosen.
	Open bool
}

// renewedInVault offers what a listener refers to and was renewed there.
type renewedInVault struct {
	Source       wizard.Source
	Text, Button string
}

// credentialsPage is renew-credentials.html.
type credentialsPage struct {
	step
	Deployment                string
	Portal                    bool
	Most                      int
	Locked                    *pages.Notice
	SiteAdmin, ServiceAccount string
	AdminError, PasswordError string
	WithoutPortal             bool
	Kept, ServiceKept         bool
	ServiceError              string
	// SetUpFiles are those whose passwords the way dsc takes.
	SetUpFiles []setUpFile
}

// setUpFile is a .pfx file that Cloud Builder was given, of which the password is
// asked for.
type setUpFile struct {
	Name, Of string
	Kept     bool
	Error    string
}

// reviewPage is renew-review.html.
type reviewPage struct {
	step
	Plan reviewed
	// Changes names what is changed: "the gateway agw-prod".
	Changes string
	// Saved tells that it is a plan that was saved before.
	Saved       bool
	Command     string
	CommandSaid []string
	MadeAt      time.Time
	Rehearsal   rehearsalOffer
}

// signInPage is sign-in.html.
type signInPage struct {
	step
	Person, Cloud, How, Tenant, Subscriptions string
	Onward, OnwardText                        string
	MaySignOut                                bool
	Clouds, Ways                              []option
	TenantTyped, IdentityTyped, Then          string
}

// signingInPage is signing-in.html.
type signingInPage struct {
	step
	Address, Code  string
	Until          time.Time
	Events, Cancel string
}

// chooseTenantPage is tenant.html, and subscription.html with the tenant's title.
type chooseTenantPage struct {
	step
	Person, Tenant, Then string
	List                 []option
}
