package cli

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// oneRun is pages in which a run goes on until it is over.
type oneRun struct {
	asked chan struct{} // closed when somebody waits for its end
	over  chan struct{}
}

func (r oneRun) Running() []work.Job {
	return []work.Job{{Kind: "run", Title: "Renewing gis.example.com", About: "/subscriptions/1/gw"}}
}

func (r oneRun) Wait(ctx context.Context) error {
	close(r.asked)
	select {
	case <-r.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestTheFirstCtrlCWaitsForARun, which goes back first; the second says what may
// be going on.
func TestTheFirstCtrlCWaitsForARun(t *testing.T) {
	t.Parallel()
	for _, world := range []string{"", "ha"} {
		var out, said bytes.Buffer
		a := newProgram(Environment{Stdout: &out, Stderr: &said}.withDefaults())
		s := &openPages{program: a, options: serveOptions{world: world}}
		run := oneRun{make(chan struct{}), make(chan struct{})}
		interrupted, stop := context.WithCancel(t.Context())
		stop()
		ended := make(chan error, 1)
		go func() { ended <- s.end(interrupted, run, &http.Server{}) }()
		<-run.asked
		if !strings.Contains(said.String(), "stops in order, and the pages show how: Renewing gis.example.com") {
			t.Errorf("said: %s", &said)
		}
		select {
		case <-ended:
			t.Error("it did not wait for the run")
		default:
		}
		name := a.changing.Load()
		if got := name != nil && *name == "--gateway /subscriptions/1/gw"; got != (world == "") {
			t.Errorf("world %q: who leaves at once is told of %v", world, name)
		}
		close(run.over)
		if err := <-ended; err != nil || a.changing.Load() != nil {
			t.Errorf("after it: %v, %v", err, a.changing.Load())
		}
	}
}
