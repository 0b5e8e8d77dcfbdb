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
	wrong, trying int
	last          time.Time
}

// NewAttempts counts from none.
func NewAttempts(now func() time.Time) *Attempts {
	return &Attempts{now: now, list: map[string]attempts{}}
}

// Try begins to try a login; ok is false when it must not be. Those that are tried
// at the same time, from several windows, count as wrong until it is known. It
// ends by [Attempts.Wrong], [Attempts.Right] or [Attempts.Untried].
func (a *Attempts) Try(login string) (ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expire()
	seen := a.list[login]
	if seen.wrong+seen.trying >= MostAttempts {
		return false
	}
	seen.trying++
	seen.last = a.now()
	a.list[login] = seen
	return true
}

// Wrong counts one for a login, and tells how many more there may be.
func (a *Attempts) Wrong(login string) (left int) {
	seen := a.end(login, func(seen *attempts) { seen.wrong++; seen.last = a.now() })
	return max(MostAttempts-seen.wrong, 0)
}

// Right forgets the wrong ones of a login.
func (a *Attempts) Right(login string) { a.end(login, func(seen *attempts) { seen.wrong = 0 }) }

// Untried is for a try that did not get as far as the login.
func (a *Attempts) Untried(login string) { a.end(login, func(*attempts) {}) }

func (a *Attempts) end(login string, change func(*attempts)) attempts {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expire()
	seen := a.list[login]
	seen.trying = max(seen.trying-1, 0)
	change(&seen)
	a.list[login] = seen
	if seen.wrong+seen.trying == 0 {
		delete(a.list, login)
	}
	return seen
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
		if seen.trying == 0 && a.now().Sub(seen.last) > attemptsFor {
			delete(a.list, login)
		}
	}
}
