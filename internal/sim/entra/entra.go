// Package entra is the sign-in of a simulated world: discovery documents,
// signing keys and tokens under the production names of Microsoft Entra ID.
package entra

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// StepToken is the name of the token request, for faults.
const StepToken = "token"

// Tenant is one directory with the applications registered in it.
type Tenant struct {
	ID           string // GUID
	Domain       string // contoso.onmicrosoft.com
	Name         string
	Applications []Application
}

// Application is a service principal that may sign in.
type Application struct {
	ClientID, ObjectID string // GUIDs
	Name               string
	Secret             string
	Certificates       []*x509.Certificate // whose keys may sign client assertions
}

// Options are the parts that the rest of a world decides.
type Options struct {
	Ground *ground.Ground
	// Host is the public name of the login endpoint; Aliases are its other
	// names, which MSAL treats as the same cloud.
	Host    string
	Aliases []string
	Tenants []Tenant
	// Issuer of v1 tokens, without the tenant, the cloud's instance name and
	// the region; "" are those of the public cloud.
	Issuer, Instance, Region string
	// Resources are the audiences that tokens are given for, as in a scope
	// without "/.default": "https://management.core.windows.net/".
	Resources []string
	// Lifetime of a token; 0 is an hour and a bit, as Entra gives.
	Lifetime time.Duration
}

// Server answers for the login hosts of one cloud.
type Server struct {
	options Options
	key     *rsa.PrivateKey
	keyID   string

	mu      sync.Mutex
	revoked map[string]bool // token ids that are valid no longer
}

// New makes the signing key; that takes about 70 ms.
func New(options Options) (*Server, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the signing key of %s: %w", options.Host, err)
	}
	options.Issuer = cmp.Or(options.Issuer, "https://sts.windows.net/")
	options.Instance, options.Region = cmp.Or(options.Instance, "microsoftonline.com"), cmp.Or(options.Region, "EU")
	if options.Lifetime == 0 {
		options.Lifetime = 3599 * time.Second
	}
	return &Server{options: options, key: key, keyID: strings.ToLower(rand.Text()), revoked: map[string]bool{}}, nil
}

// Hosts are all names that Server answers under.
func (s *Server) Hosts() []string { return append([]string{s.options.Host}, s.options.Aliases...) }

// ServeHTTP routes by path; the tenant in it is an id, a domain, or one of
// common and organizations.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Ms-Request-Id", newGUID())
	w.Header().Set("Cache-Control", "no-store, no-cache")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	path := strings.Split(strings.Trim(strings.ToLower(r.URL.Path), "/"), "/")
	if len(path) < 2 {
		http.NotFound(w, r)
		return
	}
	segment, rest := path[0], strings.Join(path[1:], "/")
	switch rest {
	case "discovery/instance":
		s.instance(w, r)
	case "v2.0/.well-known/openid-configuration", ".well-known/openid-configuration":
		s.configuration(w, segment, strings.HasPrefix(rest, "v2.0"))
	case "discovery/v2.0/keys", "discovery/keys":
		s.keys(w)
	case "oauth2/v2.0/token", "oauth2/token":
		s.token(w, r, segment)
	default:
		http.NotFound(w, r)
	}
}

// TenantsOf are the ids of all tenants that a caller is in.
func (s *Server) TenantsOf(caller Caller) []string { return []string{caller.Tenant} }

// tenant finds a tenant by id or domain.
func (s *Server) tenant(name string) (Tenant, bool) {
	for _, tenant := range s.options.Tenants {
		if strings.EqualFold(tenant.ID, name) || strings.EqualFold(tenant.Domain, name) {
			return tenant, true
		}
	}
	return Tenant{}, false
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// newGUID is a random version 4 UUID.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
