package rollout

import (
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Runner carries plans out. Its fields are set once, before first use.
type Runner struct {
	// Rotation observes, writes the gateway, keeps the journal and is told what
	// happens; its Credentials sign in at the machines.
	Rotation *rotation.Runner
	// Way is how the machines are reached; nil is Rotation's. The caller closes it.
	Way reach.Way
	// Patience is how long things may take; the zero value is for production.
	Patience Patience

	telling sync.Mutex
}

// Patience is how long a run waits for what, in real time.
type Patience struct {
	// Restart bounds one restart; zero is package machine's own patience.
	Restart time.Duration
	// Interval is between two looks at a machine, zero is package machine's own;
	// and between two at the gateway's view of its backends: 10 s.
	Interval time.Duration
	// Backends bounds waiting for the gateway to see a machine well: 10 min. It
	// probes every 30 s as Cloud Builder sets it up.
	Backends time.Duration
	// Drain is how long requests under way may go on at a machine that was taken
	// out of its pools; zero is what the gateway itself is set to.
	Drain time.Duration
	// Recovery bounds everything that is done after a failure: 2 h.
	Recovery time.Duration
}

func (p Patience) withDefaults() Patience {
	if p.Backends == 0 {
		p.Backends = 10 * time.Minute
	}
	if p.Recovery == 0 {
		p.Recovery = 2 * time.Hour
	}
	return p
}

// The phases that a rollout has beside those of package rotation.
const (
	PhaseRoots    rotation.Phase = "roots"
	PhasePrepare  rotation.Phase = "prepare"
	PhaseMachines rotation.Phase = "machines"
)

func (r *Runner) way() reach.Way {
	if r.Way != nil {
		return r.Way
	}
	return r.Rotation.Way
}

func (r *Runner) tell(phase rotation.Phase, text string) { r.report(phase, text, false) }

func (r *Runner) tellWaiting(phase rotation.Phase, text string) { r.report(phase, text, true) }

// report tells one event at a time, also while machines are worked at side by side.
func (r *Runner) report(phase rotation.Phase, text string, waiting bool) {
	if r.Rotation.Report == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	r.Rotation.Report(rotation.Event{At: r.now(), Phase: phase, Text: text, Waiting: waiting})
}
