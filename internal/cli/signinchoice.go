package cli

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// origin is where the way of signing in comes from. Flags go before the
// environment, and that before what was remembered at login.
type origin string

const (
	byFlag        origin = "flag"
	byEnvironment origin = "environment"
	byLogin       origin = "login"
	byDefault     origin = "default"
)

// choice is how a command signs in and where it looks.
type choice struct {
	options cloud.SignInOptions
	// subscriptions are ids or names; none means all of the tenant.
	subscriptions []string
	origin        origin
	// remembered is what was remembered at login, if the choice rests on it.
	remembered *account.Account
}

// chooseSignIn decides how to sign in, and reads or asks for what that takes.
// Nothing is sent.
func (a *program) chooseSignIn(ctx context.Context, f azureFlags) (choice, error) {
	kind, origin, err := a.chooseKind(f)
	if err != nil {
		return choice{}, err
	}
	c := choice{origin: origin}
	var remembered account.Account
	if origin != byEnvironment {
		if remembered, err = a.recallFor(f, kind, &c); err != nil {
			return choice{}, err
		}
	}
	in, err := a.theCloud(f, remembered.Cloud)
	if err != nil {
		return choice{}, err
	}
	c.options = cloud.SignInOptions{
		Cloud: in, Kind: kind, Version: a.env.Version,
		TenantID: cmp.Or(f.tenant, a.env.Lookup("AZURE_TENANT_ID"), remembered.TenantID),
		ClientID: cmp.Or(a.env.Lookup("AZURE_CLIENT_ID"), remembered.ClientID),
	}
	if c.remembered != nil {
		c.options.Kind = cmp.Or(kind, remembered.Kind)
		c.options.AccountID = remembered.AccountID
		if remembered.Keychain != "" && a.env.Keychain != nil {
			c.options.Tokens = account.Tokens{Keychain: a.env.Keychain, Set: remembered.Keychain}
			c.options.ClientID = remembered.ClientID // the tokens are that application's
		}
	}
	c.options.Kind = cmp.Or(c.options.Kind, cloud.DefaultChain)
	if err := f.fits(c.options.Kind); err != nil {
		return choice{}, err
	}
	c.subscriptions = a.chooseSubscriptions(f, c.options.TenantID, remembered)
	return c, a.proofs(ctx, f, &c.options)
}

// chooseKind is the way that flags or environment say, "" when they do not.
func (a *program) chooseKind(f azureFlags) (cloud.SignInKind, origin, error) {
	set := func(name string) bool { return a.env.Lookup(name) != "" }
	named := set("AZURE_CLIENT_ID") && (f.tenant != "" || set("AZURE_TENANT_ID"))
	switch {
	case f.signIn != "":
		if kind := cloud.SignInKind(f.signIn); slices.Contains(cloud.SignInKinds(), kind) {
			return kind, byFlag, nil
		}
		var known []string
		for _, kind := range cloud.SignInKinds() {
			known = append(known, string(kind))
		}
		return "", "", app.Usage("--sign-in "+strings.Join(known, ", "), "unknown way to sign in %q", f.signIn)
	case f.clientSecretFile != "" || f.clientCertificate != "":
		return cloud.ServicePrincipal, byFlag, nil
	case f.managedIdentity != "":
		return cloud.ManagedIdentity, byFlag, nil
	case named && (set("AZURE_CLIENT_SECRET") || set("AZURE_CLIENT_CERTIFICATE_PATH")):
		return cloud.ServicePrincipal, byEnvironment, nil
	case named && set("AZURE_FEDERATED_TOKEN_FILE"):
		return cloud.WorkloadIdentity, byEnvironment, nil
	}
	return "", byDefault, nil
}

// recallFor takes what was remembered at login, where it fits what is asked for.
func (a *program) recallFor(f azureFlags, kind cloud.SignInKind, c *choice) (account.Account, error) {
	remembered, known, err := a.recall()
	switch {
	case err != nil && kind == "":
		return account.Account{}, err
	case err != nil || !known:
		return account.Account{}, nil
	}
	// A browser and a code lead to the same kept sign-in.
	fits := kind == "" || kind == remembered.Kind || kind.OfPerson() && remembered.Kind.OfPerson()
	asked, err := a.theCloud(f, remembered.Cloud)
	if err != nil {
		return account.Account{}, err
	}
	if !fits || asked.Name != remembered.Cloud {
		return account.Account{}, nil
	}
	c.remembered = &remembered
	if c.origin == byDefault {
		c.origin = byLogin
	}
	return remembered, nil
}

// recall reads what was remembered at login. Without a state directory, as in a
// container, nothing was.
func (a *program) recall() (account.Account, bool, error) {
	directory, err := a.StateDirectory()
	if err != nil {
		return account.Account{}, false, nil
	}
	remembered, known, err := account.Load(directory)
	if err != nil {
		return account.Account{}, false, &app.Failure{
			Code: "account-unreadable", Message: err.Error(), Hint: "cartouche logout, then cartouche login", Serving: app.NothingChanged, Exit: app.ExitPreflight, Err: err,
		}
	}
	return remembered, known, nil
}

// chooseSubscriptions: those remembered are of the remembered tenant only.
func (a *program) chooseSubscriptions(f azureFlags, tenant string, remembered account.Account) []string {
	if len(f.subscriptions) > 0 {
		return f.subscriptions
	}
	if id := a.env.Lookup("AZURE_SUBSCRIPTION_ID"); id != "" {
		return []string{id}
	}
	if strings.EqualFold(tenant, remembered.TenantID) {
		return remembered.SubscriptionIDs()
	}
	return nil
}

// proofs reads or asks for what proves an application to be itself.
func (a *program) proofs(ctx context.Context, f azureFlags, options *cloud.SignInOptions) error {
	named := options.ClientID != "" && options.TenantID != ""
	switch options.Kind {
	case cloud.ServicePrincipal:
		if !named {
			return app.Usage("set AZURE_CLIENT_ID and AZURE_TENANT_ID (or --tenant)", "a service principal needs its client id and its tenant")
		}
		return a.principalProof(ctx, f, options)
	case cloud.WorkloadIdentity:
		options.FederatedTokenFile = a.env.Lookup("AZURE_FEDERATED_TOKEN_FILE")
		if !named || options.FederatedTokenFile == "" {
			return app.Usage("set AZURE_CLIENT_ID, AZURE_TENANT_ID (or --tenant) and AZURE_FEDERATED_TOKEN_FILE",
				"a workload identity needs its client id, its tenant and the file with its token")
		}
	case cloud.ManagedIdentity:
		options.ClientID = cmp.Or(f.managedIdentity, options.ClientID)
	}
	return nil
}

// principalProof takes a certificate or a secret: by flag before by variable,
// and of two variables the secret, as azidentity does.
func (a *program) principalProof(ctx context.Context, f azureFlags, options *cloud.SignInOptions) (err error) {
	clientSecret := secretSource{
		what: "client secret of " + options.ClientID, flag: "--client-secret-file", file: f.clientSecretFile, variable: "AZURE_CLIENT_SECRET",
	}
	file := f.clientCertificate
	if file == "" && f.clientSecretFile == "" && a.env.Lookup("AZURE_CLIENT_SECRET") == "" {
		file = a.env.Lookup("AZURE_CLIENT_CERTIFICATE_PATH")
	}
	if file != "" {
		options.ClientCertificate, err = a.readClientCertificate(ctx, file, f.clientCertificatePasswordFile)
		return err
	}
	options.ClientSecret, err = a.ask(ctx, clientSecret)
	return err
}

// readClientCertificate asks for a password only when the file has one.
func (a *program) readClientCertificate(ctx context.Context, file, passwordFile string) (*cloud.ClientCertificate, error) {
	data, err := readBounded(file, maxPFX)
	if err != nil {
		return nil, app.Usage("check the path", "%s: %s", file, err)
	}
	source := secretSource{
		what: "password of " + filepath.Base(file), flag: "--client-certificate-password-file", file: passwordFile, variable: "AZURE_CLIENT_CERTIFICATE_PASSWORD",
	}
	password, err := a.given(source)
	var read *cloud.ClientCertificate
	switch {
	case err == nil:
		read, err = cloud.ReadClientCertificate(data, password)
	case errors.Is(err, errNotGiven):
		read, err = cloud.ReadClientCertificate(data, secret.Secret{})
		if isWrongPassword(err) {
			if password, err = a.ask(ctx, source); err == nil {
				read, err = cloud.ReadClientCertificate(data, password)
			}
		}
	}
	if defect, ok := errors.AsType[*pki.DefectError](err); ok {
		return nil, app.Usage(defect.Mend, "client certificate %s: %s", file, defect.Sentence)
	}
	if _, told := errors.AsType[*app.Failure](err); err != nil && !told && ctx.Err() == nil {
		return nil, app.Usage("", "client certificate %s: %s", file, err)
	}
	return read, err
}
