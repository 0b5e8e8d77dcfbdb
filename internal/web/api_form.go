package web

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// The fields are called as the flags of the commands are.
var (
	secretFields = []string{
		"password", "site-admin-password", "service-account-password", "ca-password", "internal-pfx-password",
		"client-secret", "client-certificate-password", "server-pfx-password", "portal-pfx-password",
	}
	loginFields = []string{
		"site-admin", "site-admin-password", "without-portal", "service-account", "service-account-password", "reach", "machine-ca", "no-lease",
	}
	renewalFields = append([]string{
		"pfx", "password", "vault", "certificate", "version", "reference", "inline", "identity", "roots",
		"assume-trusted", "allow-older", "allow-weaker", "server-pfx-password", "portal-pfx-password",
	}, loginFields...)
	// machinesFields are of replacing the certificates of machines.
	machinesFields = []string{
		"internal", "valid-days", "anew", "keep-old", "undrained", "ca", "ca-key", "ca-password", "internal-pfx", "internal-pfx-password",
	}
	planFields = slices.Concat(renewalFields, machinesFields)
)

// internalPFXFor begins the field of a file that is for some machines only: the
// rest of its name is a product, a site or a machine, as in internal-pfx:portal.
const internalPFXFor = "internal-pfx:"

// sentForm is what was sent: a form, with files or without. Its secrets are kept as
// such from the first byte.
type sentForm struct {
	typed url.Values
	files *wizard.Upload
	// fields are the names of everything in it.
	fields  []string
	secrets map[string]secret.Secret
}

// readForm reads a form of either kind, and refuses a field that is not known.
func readForm(w http.ResponseWriter, r *http.Request, known []string) (sentForm, error) {
	var f sentForm
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch strings.TrimSpace(kind) {
	case "multipart/form-data":
		upload, err := wizard.ReadUpload(w, r, secretFields...)
		if err != nil {
			return f, unreadable(err)
		}
		f.files, f.fields = upload, upload.Fields()
	case "", "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return f, unreadable(err)
		}
		f.typed = r.PostForm
		for name, values := range f.typed {
			if len(values) > 1 {
				return f, app.Usage("", "the field %s was sent twice", name)
			}
			if len(values[0]) > wizard.MaxField {
				return f, unreadable(&wizard.TooLargeError{What: name, Max: wizard.MaxField})
			}
			f.fields = append(f.fields, name)
		}
	default:
		return f, app.Usage("send a form: curl --form, or --data-urlencode", "what was sent is no form")
	}
	for _, name := range f.fields {
		if strings.HasPrefix(name, internalPFXFor) {
			name = "internal-pfx"
		}
		if !slices.Contains(known, name) {
			return f, strange("field", name, known)
		}
	}
	return f, f.readSecrets()
}

// unreadable says why a form is not read. An error of a parser is not shown: it quotes
// what was sent.
func unreadable(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = &wizard.TooLargeError{Max: tooLarge.Limit}
	}
	if tooLarge, ok := errors.AsType[*wizard.TooLargeError](err); ok {
		return &app.Failure{Code: tooLargeCode, Message: tooLarge.Error(), Hint: "a certificate has some kilobytes", Exit: app.ExitPreflight}
	}
	if errors.Is(err, wizard.ErrForm) {
		return app.Usage("", "%s", err)
	}
	return app.Usage("", "the form that was sent cannot be read")
}

// tooLargeCode is also that of the door, which refuses what says so itself.
const tooLargeCode = "too-large"

// strange says that nobody would look at something.
func strange(what, name string, known []string) error {
	hint := "there are none"
	if len(known) > 0 {
		hint = "known are " + strings.Join(known, ", ")
	}
	return app.Usage(hint, "%q is no %s here, or is there twice", name, what)
}

func (f sentForm) value(name string) string {
	if f.files != nil {
		return f.files.Value(name)
	}
	return strings.TrimSpace(f.typed.Get(name))
}

// among is one of some words, or "". What was sent instead is not quoted: it may be
// a password in the wrong field.
func (f sentForm) among(name string, known ...string) (string, error) {
	text := f.value(name)
	if text == "" || slices.Contains(known, text) {
		return text, nil
	}
	return "", app.Usage("known are "+strings.Join(known, ", "), "%s is none of them", name)
}

// readSecrets takes what is secret, as a file with a password has it.
func (f *sentForm) readSecrets() error {
	f.secrets = map[string]secret.Secret{}
	for _, name := range secretFields {
		sent := secret.New(f.typed.Get(name))
		if f.files != nil {
			sent = f.files.Secret(name)
		}
		text, err := app.PasswordText([]byte(sent.Reveal()))
		if err != nil {
			return app.Usage("", "%s %s", name, err)
		}
		f.secrets[name] = secret.New(string(text))
	}
	return nil
}

// yes tells whether something was said yes to.
func (f sentForm) yes(name string) (bool, error) {
	text := f.value(name)
	if text == "" {
		return false, nil
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return false, app.Usage(name+"=true, or leave it out", "%s is true or false", name)
	}
	return yes, nil
}

// file is a file that was sent.
func (f sentForm) file(name string) (wizard.File, bool, error) {
	if f.files == nil {
		if f.typed.Has(name) {
			return wizard.File{}, false, app.Usage("curl --form "+name+"=@FILE", "%s is a file, and needs multipart/form-data", name)
		}
		return wizard.File{}, false, nil
	}
	file, there := f.files.File(name)
	if !there && slices.Contains(f.fields, name) {
		return file, false, app.Usage("curl --form "+name+"=@FILE", "%s is not a file, or an empty one", name)
	}
	return file, there, nil
}

// authorities are certificates in a file that was sent.
func (f sentForm) authorities(name string) ([]*x509.Certificate, error) {
	file, there, err := f.file(name)
	if err != nil || !there {
		return nil, err
	}
	certs, err := pki.ParseCertificates(file.Data)
	if err != nil {
		return nil, app.Usage("a file with certificates is needed (PEM, DER or PKCS#7)", "%s: %s", name, err)
	}
	return certs, nil
}

// pfx is the certificate that was sent, nil when none was.
func (f sentForm) pfx() (*pki.Bundle, string, error) {
	file, there, err := f.file("pfx")
	if err != nil || !there {
		return nil, "", err
	}
	defer clear(file.Data)
	bundle, err := pki.ReadPFX(file.Data, f.secrets["password"])
	if err != nil {
		return nil, "", app.RefusedFile(file.Name, err)
	}
	return bundle, file.Name, nil
}

// reach is how the machines are reached.
func (f sentForm) reach() (app.Reach, error) {
	var asked app.Reach
	var err error
	if asked.Way, err = f.among("reach", app.ReachAuto, app.ReachNone, app.ReachDirect, app.ReachAgent, app.ReachDSC); err != nil {
		return asked, err
	}
	asked.MachineRoots, err = f.authorities("machine-ca")
	return asked, err
}

// pfxPassword is that of a .pfx with which Cloud Builder set the servers or Portal up,
// else the one of the environment. Only the way dsc asks for it.
func (c *call) pfxPassword(_ context.Context, portal bool) (secret.Secret, error) {
	name, variable := "server-pfx-password", "CARTOUCHE_SERVER_PFX_PASSWORD"
	if portal {
		name, variable = "portal-pfx-password", "CARTOUCHE_PORTAL_PFX_PASSWORD"
	}
	password := c.form.secrets[name]
	if password.Empty() {
		password = secret.New(c.options.App.Lookup(variable))
	}
	if password.Empty() {
		return password, app.Usage("curl --form '"+name+"=<FILE'", "reach=dsc needs %s", name)
	}
	return password, nil
}

// renewal is what is asked for.
func (f sentForm) renewal() (app.Renewal, error) {
	asked := app.Renewal{Vault: app.InVault{
		Vault: f.value("vault"), Certificate: f.value("certificate"), Version: f.value("version"), Identity: f.value("identity"),
	}}
	for name, to := range map[string]*bool{
		"reference": &asked.Vault.Reference, "inline": &asked.Vault.Inline, "no-lease": &asked.NoLease,
		"assume-trusted": &asked.AssumeTrusted, "allow-older": &asked.AllowOlder, "allow-weaker": &asked.AllowWeaker,
	} {
		var err error
		if *to, err = f.yes(name); err != nil {
			return asked, err
		}
	}
	var err error
	if asked.Roots, err = f.authorities("roots"); err != nil {
		return asked, err
	}
	if asked.Reach, err = f.reach(); err != nil {
		return asked, err
	}
	asked.Bundle, asked.File, err = f.pfx()
	return asked, err
}

// given tells whether a field was sent.
func (f sentForm) given(name string) bool {
	return slices.ContainsFunc(f.fields, func(sent string) bool {
		return sent == name || name == "internal-pfx" && strings.HasPrefix(sent, internalPFXFor)
	})
}

// goal is what is asked for of the certificates of machines, or else of the one for
// clients.
func (f sentForm) goal(internal bool, now time.Time) (goal rollout.Goal, asked app.Renewal, err error) {
	if !internal {
		if err = app.CheckInternal("", 0, f.given); err == nil {
			asked, err = f.renewal()
		}
		return goal, asked, err
	}
	goal, err = f.replacement(now)
	return goal, asked, err
}

// logins are those that were sent, else those that the environment gives.
func (c *call) logins() (rotation.Credentials, error) {
	given := c.options.App.GivenLogins()
	if name := c.form.value("site-admin"); name != "" {
		given.SiteAdmin, given.SiteAdminPassword = name, c.form.secrets["site-admin-password"]
	}
	if name := c.form.value("service-account"); name != "" {
		given.ServiceAccount, given.ServiceAccountPassword = name, c.form.secrets["service-account-password"]
	}
	without, err := c.form.yes("without-portal")
	if without || given.SiteAdminPassword.Empty() {
		given.SiteAdmin = ""
	}
	return given, err
}

// changingLogins are those for a change of a deployment, see [app.NoSiteAdmin].
func (c *call) changingLogins(d deployment.Deployment) (rotation.Credentials, error) {
	given, err := c.logins()
	if err != nil {
		return given, err
	}
	if without, _ := c.form.yes("without-portal"); !without && given.SiteAdmin == "" && d.PortalContext != "" {
		return given, app.NoSiteAdmin(d.Name)
	}
	return given, nil
}
