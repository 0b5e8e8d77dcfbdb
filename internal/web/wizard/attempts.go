package wizard

import (
	"sync"
	"time"
)

// MostAttempts is how often a login may be wrong: Portal locks it after some more.
const MostAttempts = 3

// attemptsFor is how long wrong passwords count: as long as Portal counts its own,
// by its defaults.
const attemptsFor = 15 * time.Minute

// Attempts counts wrong passwords, whichever renewal they were typed into.
type Attempts struct {
	now func() time.Time

	mu   sync.Mutex
	list map[string]attempts
}

type attempts struct {
	wrong int
	last  time.Time
}

// NewAttempts counts from none.
func NewAttempts(now func() time.Time) *Attempts {
	return &Attempts{now: now, list: map[string]attempts{}}
}

// Wrong counts one for a login, and tells how many more there may be.
func (a *Attempts) Wrong(login string) (left int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expire()
	n := a.list[login].wrong + 1
	a.list[login] = attempts{n, a.now()}
	return max(MostAttempts-n, 0)
}

// Right forgets the wrong ones of a login.
func (a *Attempts) Right(login string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.list, login)
}

// Locked tells that a login must not be tried, and until when.
func (a *Attempts) Locked(login string) (until time.Time, locked bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expire()
	seen := a.list[login]
	return seen.last.Add(attemptsFor), seen.wrong >= MostAttempts
}

func (a *Attempts) expire() {
	for login, seen := range a.list {
		if a.now().Sub(seen.last) > attemptsFor {
			delete(a.list, login)
		}
	}
}
