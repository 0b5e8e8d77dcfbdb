// Package vault is the data plane of the Key Vaults of a simulated world:
// certificates and secrets with versions and soft delete, under the
// production names of the vaults, with the authentication challenge, access
// by policy or by role, and the firewall.
//
// Sources: Azure Key Vault REST API reference (certificates and secrets) and
// its published examples; Key Vault documentation, "About Key Vault
// certificates", "About secrets", "Authentication, requests and responses",
// "Network security", "Soft-delete overview", "REST API error codes". Where a
// message is known from field reports, the report is named beside it.
package vault

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Options are the parts that the rest of a world decides.
type Options struct {
	Ground *ground.Ground
	// Suffix of the vaults' host names, Login the host that the challenge
	// names: vault.azure.net, login.microsoftonline.com.
	Suffix, Login string
	// Issuer of tokens, without the tenant; "" is https://sts.windows.net/.
	Issuer string
	// Verify checks a bearer token.
	Verify func(token string, audiences []string) (entra.Caller, error)
	// Document is the vault's document as the Resource Manager has it now: id,
	// location and properties (access policies, network rules, soft delete).
	Document func(vault string) (document map[string]any, ok bool)
	// AllowsData tells whether a role lets a principal do a data action.
	AllowsData func(objectID, action, scope string) bool
	Guesses    Guesses
	// PageSize of lists; 0 is 25, the largest that Key Vault gives.
	PageSize int
}

// Guesses are the behaviours that no public source settles. The zero value is
// what is believed; each can be turned round.
type Guesses struct {
	// LatestIsEnabled: a read of a secret without version gives the newest
	// enabled version. guess: it gives the newest, and fails with
	// SecretDisabled when that is disabled (azure-powershell#14740).
	LatestIsEnabled bool
	// OldAccessDenied: a missing access policy has the inner code AccessDenied.
	// guess: ForbiddenByPolicy; reports of 2021 show the other.
	OldAccessDenied bool
	// GatewayNotTrusted: the firewall does not let gateways in as a trusted
	// service. guess: it does, as the list of trusted services says; reports of
	// 2020 say it had no effect (application-gateway-kubernetes-ingress#872).
	GatewayNotTrusted bool
	// Settle is how long delete, recover and purge take in the world's time; 0
	// is 5 s. guess: reported are "seconds".
	Settle time.Duration
}

// Server answers for all vaults of a world.
type Server struct {
	o      Options
	ground *ground.Ground

	mu     sync.Mutex
	vaults map[string]*vault // by lower-case name
}

// New makes a server without vaults.
func New(o Options) *Server {
	if o.PageSize <= 0 || o.PageSize > maxPage {
		o.PageSize = maxPage
	}
	if o.Issuer == "" {
		o.Issuer = "https://sts.windows.net/"
	}
	if o.Guesses.Settle == 0 {
		o.Guesses.Settle = 5 * time.Second
	}
	return &Server{o: o, ground: o.Ground, vaults: map[string]*vault{}}
}

// Add opens an empty vault.
func (s *Server) Add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vaults[strings.ToLower(name)] = &vault{name: name, base: "https://" + strings.ToLower(name) + "." + s.o.Suffix, objects: map[string]*object{}}
}

// Host is the name under which a vault is reached.
func (s *Server) Host(vault string) string { return strings.ToLower(vault) + "." + s.o.Suffix }

// Network is where a request comes from.
type Network int

// The networks of a world: the outside door is one public address, the inside
// door is in the virtual network, a gateway is that and a trusted service.
const (
	Outside Network = iota
	Inside
	Gateway
)

// addressOf is what the firewall sees. 203.0.113.0/24 is for documentation
// (RFC 5737).
var addressOf = map[Network]string{Outside: "203.0.113.250", Inside: "10.0.0.250", Gateway: "10.16.0.4"}

// From is the handler for requests that come from a network.
func (s *Server) From(network Network) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.receive(w, r, network) })
}

// receive lets faults happen and answers.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, network Network) {
	h := w.Header()
	h.Set("X-Ms-Request-Id", uuid.NewString())
	h.Set("X-Ms-Keyvault-Network-Info", "conn_type=Ipv4;addr="+addressOf[network]+";act_addr_fam=InterNetwork;")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	to := route(r)
	// The challenge comes before anything else: its request has no body and
	// is never the one that a fault is meant for.
	if r.Header.Get("Authorization") == "" {
		s.serve(w, r, network, to)
		return
	}
	s.ground.Serve(w, r, to.step, s.refuse(w), func(w http.ResponseWriter) { s.serve(w, r, network, to) })
}

// maxBody bounds a request. guess: Key Vault's own limit is not documented.
const maxBody = 1 << 20

func (s *Server) serve(w http.ResponseWriter, r *http.Request, network Network, to target) {
	answer, f := func() (any, *failure) {
		v, document, f := s.find(r)
		if f != nil {
			return nil, f
		}
		caller, f := s.authenticate(r, document)
		if f != nil {
			return nil, f
		}
		if r.URL.Query().Get("api-version") == "" {
			return nil, fail(http.StatusBadRequest, "BadParameter", "api-version must be specified.")
		}
		if to.do == nil {
			return nil, fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The simulated world does not answer %s %s.", r.Method, r.URL.Path)
		}
		if f := s.admit(caller, network, v, document); f != nil {
			return nil, f
		}
		if f := s.permit(caller, to, v, document); f != nil {
			return nil, f
		}
		body, f := readBody(r)
		if f != nil {
			return nil, f
		}
		c := call{Server: s, vault: v, target: to, query: r.URL.Query(), url: r.URL, body: body, retention: retentionOf(document)}
		s.mu.Lock()
		defer s.mu.Unlock()
		c.finishWaiting()
		return to.do(c)
	}()
	switch {
	case f != nil:
		s.ground.Log.Debug("vault refuses", "step", to.step, "status", f.status, "code", f.Code, "message", f.Message)
		f.write(w)
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		write(w, http.StatusOK, answer)
	}
}

// find is the vault that the host names.
func (s *Server) find(r *http.Request) (*vault, map[string]any, *failure) {
	name, _, _ := strings.Cut(strings.ToLower(r.Host), ".")
	s.mu.Lock()
	v, ok := s.vaults[name]
	s.mu.Unlock()
	if ok {
		if document, exists := s.o.Document(name); exists {
			return v, document, nil
		}
	}
	// guess: a deleted vault's name no longer resolves; the world keeps its listener.
	return nil, nil, fail(http.StatusNotFound, "VaultNotFound", "There is no vault %q.", name)
}
