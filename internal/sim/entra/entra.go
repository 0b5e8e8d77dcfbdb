// Package entra is the sign-in of a simulated world: discovery documents,
// signing keys and tokens under the production names of Microsoft Entra ID.
package entra

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

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

func (t Tenant) is(name string) bool {
	return strings.EqualFold(t.ID, name) || t.Domain != "" && strings.EqualFold(t.Domain, name)
}

// Options are the parts that the rest of a world decides.
type Options struct {
	Ground *ground.Ground
	// Host is the public name of the login endpoint; Aliases are its other
	// names, which MSAL treats as the same cloud.
	Host    string
	Aliases []string
	// Device is the address where people type a device code; it may redirect
	// to {Host}/common/oauth2/deviceauth, which is what "" is.
	Device  string
	Tenants []Tenant
	People  []Person
	// Issuers are whose tokens federated credentials may name.
	Issuers []*Issuer
	// Issuer of v1 tokens, without the tenant, the cloud's instance name and
	// the region; "" are those of the public cloud.
	Issuer, Instance, Region string
	// Resources are the audiences that tokens are given for, as in a scope
	// without "/.default": "https://management.core.windows.net/". Directory
	// is the one of scopes without a resource, "User.Read".
	Resources []string
	Directory string
	// Lifetime of a token; 0 is an hour and a bit, as Entra gives.
	Lifetime time.Duration
	// DeviceLife is how long a device code is good for, 0 is 15 minutes, and
	// DeviceInterval how long a client waits between polls, 0 is 5 s of the
	// world's time, but never less than 1 s. CodeLife is for authorization
	// codes, 0 is 10 minutes.
	DeviceLife, DeviceInterval, CodeLife time.Duration
	Guesses                              Guesses
	// Key signs the tokens; nil makes one, which takes about 70 ms.
	Key *rsa.PrivateKey
}

// Guesses are the behaviours that no public source settles. The zero value is
// what is believed, or what rehearses more; each can be turned round.
type Guesses struct {
	// NeverSlowDown: a device that polls too often hears authorization_pending
	// all the same. guess: slow_down, as RFC 8628 has it; Entra's page on the
	// grant does not list it.
	NeverSlowDown bool
	// TrustFirstParty: Microsoft's own clients need no consent through the
	// browser. That is how Entra is; the world asks, once for each person, so
	// that declining can be rehearsed.
	TrustFirstParty bool
}

// Server answers for the login hosts of one cloud.
type Server struct {
	options Options
	key     *rsa.PrivateKey
	keyID   string

	mu           sync.Mutex
	issued       map[string]string // token ids to the object id they speak for
	ended        map[string]bool   // token ids that expired before their time
	revoked      map[string]bool   // token ids that are valid no longer
	certificates map[string][]Certificate
	validFrom    map[string]time.Time // of people's refresh tokens, by object id
	consents     map[string]bool
	refresh      shelf[refreshToken]
	devices      shelf[*device]
	codes        shelf[*grantedCode]
	visits       shelf[*visit]
	sessions     shelf[string]
	identities   []Identity
}

// New makes a server that knows nobody but those of the options.
func New(options Options) (*Server, error) {
	key := options.Key
	if key == nil {
		var err error
		if key, err = options.Ground.Keys.RSA(); err != nil {
			return nil, fmt.Errorf("make the signing key of %s: %w", options.Host, err)
		}
	}
	options.Issuer = cmp.Or(options.Issuer, "https://sts.windows.net/")
	options.Instance, options.Region = cmp.Or(options.Instance, "microsoftonline.com"), cmp.Or(options.Region, "EU")
	options.Device = cmp.Or(options.Device, "https://"+options.Host+"/common/oauth2/deviceauth")
	options.Lifetime = cmp.Or(options.Lifetime, 3599*time.Second)
	options.DeviceLife, options.CodeLife = cmp.Or(options.DeviceLife, 15*time.Minute), cmp.Or(options.CodeLife, 10*time.Minute)
	options.DeviceInterval = cmp.Or(options.DeviceInterval, max(time.Second, options.Ground.Clock.Short(5*time.Second)))
	return &Server{options: options, key: key, keyID: strings.ToLower(rand.Text()),
		issued: map[string]string{}, ended: map[string]bool{}, revoked: map[string]bool{},
		certificates: map[string][]Certificate{}, validFrom: map[string]time.Time{}, consents: map[string]bool{},
		devices: shelf[*device]{life: options.DeviceLife}, codes: shelf[*grantedCode]{life: options.CodeLife},
		visits: shelf[*visit]{life: 15 * time.Minute}, sessions: shelf[string]{life: 24 * time.Hour},
	}, nil
}

// Hosts are all names that Server answers under.
func (s *Server) Hosts() []string { return append([]string{s.options.Host}, s.options.Aliases...) }

// ServeHTTP routes by path; the tenant in it is an id, a domain, or one of
// common and organizations.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Ms-Request-Id", uuid.NewString())
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
	case "oauth2/v2.0/devicecode", "oauth2/devicecode":
		if f := s.startDevice(w, r, segment); f != nil {
			f.write(w)
		}
	case "oauth2/v2.0/authorize", "oauth2/authorize":
		s.authorize(w, r, segment)
	case "login":
		s.login(w, r)
	case "consent":
		s.consent(w, r)
	case "oauth2/deviceauth", "oauth2/v2.0/deviceauth":
		s.enterCode(w, r)
	case "oauth2/v2.0/logout", "oauth2/logout":
		s.logout(w, r)
	case "oauth2/nativeclient":
		s.show(w, http.StatusOK, "done", page{Title: "Signed in", Text: "You may now close this window."})
	default:
		http.NotFound(w, r)
	}
}

// tenant finds a tenant by id or domain.
func (s *Server) tenant(name string) (Tenant, bool) {
	for _, tenant := range s.options.Tenants {
		if tenant.is(name) {
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
