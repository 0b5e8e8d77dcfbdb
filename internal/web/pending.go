package web

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rollout"
)

const (
	// pendingFor is how long a plan waits for its yes: what it rests on changes.
	pendingFor = 15 * time.Minute
	// mostPending bounds how many wait.
	mostPending = 20
)

// pending is what was prepared and waits for a yes: about the certificate that
// clients see, or about those of machines.
type pending struct {
	ready    *app.Prepared
	cleaning *app.Cleaning // of cleaning the gateway
	machines *app.Replacement
	left     rollout.Cleaning // of cleaning machines
	// answer names it in its form: a yes to a plan that was made anew since is none.
	answer string
	made   time.Time
}

func (p pending) session() *app.Session {
	if p.machines != nil {
		return p.machines.Session
	}
	return p.ready.Session
}

// plan is what would be done, and hash names it.
func (p pending) plan() any {
	if p.machines != nil {
		return p.machines.Plan
	}
	return p.ready.Plan
}

func (p pending) hash() string {
	if p.machines != nil {
		return p.machines.Plan.Hash
	}
	return p.ready.Plan.Hash
}

// failure is why the plan must not be carried out, nil when it may.
func (p pending) failure() *app.Failure {
	if p.machines != nil {
		return p.machines.Failure()
	}
	return p.ready.Failure()
}

// pendings are those of this server, by what they are for.
type pendings struct {
	mu   sync.Mutex
	kept map[string]pending
	era  int // grows when all of them are dropped
}

// now is the era: what is prepared in it may be kept as long as it lasts.
func (p *pendings) now() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.era
}

// keepOf keeps what was begun to be prepared in an era; when that is over it is closed.
func (p *pendings) keepOf(era int, key string, one pending, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.era != era {
		go one.session().Close(context.Background())
		return
	}
	p.add(key, one, now)
}

// add keeps one. The caller holds mu.
func (p *pendings) add(key string, one pending, now time.Time) {
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
	go p.kept[key].session().Close(context.Background())
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

// forget drops one that rests on what is not so any more.
func (p *pendings) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.kept[key]; there {
		p.drop(key)
	}
}

// forgetAll drops all of them.
func (p *pendings) forgetAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.era++
	for key := range p.kept {
		p.drop(key)
	}
}
