// Package work keeps the long work of the pages: finding deployments, looking at
// one, making a plan, signing in, and runs. Work belongs to the server, not to the
// request that began it: it goes on when its tab is closed, any number of tabs see
// the same of it, and none of them can slow it down.
package work

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// How much is kept of work that has ended, and for how long.
const (
	keepFor  = time.Hour
	keepMost = 100
	// mostGoing is how much goes on at the same time: far more than one person begins.
	mostGoing = 64
)

// ErrBusy says that too much goes on at the same time.
var ErrBusy = errors.New("too much is going on at the same time; nothing was begun. Wait until some of it has ended")

// Job says what work is about.
type Job struct {
	// Kind is one word for programs ("find", "look", "plan", "sign-in", "run").
	Kind string
	// Title says for people what is going on: "Looking at gis.example.com".
	Title string
	// About is the gateway that the work is about, "" when it is about none.
	About string
	// Key, unless it is "", keeps the same work from going on twice: who starts it
	// again gets the one that goes on.
	Key string
	// Next is where the result is shown, Back where one goes when there is none.
	Next, Back string
	// Page, unless it is "", is where the results of such work are shown, each under
	// the work's ID.
	Page string
}

// Book keeps the works of a server.
type Book struct {
	ctx context.Context
	now func() time.Time

	mu    sync.Mutex
	works map[string]*Work
	group sync.WaitGroup
}

// NewBook makes a book without works. Those that will be in it end with ctx.
func NewBook(ctx context.Context, now func() time.Time) *Book {
	return &Book{ctx: ctx, now: now, works: map[string]*Work{}}
}

// Start begins work in a goroutine of its own; when too much goes on already it is
// work that has ended with [ErrBusy]. What do returns is the Result of the
// work; do tells how it goes on through the Work, which is an app.Teller.
func (b *Book) Start(job Job, do func(ctx context.Context, w *Work) (any, error)) *Work {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	going := 0
	for _, w := range b.works {
		if w.Ended() {
			continue
		}
		if job.Key != "" && w.job.Key == job.Key {
			return w
		}
		going++
	}
	ctx, cancel := context.WithCancel(b.ctx)
	w := &Work{
		ID: rand.Text(), job: job, began: b.now(), now: b.now,
		cancel: cancel, changed: make(chan struct{}), done: make(chan struct{}),
	}
	b.works[w.ID] = w
	if going >= mostGoing {
		cancel()
		w.end(nil, ErrBusy)
		return w
	}
	b.group.Go(func() {
		defer cancel()
		w.end(guarded(ctx, w, do))
	})
	return w
}

// guarded turns a panic, which is a mistake in the program, into the failure of one
// work. What it panicked with is shown only when Go's runtime made it: anything
// else may quote a secret.
func guarded(ctx context.Context, w *Work, do func(context.Context, *Work) (any, error)) (result any, err error) {
	defer func() {
		trouble := recover()
		if trouble == nil {
			return
		}
		what := fmt.Sprintf("a value of type %T, which is not shown, since it may hold a secret", trouble)
		if known, ok := trouble.(runtime.Error); ok {
			what = known.Error()
		}
		result, err = nil, &PanicError{What: what}
	}()
	return do(ctx, w)
}

// PanicError says that work ended by a mistake in the program.
type PanicError struct{ What string }

func (e *PanicError) Error() string { return "a mistake in the program: " + e.What }

// Get finds work by its id.
func (b *Book) Get(id string) (*Work, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	w, ok := b.works[id]
	return w, ok
}

// Find gives the works that satisfy a condition, newest first.
func (b *Book) Find(is func(*Work) bool) []*Work {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []*Work
	for _, w := range b.works {
		if is(w) {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(x, y *Work) int { return y.began.Compare(x.began) })
	return found
}

// StopAll asks all works to stop.
func (b *Book) StopAll() {
	for _, w := range b.Find(func(w *Work) bool { return !w.Ended() }) {
		w.Stop()
	}
}

// Wait returns when no work goes on any more, or ctx has ended.
func (b *Book) Wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		b.group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forget drops works that ended long ago, and the oldest when there are too many.
func (b *Book) forget() {
	var ended []*Work
	for id, w := range b.works {
		at, over := w.EndedAt()
		switch {
		case !over:
		case b.now().Sub(at) > keepFor:
			delete(b.works, id)
		default:
			ended = append(ended, w)
		}
	}
	if len(ended) <= keepMost {
		return
	}
	slices.SortFunc(ended, func(x, y *Work) int { return x.began.Compare(y.began) })
	for _, w := range ended[:len(ended)-keepMost] {
		delete(b.works, w.ID)
	}
}
