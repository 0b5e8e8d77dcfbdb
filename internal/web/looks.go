package web

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// looker looks at the deployment that is called id in paths.
type looker func(ctx context.Context, tell app.Teller, id string, login lookLogin) (portrait.Seen, error)

// lookLogin is with what machines are looked at; the zero value is without. It
// is used for one look and kept nowhere.
type lookLogin struct {
	siteAdmin string
	password  secret.Secret
	// reach is how machines are reached: "auto", "direct" or "agent".
	reach string
}

// looks are deployments as they were last looked at. They hold no secret.
type looks struct {
	mu   sync.Mutex
	seen map[string]portrait.Seen
	ids  []string // the oldest look first
	era  int      // grows when what was seen counts no more
}

// mostLooks is how many are kept: each is some hundred kilobytes.
const mostLooks = 50

func (l *looks) get(id string) (portrait.Seen, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen, known := l.seen[id]
	return seen, known
}

// now is the era: what is looked at in it may be kept as long as it lasts.
func (l *looks) now() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.era
}

// keep keeps a look that was begun in an era, unless that is over.
func (l *looks) keep(id string, seen portrait.Seen, era int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.era != era {
		return
	}
	if l.seen == nil {
		l.seen = map[string]portrait.Seen{}
	}
	l.remove(id)
	l.seen[id] = seen
	l.ids = append(l.ids, id)
	if len(l.ids) > mostLooks {
		l.remove(l.ids[0])
	}
}

// forget drops every look: somebody else is signed in, or something was changed.
func (l *looks) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen, l.ids, l.era = nil, nil, l.era+1
}

func (l *looks) remove(id string) {
	delete(l.seen, id)
	l.ids = slices.DeleteFunc(l.ids, func(known string) bool { return known == id })
}

// look begins to look at a deployment; whoever asks while it goes on waits for
// the same look.
func (s *Server) look(id string, login lookLogin) *work.Work {
	era := s.looks.now()
	key := fmt.Sprint("look ", era, " ", id)
	if login.siteAdmin != "" {
		key = fmt.Sprint("look at machines ", era, " ", id)
	}
	job := work.Job{Kind: "look", Title: "Looking at the deployment", Key: key, Next: "/deployments/" + id, Back: "/"}
	return s.book.Start(job, func(ctx context.Context, w *work.Work) (any, error) {
		seen, err := s.lookAt(ctx, w, id, login)
		if err != nil {
			return nil, err
		}
		s.looks.keep(id, seen, era)
		return seen, nil
	})
}
