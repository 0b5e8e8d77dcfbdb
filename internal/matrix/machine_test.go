package matrix_test

import (
	"net/http"
	"strings"
	"sync"
)

// portBreaker breaks an answer of a machine's port on the side of the world: what a
// client asks there, itself or by its agent, is TLS that it alone can see into.
type portBreaker struct {
	*intruder
	at  string // the kind of a request and its number, "" breaks nothing
	how *intrusion
	// hit is told that it was broken.
	hit func()

	mu     sync.Mutex
	counts map[string]int
	seen   []string
}

const atMachine = "machine "

// isAtMachine tells whether a place is a request to a port of a machine.
func isAtMachine(place string) bool { return strings.HasPrefix(place, atMachine) }

// stand is ground.Between.
func (b *portBreaker) stand(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
	place := rolloutPlace(r)
	if !strings.Contains(place, " machine ") {
		serve(w)
		return
	}
	kind := atMachine + strings.Replace(kindOf(place), " machine ", " ", 1)
	b.mu.Lock()
	if b.counts == nil {
		b.counts = map[string]int{}
	}
	b.counts[kind]++
	at := numbered(kind, b.counts[kind])
	b.seen = append(b.seen, at)
	b.mu.Unlock()
	if b.how == nil || at != b.at {
		serve(w)
		return
	}
	b.hit()
	b.how.do(b.intruder, w, r, serve)
}

// answersOfMachines are the ways to break what a machine's port says.
func answersOfMachines() (list []intrusion) {
	for _, how := range intrusions {
		if how.fits("GET machine x") {
			list = append(list, how)
		}
	}
	return list
}

// strikesElsewhere counts a break that the breaker itself did not make, so that the
// second one comes after it.
func (b *breaker) strikesElsewhere() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.struck = "?"; b.phase != nil {
		b.struck = b.phase()
	}
}
