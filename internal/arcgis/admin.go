package arcgis

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Admin is the administrative API of one product at one machine: who belongs
// to its site, and what is in the keystores. It may be used by several
// goroutines.
//
// Source: developers.arcgis.com/rest/enterprise-administration, and what
// Esri's own clients send: arcgis-powershell-dsc and arcgis-cookbook.
type Admin struct {
	*session
	product string
	traits  traits

	mu      sync.Mutex
	version version // zero until Version was asked
}

// traits are what sets the products apart.
type traits struct {
	portal bool
	// pfxFile, pfxPassword and authorityFile are the fields of the imports.
	pfxFile, pfxPassword, authorityFile string
	// headerToken: see upload.
	headerToken bool
	// chainSince is the version from which importCertificateChain is known;
	// zero for never.
	chainSince version
	// builtIn is the alias of the self-signed certificate with which the
	// product was installed, the one that Esri's break-glass procedures need.
	builtIn string
}

// products by the words that also a job uses for them.
var products = map[string]traits{
	"portal":   {portal: true, pfxFile: "file", pfxPassword: "password", authorityFile: "file", chainSince: version{11, 3}, builtIn: "portal"},
	"server":   serverTraits(version{11, 3}, false),
	"notebook": serverTraits(version{}, true),
	"mission":  serverTraits(version{}, true),
	"video":    serverTraits(version{12, 0}, true),
}

func serverTraits(chainSince version, headerToken bool) traits {
	return traits{
		pfxFile: "certFile", pfxPassword: "certPassword", authorityFile: "rootCACertificate",
		headerToken: headerToken, chainSince: chainSince, builtIn: "selfsignedcertificate",
	}
}

// NewAdmin is the administration of a product, "portal", "server", "notebook",
// "mission" or "video", at baseURL, which ends with the machine's context:
// https://machine.internal:6443/arcgis. It is never to be asked through a Web
// Adaptor or gateway, which would choose a machine by itself. The client
// decides to whom a password may be sent; nobody else does.
func NewAdmin(product, baseURL string, client *http.Client) *Admin {
	known, ok := products[product]
	if !ok {
		known = products["server"]
	}
	path := "/admin/generateToken"
	if known.portal {
		path = "/sharing/rest/generateToken"
	}
	return &Admin{session: newSession(baseURL, path, client), product: product, traits: known}
}

// Portal is the same login for what only a portal has.
func (a *Admin) Portal() *Portal { return &Portal{a.session} }

// Health asks whether the product is well, as Portal.Health does. It needs no
// sign-in.
func (a *Admin) Health(ctx context.Context) error {
	if a.traits.portal {
		return a.Portal().Health(ctx)
	}
	return ServerHealth(ctx, a.client, a.base)
}

// BuiltIn is the alias of the certificate that came with the installation.
func (a *Admin) BuiltIn() string { return a.traits.builtIn }

// Version is the version of the product, as "11.3.0". The other methods ask
// for it themselves where it counts.
func (a *Admin) Version(ctx context.Context) (string, error) {
	said, err := a.askVersion(ctx)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version = parseVersion(said)
	return said, nil
}

func (a *Admin) askVersion(ctx context.Context) (string, error) {
	if a.traits.portal {
		return a.Portal().Version(ctx)
	}
	operation := "read the version of " + a.base
	var root struct {
		Full    text `json:"fullVersion"`
		Current text `json:"currentVersion"`
	}
	err := a.read(ctx, operation, "/admin", &root)
	if err != nil {
		return "", err
	}
	version := plain(string(root.Full))
	if version == "" {
		version = unfloat(plain(string(root.Current)))
	}
	if version == "" {
		return "", &Error{Code: CodeUnexpected, Operation: operation}
	}
	return version, nil
}

// known is the version, asked for if nobody has done so.
func (a *Admin) known(ctx context.Context) (version, error) {
	a.mu.Lock()
	known := a.version
	a.mu.Unlock()
	if known != (version{}) {
		return known, nil
	}
	said, err := a.Version(ctx)
	return parseVersion(said), err
}

// version is major and minor; 10.9.1 is {10, 9}.
type version struct{ major, minor int }

// parseVersion reads as far as it can; what is no number is zero.
func parseVersion(said string) version {
	major, rest, _ := strings.Cut(said, ".")
	minor, _, _ := strings.Cut(rest, ".")
	var v version
	v.major, _ = strconv.Atoi(major)
	v.minor, _ = strconv.Atoi(minor)
	return v
}

func (v version) atLeast(since version) bool {
	return v.major > since.major || v.major == since.major && v.minor >= since.minor
}

// unfloat undoes what currentVersion suffers as a number: 10.9.1 is written
// 10.91, and 11.0 is 11. Until 12.1 no minor version had two digits, so the
// second is a patch. What has two dots came as text and is right.
func unfloat(said string) string {
	major, minor, dotted := strings.Cut(said, ".")
	switch {
	case said == "" || strings.Contains(minor, "."):
		return said
	case !dotted:
		return major + ".0"
	case len(minor) == 2:
		return major + "." + minor[:1] + "." + minor[1:]
	}
	return said
}

// ServerMachine is one machine of a site.
type ServerMachine struct {
	// Name is as the site spells it.
	Name string
	// Role is "primary" or "standby" at a portal, "" elsewhere.
	Role string
}

// Machines are the machines of the site.
func (a *Admin) Machines(ctx context.Context) ([]ServerMachine, error) {
	operation := "list the machines of " + a.base
	var list struct {
		Machines *[]struct {
			Name text `json:"machineName"`
			Role text `json:"role"`
		} `json:"machines"`
	}
	err := a.read(ctx, operation, a.root()+"/machines", &list)
	if err != nil {
		return nil, err
	}
	if list.Machines == nil {
		return nil, &Error{Code: CodeUnexpected, Operation: operation}
	}
	var machines []ServerMachine
	for _, m := range *list.Machines {
		if name := plain(string(m.Name)); segment(name) && len(machines) < maxMachines {
			machines = append(machines, ServerMachine{Name: name, Role: strings.ToLower(plain(string(m.Role)))})
		}
	}
	return machines, nil
}

// maxMachines is more than any site has.
const maxMachines = 200

// Choose finds, among the machines of the site, the one that is dialled as
// host. A site may know it by its full name, by its short name or by an
// address; where names do not tell, Server and its relatives are asked which
// machine they are.
func (a *Admin) Choose(ctx context.Context, host string, machines []ServerMachine) (ServerMachine, error) {
	short, _, _ := strings.Cut(host, ".")
	for _, name := range []string{host, short} {
		for _, m := range machines {
			if strings.EqualFold(m.Name, name) {
				return m, nil
			}
		}
	}
	operation := "find " + host + " among the machines of " + a.base
	if len(machines) == 1 {
		return machines[0], nil
	}
	if !a.traits.portal {
		var local struct {
			Name text `json:"machineName"`
		}
		err := a.read(ctx, operation, "/admin/local", &local)
		if err != nil {
			return ServerMachine{}, err
		}
		for _, m := range machines {
			if strings.EqualFold(m.Name, string(local.Name)) {
				return m, nil
			}
		}
	}
	return ServerMachine{}, &Error{Code: CodeUnexpected, Operation: operation, Messages: show(namesOf(machines))}
}

func namesOf(machines []ServerMachine) []string {
	var names []string
	for _, m := range machines {
		names = append(names, m.Name)
	}
	return names
}

// root is where the administration begins.
func (a *Admin) root() string {
	if a.traits.portal {
		return "/portaladmin"
	}
	return "/admin"
}

// segment tells whether a name can be one segment of a path.
func segment(name string) bool {
	return strings.Trim(name, ".") != "" && len(name) <= 255
}

// passwordOf keeps what must not be echoed.
func passwordOf(s secret.Secret) []string {
	if s.Empty() {
		return nil
	}
	return []string{s.Reveal()}
}
