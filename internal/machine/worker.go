package machine

import (
	"context"
	"time"

	"github.com/cartouche-gis/cartouche/internal/egress"
)

// Worker does jobs at one machine. Its fields are set before the first job.
type Worker struct {
	// Network is the way to the machine's ports; nil dials directly.
	Network *egress.Network
	// Host is the machine itself, nil where only its ports are reached.
	Host Host
	// Now is the clock of the report; time.Now when nil.
	Now func() time.Time
	// Tell, if given, hears what is being done, one line at a time, from
	// several goroutines.
	Tell func(string)
}

// Do does the job's tasks, in order, then looks at every component. It returns
// early when ctx ends; what was under way then is in the report.
func (w *Worker) Do(ctx context.Context, job Job) Report {
	report := Report{Format: Format, Host: job.Host, At: w.now()}
	report.Trouble = "not written yet"
	return report
}

func (w *Worker) now() time.Time {
	if w.Now == nil {
		return time.Now()
	}
	return w.Now()
}

func (w *Worker) tell(line string) {
	if w.Tell != nil {
		w.Tell(line)
	}
}
