package wizard

import (
	"crypto/rand"
	"sync"
	"time"
)

const (
	// most renewals are prepared side by side; with one more the one that was not
	// used for longest goes, those first in which nothing was answered.
	most = 16
	// age is how long one is kept that nobody uses.
	age = 2 * time.Hour
)

// Book holds the renewals that are being prepared. Whoever holds the lock of one
// of them neither waits for anything nor calls the book.
type Book struct {
	now func() time.Time

	mu   sync.Mutex
	list map[string]*Renewal
}

// NewBook makes an empty one.
func NewBook(now func() time.Time) *Book {
	return &Book{now: now, list: map[string]*Renewal{}}
}

// Begin makes a renewal.
func (b *Book) Begin() *Renewal {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &Renewal{ID: rand.Text(), Answers: Answers{}, used: b.now()}
	b.expire()
	for len(b.list) >= most {
		var goes *Renewal
		for _, other := range b.list {
			if goes == nil || other.idle() && !goes.idle() || other.idle() == goes.idle() && other.used.Before(goes.used) {
				goes = other
			}
		}
		b.drop(goes)
	}
	b.list[r.ID] = r
	return r
}

// idle tells that nothing was answered yet: somebody has opened an address, no more.
func (r *Renewal) idle() bool {
	r.Lock()
	defer r.Unlock()
	return r.Deployment == nil
}

// Find gives the renewal with an id; ok is false when it was dropped, or never was.
func (b *Book) Find(id string) (r *Renewal, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire()
	if r, ok = b.list[id]; ok {
		r.used = b.now()
	}
	return r, ok
}

// Drop ends a renewal.
func (b *Book) Drop(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.list[id]; ok {
		b.drop(r)
	}
}

// Lock takes all secrets away. What was answered otherwise stays, so that a
// person who comes back goes on where they were.
func (b *Book) Lock() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.list {
		r.dropSecrets()
	}
}

// SignedInAnew begins all renewals again where the deployment is chosen, and says
// why: what was looked at and planned was by another sign-in.
func (b *Book) SignedInAnew(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.list {
		r.Lock()
		if _, chosen := r.Answers[Deployment]; chosen {
			r.Notice = why
		}
		r.Seen = nil
		r.Reopen(Deployment)
		r.Unlock()
	}
}

// LookAgain drops what was looked at for all renewals, since it has changed.
func (b *Book) LookAgain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.list {
		r.Lock()
		r.Seen = nil
		r.Unlock()
	}
}

func (b *Book) expire() {
	for _, r := range b.list {
		if b.now().Sub(r.used) > age {
			b.drop(r)
		}
	}
}

func (b *Book) drop(r *Renewal) {
	delete(b.list, r.ID)
	r.dropSecrets()
}
