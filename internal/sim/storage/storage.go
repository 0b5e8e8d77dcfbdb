// Package storage is the blobs of the storage accounts of a simulated world:
// containers, block blobs and append blobs under the production names of the
// accounts, entered with an account's key, a token of Microsoft Entra, or a
// shared access signature that is really checked.
//
// Sources: Azure Storage REST API reference: "Blob service REST API",
// "Authorize with Shared Key", "Create a service SAS", "Create a user
// delegation SAS", "Create an account SAS", "Authorize with Microsoft Entra
// ID" (with the table of actions), "Common REST API error codes" and "Blob
// Storage error codes".
package storage

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"slices"
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
	// Suffix of the accounts' host names after "blob.": core.windows.net. Login
	// is the host that a challenge names.
	Suffix, Login string
	// Audience of tokens for blobs, without the account's own.
	Audience string
	// Verify checks a bearer token.
	Verify func(token string, audiences []string) (entra.Caller, error)
	// Document is the account's document as the Resource Manager has it now,
	// Tenant the tenant that its subscription is in.
	Document func(account string) (document map[string]any, tenant string, ok bool)
	// Allows and AllowsData tell whether a role lets a principal do an action,
	// or a data action, at a scope.
	Allows, AllowsData func(objectID, action, scope string) bool
	Guesses            Guesses
}

// Guesses are the behaviours that no public source settles. The zero value is
// what is believed; each can be turned round.
type Guesses struct {
	// ContainersNeedData: making and deleting a container with a token demands a
	// role with data actions. guess: the actions containers/write and
	// containers/delete are enough, as the table of permissions has it.
	ContainersNeedData bool
	// GoneAtOnce: the name of a deleted container can be used again at once.
	// Documented is: "at least 30 seconds".
	GoneAtOnce bool
}

// Server answers for all accounts of a world.
type Server struct {
	o      Options
	ground *ground.Ground

	mu       sync.Mutex
	accounts map[string]*account // by lower-case name
}

type account struct {
	name       string
	keys       [2][]byte
	delegation []byte // what user delegation keys are made from
	containers map[string]*container
}

type container struct {
	name     string
	etag     string
	modified time.Time
	blobs    map[string]*blob
	deleted  time.Duration // world's time at which it was deleted; 0: it is there
}

// New makes a server without accounts.
func New(o Options) *Server {
	return &Server{o: o, ground: o.Ground, accounts: map[string]*account{}}
}

// Add opens an empty account. Its keys are random.
func (s *Server) Add(name string) {
	a := &account{name: strings.ToLower(name), containers: map[string]*container{}, delegation: random(32)}
	for i := range a.keys {
		a.keys[i] = random(64)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[a.name] = a
}

func random(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b)
	return b
}

// Keys are an account's two keys; false if there is no such account.
func (s *Server) Keys(name string) ([2][]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[strings.ToLower(name)]
	if !ok {
		return [2][]byte{}, false
	}
	return a.keys, true
}

// Host is the name under which an account's blobs are reached.
func (s *Server) Host(name string) string { return strings.ToLower(name) + ".blob." + s.o.Suffix }

// Put stores a block blob behind the clients' backs, in a container that is
// made if there is none.
func (s *Server) Put(accountName, containerName, name string, content []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[strings.ToLower(accountName)]
	if !ok {
		return false
	}
	c := a.containers[containerName]
	if c == nil || c.deleted > 0 {
		c = &container{name: containerName, etag: newETag(), modified: s.ground.Clock.Now(), blobs: map[string]*blob{}}
		a.containers[containerName] = c
	}
	c.blobs[name] = &blob{kind: blockBlob, content: content, etag: newETag(), modified: s.ground.Clock.Now(), contentType: "application/octet-stream"}
	return true
}

// Blob is the content of a blob, for tests.
func (s *Server) Blob(accountName, containerName, name string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.accounts[strings.ToLower(accountName)]; ok {
		if c := a.containers[containerName]; c != nil && c.deleted == 0 {
			if b := c.blobs[name]; b != nil && b.content != nil {
				return b.content, true
			}
		}
	}
	return nil, false
}

// Names lists "account/container" and "account/container/blob" of everything
// that is there.
func (s *Server) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, a := range s.accounts {
		for _, c := range a.containers {
			if c.deleted > 0 {
				continue
			}
			names = append(names, a.name+"/"+c.name)
			for name, b := range c.blobs {
				if b.content != nil {
					names = append(names, a.name+"/"+c.name+"/"+name)
				}
			}
		}
	}
	return names
}

// Holding lists the blobs, as Names does, in which any of the texts stands: to
// look for secrets.
func (s *Server) Holding(texts ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, a := range s.accounts {
		for _, c := range a.containers {
			for name, b := range c.blobs {
				if slices.ContainsFunc(texts, func(text string) bool { return text != "" && bytes.Contains(b.content, []byte(text)) }) {
					found = append(found, a.name+"/"+c.name+"/"+name)
				}
			}
		}
	}
	return found
}

// Network is where a request comes from.
type Network int

// The networks of a world: the outside door is one public address, the inside
// door is in the virtual network.
const (
	Outside Network = iota
	Inside
)

// From is the handler for requests that come from a network.
func (s *Server) From(network Network) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.receive(w, r, network) })
}

// receive lets faults happen and answers.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, network Network) {
	h := w.Header()
	h.Set("X-Ms-Request-Id", uuid.NewString())
	h.Set("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0")
	if id := r.Header.Get("X-Ms-Client-Request-Id"); id != "" {
		h.Set("X-Ms-Client-Request-Id", id)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	to := route(r)
	s.ground.Serve(w, r, to.step, s.refuse(w, r), func(w http.ResponseWriter) { s.serve(w, r, network, to) })
}

// maxBody bounds a request. Azure takes 5000 MiB; the world keeps blobs in memory.
const maxBody = 64 << 20

// maxBlobs bounds what an account holds altogether.
const maxBlobs = 512 << 20

func (s *Server) serve(w http.ResponseWriter, r *http.Request, network Network, to target) {
	f := func() *failure {
		name, _, _ := strings.Cut(strings.ToLower(r.Host), ".")
		s.mu.Lock()
		a, ok := s.accounts[name]
		s.mu.Unlock()
		document, tenant, known := s.o.Document(name)
		if !ok || !known {
			return fail(http.StatusNotFound, "ResourceNotFound", "The specified resource does not exist.")
		}
		if f := s.admit(network, document); f != nil {
			return f
		}
		if to.do == nil {
			return fail(http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
		}
		c := &call{Server: s, account: a, document: document, tenant: tenant, target: to, r: r, w: w, query: r.URL.Query()}
		if f := c.authorize(); f != nil {
			return f
		}
		if version := r.Header.Get("X-Ms-Version"); version != "" {
			w.Header().Set("X-Ms-Version", version)
		} else if version := c.query.Get("sv"); version != "" {
			w.Header().Set("X-Ms-Version", version)
		}
		if f := c.read(); f != nil {
			return f
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return to.do(c)
	}()
	if f != nil {
		s.ground.Log.Debug("storage refuses", "step", to.step, "status", f.status, "code", f.Code)
		f.write(w, r, s.ground.Clock.Now())
	}
}

// admit is the account's firewall.
// Source: Azure Storage documentation, "Configure Azure Storage firewalls and
// virtual networks"; guess: the virtual network is among those that are named
// when any is.
func (s *Server) admit(network Network, document map[string]any) *failure {
	p, _ := document["properties"].(map[string]any)
	acls, _ := p["networkAcls"].(map[string]any)
	rules, _ := acls["virtualNetworkRules"].([]any)
	if network == Inside && len(rules) > 0 {
		return nil
	}
	disabled, _ := p["publicNetworkAccess"].(string)
	action, _ := acls["defaultAction"].(string)
	if strings.EqualFold(disabled, "Disabled") || strings.EqualFold(action, "Deny") {
		return fail(http.StatusForbidden, "AuthorizationFailure", "This request is not authorized to perform this operation.")
	}
	return nil
}
