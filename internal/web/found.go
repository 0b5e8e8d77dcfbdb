package web

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// found is what was found for who is signed in.
type found struct {
	list  []listed // what ends first on top
	notes []string // why there may be more
	at    time.Time
}

// finder finds every deployment that who is signed in may see.
type finder func(ctx context.Context, tell app.Teller) (found, error)

// foundKeeper keeps what was found, until it is looked for again or somebody else
// signs in.
type foundKeeper struct {
	mu   sync.Mutex
	kept *found
	era  int // grows when what was found counts no more
}

func (k *foundKeeper) get() (*found, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept, k.era
}

// keep keeps what was looked for in an era, unless that is over.
func (k *foundKeeper) keep(f found, era int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.era == era {
		k.kept = &f
	}
}

func (k *foundKeeper) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept, k.era = nil, k.era+1
}

// forgetDeployments drops what was found and looked at: somebody else is signed
// in, or something was changed.
func (s *Server) forgetDeployments() {
	s.deployments.forget()
	s.looks.forget()
}

// found gives what was found, and finds it when nobody has yet. sent is as with
// awaited.
func (s *Server) found(w http.ResponseWriter, r *http.Request) (list *found, sent bool, err error) {
	if kept, _ := s.deployments.get(); kept != nil {
		return kept, false, nil
	}
	return s.find(w, r, r.URL.RequestURI())
}

// find looks for the deployments; next is where the result is shown.
func (s *Server) find(w http.ResponseWriter, r *http.Request, next string) (list *found, sent bool, err error) {
	_, era := s.deployments.get()
	list, sent, err = awaited[*found](w, r, s.book.Start(work.Job{Kind: "find", Title: "Finding your deployments", Key: fmt.Sprint("find ", era), Next: next, Back: "/sign-in"},
		func(ctx context.Context, wk *work.Work) (any, error) {
			f, err := s.finder(ctx, wk)
			if err != nil {
				return nil, err
			}
			s.deployments.keep(f, era)
			return &f, nil
		}))
	if _, now := s.deployments.get(); !sent && now != era { // somebody else has signed in meanwhile
		return nil, true, leadTo(w, r, next)
	}
	return list, sent, err
}

// byPath is the deployment that is called so in a path.
func (f *found) byPath(id string) (listed, bool) {
	for _, l := range f.list {
		if l.path == id {
			return l, true
		}
	}
	return listed{}, false
}
