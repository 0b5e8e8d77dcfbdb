package arcgis

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
)

// Keystore is the keystore of a machine: its aliases, which of them is served,
// and what else an assignment must echo.
type Keystore struct {
	// Active is the alias that is configured to be served, as the product
	// spells it: compare aliases without regard to case.
	Active string
	// Aliases are all entries, in lower case.
	Aliases []string
	// Settings are a portal's sslProtocols, cipherSuites and HSTSEnabled.
	Settings map[string]string
	// Started is a Server's ServerStartTime, in milliseconds, 0 if it did not
	// say: another one after a restart.
	Started int64
	// machine is the machine as a Server describes it, to be echoed.
	machine map[string]json.RawMessage
}

// Has tells whether there is an entry of this alias.
func (k Keystore) Has(alias string) bool { return contains(k.Aliases, strings.ToLower(alias)) }

// maxAliases is more than any keystore that somebody looks after has.
const maxAliases = 1000

// portalPerMachine is the version since which a portal has a keystore per machine.
var portalPerMachine = version{10, 8}

// store is the path of a machine's keystore. Until 10.7.1 a portal had one for
// the whole site.
func (a *Admin) store(ctx context.Context, machine string) (string, error) {
	if !segment(machine) {
		return "", &Error{Code: CodeUnexpected, Operation: "find the keystore at " + a.base}
	}
	own := a.root() + "/machines/" + url.PathEscape(machine)
	if !a.traits.portal {
		return own + "/sslcertificates", nil
	}
	known, err := a.known(ctx)
	if err != nil {
		return "", err
	}
	if !known.atLeast(portalPerMachine) {
		return "/portaladmin/security/sslCertificates", nil
	}
	return own + "/sslCertificates", nil
}

// Keystore reads the keystore of a machine, without its entries.
func (a *Admin) Keystore(ctx context.Context, machine string) (Keystore, error) {
	operation := "read the keystore of " + machine + " at " + a.base
	path, err := a.store(ctx, machine)
	if err != nil {
		return Keystore{}, err
	}
	// Which of the two keys a product uses is documented in one way for some
	// and read in the other by Esri's own clients.
	var list struct {
		Certificates    *texts          `json:"certificates"`
		SSLCertificates *texts          `json:"sslCertificates"`
		Active          text            `json:"webServerCertificateAlias"`
		Protocols       json.RawMessage `json:"sslProtocols"`
		Suites          json.RawMessage `json:"cipherSuites"`
		HSTS            json.RawMessage `json:"HSTSEnabled"`
	}
	if err := a.read(ctx, operation, path, &list); err != nil {
		return Keystore{}, err
	}
	aliases := list.SSLCertificates
	if aliases == nil {
		aliases = list.Certificates
	}
	if aliases == nil {
		return Keystore{}, &Error{Code: CodeUnexpected, Operation: operation}
	}
	if len(*aliases) > 10*maxAliases { // nobody's keystore
		return Keystore{}, &Error{Code: CodeTooLarge, Operation: operation}
	}
	k := Keystore{Active: string(list.Active), Settings: map[string]string{}}
	for _, alias := range *aliases {
		alias = strings.ToLower(alias)
		if len(k.Aliases) == maxAliases {
			break
		}
		if plain(alias) == alias && segment(alias) && !contains(k.Aliases, alias) {
			k.Aliases = append(k.Aliases, alias)
		}
	}
	if a.traits.portal {
		for name, value := range map[string]json.RawMessage{"sslProtocols": list.Protocols, "cipherSuites": list.Suites, "HSTSEnabled": list.HSTS} {
			if scalar, ok := echo(value); ok && scalar != "" && printable(scalar) {
				k.Settings[name] = scalar
			}
		}
	} else if err := a.readMachine(ctx, machine, &k); err != nil {
		return Keystore{}, err
	}
	if plain(k.Active) != k.Active || k.Active == "" {
		return Keystore{}, &Error{Code: CodeUnexpected, Operation: operation, Messages: []string{"it does not say which certificate is active"}}
	}
	return k, nil
}

// readMachine adds what the machine's own resource of a Server says.
func (a *Admin) readMachine(ctx context.Context, machine string, k *Keystore) error {
	operation := "read the machine " + machine + " at " + a.base
	if err := a.read(ctx, operation, "/admin/machines/"+url.PathEscape(machine), &k.machine); err != nil {
		return err
	}
	var known struct {
		Active  text   `json:"webServerCertificateAlias"`
		Started number `json:"ServerStartTime"`
	}
	body, _ := json.Marshal(k.machine)
	if err := json.Unmarshal(body, &known); err != nil {
		return &Error{Code: CodeUnexpected, Operation: operation}
	}
	k.Active, k.Started = string(known.Active), int64(known.Started)
	return nil
}

// echo is a value as a form repeats it: a string as it is, a number or boolean
// as it was written, a list of strings with commas. Anything else, null
// included, is not repeated.
func echo(value json.RawMessage) (string, bool) {
	if len(value) == 0 || string(value) == "null" || value[0] == '{' {
		return "", false
	}
	if value[0] == '[' {
		var list []string
		if json.Unmarshal(value, &list) != nil {
			return "", false
		}
		return strings.Join(list, ","), true
	}
	var t text
	_ = t.UnmarshalJSON(value)
	return string(t), true
}

// printable tells whether a setting is what a setting can be: a value that is
// shown and repeated as it is.
func printable(value string) bool {
	return len(value) <= 8<<10 && strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// SecurityConfig reads what a site demands of connections: Protocol,
// HSTSEnabled, httpsProtocols, cipherSuites, as far as it says so. A portal has
// these in its keystore. Nothing here ever changes them: an update would
// restart the web server of every machine.
func (a *Admin) SecurityConfig(ctx context.Context) (map[string]string, error) {
	if a.traits.portal {
		return nil, nil
	}
	var config map[string]json.RawMessage
	if err := a.read(ctx, "read the security configuration of "+a.base, "/admin/security/config", &config); err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for _, name := range []string{"Protocol", "HSTSEnabled", "httpsProtocols", "cipherSuites"} {
		if value, ok := echo(config[name]); ok && value != "" && printable(value) {
			settings[name] = value
		}
	}
	return settings, nil
}
