package sim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Variable is one environment variable.
type Variable struct{ Name, Value string }

// Environment is what a client needs to live in the world: the outside door,
// whom to trust, who it is, and the logins that a rotation asks for.
func (w *World) Environment() []Variable {
	return w.environment(filepath.Join(w.dir, "ca.pem"), w.outside.URL())
}

// InsideEnvironment is Environment for a client inside the virtual network.
func (w *World) InsideEnvironment() []Variable {
	return w.environment(filepath.Join(w.dir, "ca.pem"), w.inside.URL())
}

func (w *World) environment(ca, proxy string) []Variable {
	application := w.tenant.Applications[0]
	variables := []Variable{
		{"HTTPS_PROXY", proxy},
		{"HTTP_PROXY", proxy},
		{"SSL_CERT_FILE", ca},
		{"REQUESTS_CA_BUNDLE", ca},
		{"NODE_EXTRA_CA_CERTS", ca},
		{"AZURE_TENANT_ID", w.tenant.ID},
		{"AZURE_CLIENT_ID", application.ClientID},
		{"AZURE_CLIENT_SECRET", application.Secret},
		{"AZURE_SUBSCRIPTION_ID", w.subscriptions[0].ID},
		{"CARTOUCHE_WORLD_USER", w.people[0].User},
		{"CARTOUCHE_WORLD_PASSWORD", w.people[0].Password},
		{"CARTOUCHE_SITE_ADMIN", w.identity.admin},
		{"CARTOUCHE_SITE_ADMIN_PASSWORD", w.identity.adminPassword},
		{"CARTOUCHE_SERVICE_ACCOUNT", w.identity.serviceAccount},
		{"CARTOUCHE_SERVICE_ACCOUNT_PASSWORD", w.identity.servicePassword},
		{"CARTOUCHE_SERVER_PFX_PASSWORD", w.identity.internal},
		{"CARTOUCHE_PORTAL_PFX_PASSWORD", w.identity.internal},
	}
	if w.cloudWord != "public" {
		// AZURE_AUTHORITY_HOST is what Azure's own libraries read.
		variables = append(variables, Variable{"CARTOUCHE_CLOUD", w.cloudWord}, Variable{"AZURE_AUTHORITY_HOST", "https://" + w.cloud.Login + "/"})
	}
	return variables
}

var needsNoQuotes = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellLine is NAME=value for a POSIX shell, quoted only where it must be.
func shellLine(v Variable) string {
	if needsNoQuotes.MatchString(v.Value) {
		return v.Name + "=" + v.Value + "\n"
	}
	return v.Name + "='" + strings.ReplaceAll(v.Value, "'", `'\''`) + "'\n"
}

func shellLines(variables []Variable) []byte {
	var out []byte
	for _, variable := range variables {
		out = append(out, shellLine(variable)...)
	}
	return out
}

// makeDir puts ca.pem where Environment says it is.
func (w *World) makeDir() (err error) {
	w.caPEM = w.caBundle()
	if w.dir = w.options.Dir; w.dir == "" {
		if w.dir, err = os.MkdirTemp("", "cartouche-world-"); err != nil {
			return err
		}
		w.ownDir = true
	}
	return os.WriteFile(filepath.Join(w.dir, "ca.pem"), w.caPEM, 0o644)
}

// WriteDir writes into dir what other clients need: ca.pem, new.pfx,
// new.pfx.password, new-NAME.pfx for further names of the world, client.pem and
// federated-token for other ways to sign in, world.json, private-root.pem in a
// world with a private authority, env-inside for a client inside the virtual
// network and, last and at once, env: when it is there, the world is ready.
// Files with secrets are readable by their owner only.
func (w *World) WriteDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	description, err := w.describe(dir)
	if err != nil {
		return err
	}
	ca := filepath.Join(dir, "ca.pem")
	files := []worldFile{
		{"ca.pem", w.caPEM},
		{"new.pfx", w.nextPFX},
		{"new.pfx.password", []byte(w.password + "\n")},
		{"world.json", description},
		{"env-inside", shellLines(w.environment(ca, w.inside.URL()))},
		{"env.part", shellLines(w.environment(ca, w.outside.URL()))},
	}
	signIn, err := w.signInFiles()
	if err != nil {
		return err
	}
	renewals, err := w.renewalFiles()
	if err != nil {
		return err
	}
	files = append(append(signIn, renewals...), files...)
	if w.PrivateRoot() != nil {
		files = append([]worldFile{{"private-root.pem", w.privateRootPEM()}}, files...)
	}
	for _, file := range files {
		if err := writeSecret(filepath.Join(dir, file.name), file.content); err != nil {
			return fmt.Errorf("write the world's directory: %w", err)
		}
	}
	return os.Rename(filepath.Join(dir, "env.part"), filepath.Join(dir, "env"))
}

type worldFile struct {
	name    string
	content []byte
}

// writeSecret makes sure that nobody else can read the file: it is a new one,
// not what somebody may have put under that name and still has open.
func writeSecret(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".") // readable by us alone
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
