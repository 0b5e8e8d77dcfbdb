package wizard

import (
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Source is where the new certificate comes from.
type Source string

// The three of Cloud Builder's page, and two for listeners that refer to Key
// Vault already.
const (
	FromFile  Source = "file"
	FromVault Source = "vault"
	// Create puts a file into a vault, as a new certificate or a new version. It
	// goes there with the plan, not before.
	Create Source = "create"
	// Again makes the gateway look at what its listeners follow.
	Again Source = "again"
	// Follow frees listeners that refer to one version: they get the newest.
	Follow Source = "follow"
)

// Chosen is the new certificate, as far as it was said.
type Chosen struct {
	Source Source
	// File was uploaded. It is kept when its password was wrong, so that only the
	// password has to be typed again.
	File File
	// Bundle is what was in the file, nil as long as that is not known.
	Bundle *pki.Bundle
	// Judged is what is to be said about it, for this deployment.
	Judged pki.Findings
	// Vault and Name say where in Key Vault it is, or goes.
	Vault, Name string
	// Version keeps to that one for ever; "" follows the newest.
	Version string
	// Names are those that the file has to cover, as they were typed, where there is
	// no deployment that has some.
	Names string
	// Description is of the certificate, nil when it is not known yet.
	Description *pki.Description
}

// inTheWay tells whether a finding keeps a file from being used. An authority that
// is not known here the machines may know, or be told of: the plan asks them.
func inTheWay(f pki.Finding) bool {
	return f.Severity == pki.Refusal && f.Code != app.RootNotKnown
}

// Usable tells whether one can go on with it. What is in a vault the plan will judge.
func (c Chosen) Usable() bool {
	inFile := c.Bundle != nil && !slices.ContainsFunc(c.Judged, inTheWay)
	inVault := c.Vault != "" && c.Name != ""
	switch c.Source {
	case FromFile:
		return inFile
	case FromVault:
		return inVault
	case Create:
		return inFile && inVault
	case Again, Follow:
		return true
	}
	return false
}

// Choices are the advanced ones, which hardly anybody needs. The zero value is
// what the command line does without flags.
type Choices struct {
	// Roots are more authorities that Portal and Server know, RootFiles the files
	// they came in.
	Roots                                  []*x509.Certificate
	RootFiles                              []string
	AssumeTrusted, AllowOlder, AllowWeaker bool
	Form                                   rotation.Form
	// Identity is the user-assigned identity that the gateway gets.
	Identity string
	// Reach is how machines are reached, "" for what fits.
	Reach string
	// NoClaim leaves the claim out that keeps other computers away.
	NoClaim bool
}

// Logins are the two that Cloud Builder's page asks for.
type Logins struct {
	SiteAdmin              string
	SiteAdminPassword      secret.Secret
	WithoutPortal          bool
	ServiceAccount         string
	ServiceAccountPassword secret.Secret
	// ServerPFXPassword and PortalPFXPassword are of the .pfx files with which Cloud
	// Builder set servers and Portal up; only the way dsc asks for them.
	ServerPFXPassword, PortalPFXPassword secret.Secret
}

// KeepFrom keeps the passwords of before where the same login is meant and none
// was typed.
func (l *Logins) KeepFrom(before Logins) {
	if l.SiteAdminPassword.Empty() && l.SiteAdmin == before.SiteAdmin {
		l.SiteAdminPassword = before.SiteAdminPassword
	}
	if l.ServiceAccountPassword.Empty() && l.ServiceAccount == before.ServiceAccount {
		l.ServiceAccountPassword = before.ServiceAccountPassword
	}
	if l.ServerPFXPassword.Empty() {
		l.ServerPFXPassword = before.ServerPFXPassword
	}
	if l.PortalPFXPassword.Empty() {
		l.PortalPFXPassword = before.PortalPFXPassword
	}
}

// dropSecrets drops the passwords.
func (l *Logins) dropSecrets() {
	l.SiteAdminPassword, l.ServiceAccountPassword = secret.Secret{}, secret.Secret{}
	l.ServerPFXPassword, l.PortalPFXPassword = secret.Secret{}, secret.Secret{}
}

// ForgetSiteAdminPassword drops one that was wrong.
func (l *Logins) ForgetSiteAdminPassword() { l.SiteAdminPassword = secret.Secret{} }

// Renewal is one renewal that is being prepared. Its fields are for whoever holds
// its lock.
type Renewal struct {
	sync.Mutex
	ID      string
	Answers Answers

	Deployment *deployment.Deployment
	// Gateway tells that the deployment was named by the resource id of its gateway.
	Gateway bool
	Chosen  Chosen
	Choices Choices
	Logins  Logins
	// Saved is a plan that was saved before and is to be carried out, nil when one is
	// made. It goes when something else is said than it was made with.
	Saved *rotation.Plan
	// Notice is said once, on the next page. Wrong says by field what is wrong with
	// what was typed last.
	Notice string
	Wrong  map[string]string
	// Seen is what was looked at for this renewal, by name, so that going back
	// and forward does not ask Azure again: lists of vaults and of what is in them.
	Seen map[string]any
	// Ready is what the review shows: a plan that only needs a yes. Its type is
	// the affair of who makes it.
	Ready any
	// Turn changes whenever what Ready rests on does: who makes a plan without
	// holding the lock keeps it only when the turn is still the same.
	Turn int

	// discard closes what Ready holds open.
	discard func()

	used time.Time
}

// Choose answers the step of the deployment. Another deployment than before takes
// back what rested on it; the certificate stays, to be judged anew.
func (r *Renewal) Choose(d deployment.Deployment, gateway bool) {
	before := r.Deployment
	r.Deployment, r.Gateway, r.Saved = &d, gateway, nil
	r.Reopen(Deployment)
	if before != nil && (before.GatewayID != d.GatewayID || before.ID != d.ID) {
		r.Logins = Logins{}
		r.Chosen.Judged, r.Seen = nil, nil
	}
	r.Answers[Deployment] = d.Name
}

// Keep keeps what the review shows. discard closes what it holds open; it is called
// when nobody takes it.
func (r *Renewal) Keep(ready any, discard func()) { r.Ready, r.discard = ready, discard }

// Take gives what the review shows to who carries it out, and closes it.
func (r *Renewal) Take() any {
	ready := r.Ready
	r.Ready, r.discard = nil, nil
	return ready
}

// Reopen takes the answers from a step on away, as another answer is given there.
func (r *Renewal) Reopen(step Step) {
	r.Answers.forget(step)
	if r.discard != nil {
		go r.discard() // it may wait for Azure
	}
	r.Ready, r.discard = nil, nil
	r.Turn++
}

// dropSecrets takes everything away that must not stay: passwords, and files,
// which hold private keys. What they answered is asked again.
func (r *Renewal) dropSecrets() {
	r.Lock()
	defer r.Unlock()
	hadFile := r.Chosen.File.Data != nil || r.Chosen.Bundle != nil
	clear(r.Chosen.File.Data)
	r.Chosen.File, r.Chosen.Bundle = File{}, nil
	r.Logins.dropSecrets()
	from := Credentials
	if hadFile {
		from = Certificate
	}
	r.Reopen(from)
}
