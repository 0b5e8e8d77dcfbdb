package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

const (
	// pendingFor is how long a plan waits for its yes: what it rests on changes.
	pendingFor = 15 * time.Minute
	// mostPending bounds how many wait.
	mostPending = 20
)

// pending is what was prepared and waits for a yes.
type pending struct {
	ready    *app.Prepared
	cleaning *app.Cleaning // of cleaning only
	// answer names it in its form: a yes to a plan that was made anew since is none.
	answer string
	made   time.Time
}

// pendings are those of this server, by what they are for.
type pendings struct {
	mu   sync.Mutex
	kept map[string]pending
}

func (p *pendings) keep(key string, one pending, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string]pending{}
	}
	for other, old := range p.kept {
		if now.Sub(old.made) > pendingFor || len(p.kept) >= mostPending {
			p.drop(other)
		}
	}
	if _, there := p.kept[key]; there {
		p.drop(key)
	}
	one.answer, one.made = rand.Text(), now
	p.kept[key] = one
}

// drop closes what was opened for a plan that nobody wants. The caller holds mu.
func (p *pendings) drop(key string) {
	go p.kept[key].ready.Session.Close(context.Background())
	delete(p.kept, key)
}

func (p *pendings) get(key string, now time.Time) (pending, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, there := p.kept[key]
	return one, there && now.Sub(one.made) <= pendingFor
}

// take gives the plan that was answered, once.
func (p *pendings) take(key, answer string) (pending, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, there := p.kept[key]
	if !there || one.answer != answer {
		return pending{}, false
	}
	delete(p.kept, key)
	return one, true
}

// forgetAll drops all of them.
func (p *pendings) forgetAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key := range p.kept {
		p.drop(key)
	}
}

// prepareOnce gives what was prepared for a page, and prepares it when nobody has.
// sent tells that this takes longer than a moment: then the answer leads to the
// page of progress, which leads back.
func (s *Server) prepareOnce(w http.ResponseWriter, r *http.Request, job work.Job, prepare func(context.Context, *app.Session) (pending, error)) (one pending, sent bool, err error) {
	if kept, there := s.pending.get(job.Key, s.options.App.Now()); there && r.URL.Query().Get("again") == "" {
		return kept, false, nil
	}
	session, err := s.session(r.Context())
	if err != nil {
		return pending{}, false, err
	}
	job.Kind = "plan"
	wk := s.book.Start(job, func(ctx context.Context, wk *work.Work) (any, error) {
		own := session.With(wk)
		made, err := prepare(ctx, own)
		if err != nil {
			own.Close(context.WithoutCancel(ctx))
			return nil, err
		}
		s.pending.keep(job.Key, made, s.options.App.Now())
		if now, err := s.session(ctx); err != nil || now != session {
			s.pending.forgetAll() // somebody else has signed in meanwhile
			return nil, notSignedIn()
		}
		return nil, nil
	})
	return pending{}, true, s.showWork(w, r, wk)
}
