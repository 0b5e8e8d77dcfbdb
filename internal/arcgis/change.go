package arcgis

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// The changes. None is to be believed: imports were seen to answer success and
// to store nothing, and an assignment restarts the web server under its own
// answer. Whoever calls one looks afterwards, whatever came back.

// ImportServer puts a PKCS#12 file into the keystore under a new alias. It
// never overwrites: an alias that is there is an error, of every form. Nothing
// is served yet and nothing restarts. withChain makes the authorities in the
// file entries of their own, alias_root and alias_intermediate, where the
// product knows how (11.3 and later; there it is the default, so the opposite
// is said too). The password should be of letters and digits: with others
// the import may answer success and store nothing (support.esri.com 000037586).
func (a *Admin) ImportServer(ctx context.Context, machine, alias string, pfx, password secret.Secret, withChain bool) error {
	operation := "import the certificate " + plain(alias) + " at " + a.base
	known, err := a.known(ctx)
	if err != nil {
		return err
	}
	form := url.Values{"alias": {alias}, a.traits.pfxPassword: {password.Reveal()}}
	if a.traits.chainSince != (version{}) && known.atLeast(a.traits.chainSince) {
		form.Set("importCertificateChain", map[bool]string{true: "true", false: "false"}[withChain])
	}
	return a.change(ctx, machine, "/importExistingServerCertificate", request{
		operation: operation, form: form, timeout: importTimeout, secrets: passwordOf(password),
		file: &upload{field: a.traits.pfxFile, name: "server.pfx", kind: "application/x-pkcs12", content: []byte(pfx.Reveal()), headerToken: a.traits.headerToken},
	})
}

// ImportAuthority puts a certificate into the keystore to be trusted, and
// restarts nothing: Portal is told so, since its default is to restart. Server
// is said to use it from its next start on.
func (a *Admin) ImportAuthority(ctx context.Context, machine, alias string, der []byte) error {
	form := url.Values{"alias": {alias}}
	if a.traits.portal {
		form.Set("norestart", "true")
	}
	return a.change(ctx, machine, "/importRootOrIntermediate", request{
		operation: "import the authority " + plain(alias) + " at " + a.base, form: form, timeout: importTimeout,
		file: &upload{field: a.traits.authorityFile, name: "authority.cer", kind: "application/x-x509-ca-cert", content: der, headerToken: a.traits.headerToken},
	})
}

// Delete removes an entry. What a product does when it is the active one is
// not documented: do not ask it to.
func (a *Admin) Delete(ctx context.Context, machine, alias string) error {
	operation := "delete the certificate " + plain(alias) + " at " + a.base
	if !segment(alias) {
		return &Error{Code: CodeUnexpected, Operation: operation}
	}
	return a.change(ctx, machine, "/"+url.PathEscape(strings.ToLower(alias))+"/delete", request{operation: operation, timeout: assignTimeout})
}

// Update puts a PKCS#12 file in place of an entry with a private key; if that
// is the active one, it is served at once, without a restart (12.1 and later;
// before, an *Error with CodeNotFound).
func (a *Admin) Update(ctx context.Context, machine, alias string, pfx, password secret.Secret) error {
	operation := "replace the certificate " + plain(alias) + " at " + a.base
	if !segment(alias) {
		return &Error{Code: CodeUnexpected, Operation: operation}
	}
	return a.change(ctx, machine, "/"+url.PathEscape(strings.ToLower(alias))+"/update", request{
		operation: operation, form: url.Values{"password": {password.Reveal()}}, timeout: importTimeout, secrets: passwordOf(password),
		file: &upload{field: "file", name: "server.pfx", kind: "application/x-pkcs12", content: []byte(pfx.Reveal()), headerToken: a.traits.headerToken},
	})
}

// Assign makes the machine serve alias, with everything else as k, which was
// read just before, has it. It restarts the web server, also when the alias
// was the active one already. The restart often swallows the answer: an error
// with Lost, or a page, says nothing about what was done.
func (a *Admin) Assign(ctx context.Context, machine, alias string, k Keystore) error {
	operation := "assign the certificate " + plain(alias) + " at " + a.base
	if a.traits.portal {
		form := url.Values{}
		for name, value := range k.Settings {
			form.Set(name, value)
		}
		form.Set("webServerCertificateAlias", alias)
		return a.change(ctx, machine, "/update", request{operation: operation, form: form, timeout: assignTimeout})
	}
	if !segment(machine) {
		return &Error{Code: CodeUnexpected, Operation: operation}
	}
	form := k.echoed(a.product)
	form.Set("webServerCertificateAlias", alias)
	return a.mutate(ctx, request{operation: operation, path: "/admin/machines/" + url.PathEscape(machine) + "/edit", form: form, timeout: assignTimeout})
}

// oldPorts are those that Esri's Chef cookbooks repeat for a Server, by the
// names under which they stand in "ports"; present releases have none of them.
var oldPorts = []string{"OpenEJBPort", "JMXPort", "NamingPort", "DerbyPort"}

// echoed are the fields of the machine for an edit: all plain ones, as Esri's
// DSC sends them (a field that is left out may be reset), and the ports as
// the two Esri clients do: Chef those of an old Server one by one, DSC all of
// them, except at a Server.
func (k Keystore) echoed(product string) url.Values {
	form := url.Values{}
	for name, value := range k.machine {
		if said, ok := echo(value); ok && len(name) <= 64 && len(said) <= 4<<10 && value[0] != '[' {
			form.Set(name, said)
		}
	}
	ports, there := k.machine["ports"]
	if !there {
		return form
	}
	if product != "server" {
		form.Set("ports", string(ports))
		return form
	}
	var named map[string]json.RawMessage
	_ = json.Unmarshal(ports, &named) // what is no object has no names
	for _, name := range oldPorts {
		if said, ok := echo(named[name]); ok {
			form.Set(name, said)
		}
	}
	return form
}

// change is a mutation of a machine's keystore.
func (a *Admin) change(ctx context.Context, machine, path string, r request) error {
	store, err := a.store(ctx, machine)
	if err != nil {
		return err
	}
	r.path = store + path
	return a.mutate(ctx, r)
}

// mutate makes a change and demands success of its answer.
func (a *Admin) mutate(ctx context.Context, r request) error {
	// A connection that a restart has closed would lose the answer.
	a.client.CloseIdleConnections()
	if r.form == nil {
		r.form = url.Values{}
	}
	var said struct {
		Status  text  `json:"status"`
		Success truth `json:"success"`
	}
	if err := a.readWith(ctx, r, &said); err != nil {
		return err
	}
	if !strings.EqualFold(string(said.Status), "success") && !bool(said.Success) {
		return &Error{Code: CodeUnexpected, Operation: r.operation, Messages: show([]string{string(said.Status)})}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
