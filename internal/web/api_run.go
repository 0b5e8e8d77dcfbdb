package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// underway is the answer to what goes on when it is answered.
type underway struct {
	// Run is the run's id.
	Run string `json:"run"`
	// Result is where the run is to be read, also when it has ended; Events are told
	// as it goes on, Stop asks it to stop.
	Result string `json:"result"`
	Events string `json:"events"`
	Stop   string `json:"stop"`
}

// atGateway carries out what is about the certificate for clients.
func (c *call) atGateway(title string, ready *app.Prepared, act func(context.Context, *evidence.Key, app.Report) error) (any, error) {
	return c.carryOut(func(keep func(any, *app.Failure)) *work.Work {
		return c.startPrepared(title, "/", rand.Text(), ready, func(ctx context.Context, report app.Report) error {
			return act(ctx, c.options.SignKey, func(result rotation.Result, name string, f *app.Failure) error {
				keep(result, f)
				return report(result, name, f)
			})
		})
	})
}

// atMachines carries out what is about the certificates of machines.
func (c *call) atMachines(title string, ready *app.Replacement, act func(context.Context, *evidence.Key, app.MachinesReport) error) (any, error) {
	return c.carryOut(func(keep func(any, *app.Failure)) *work.Work {
		return c.startAtMachines(title, "/", rand.Text(), ready, func(ctx context.Context, report app.MachinesReport) error {
			return act(ctx, c.options.SignKey, func(result rollout.Result, name string, f *app.Failure) error {
				keep(result, f)
				return report(result, name, f)
			})
		})
	})
}

// carryOut begins a run, and answers when it has begun or, where that is preferred,
// at its end. It goes on when nobody waits.
func (c *call) carryOut(begin func(keep func(result any, f *app.Failure)) *work.Work) (any, error) {
	c.kept = true // the run closes the session
	var result any
	var failure *app.Failure
	going := begin(func(came any, f *app.Failure) { result, failure = came, f }) // read when it has ended
	run, err := c.await(going)
	if err != nil {
		return nil, err
	}
	if !going.Ended() {
		return c.accepted(run), nil
	}
	if result == nil {
		_, err := going.Result()
		return nil, err
	}
	return with(result, failure)
}

// await waits until a run has begun, or as long as who asks prefers to wait. id is
// that of the run, "" when it has ended without one.
func (c *call) await(going *work.Work) (id string, err error) {
	enough := make(<-chan time.Time)
	wait, bound := preferredWait(c.r)
	if wait && bound > 0 {
		timer := time.NewTimer(bound)
		defer timer.Stop()
		enough = timer.C
	}
	if wait {
		c.w.Header().Set("Preference-Applied", "wait")
	}
	for {
		changed := going.Changed()
		id, _ = going.Value(runKind).(string)
		if going.Ended() || id != "" && !wait {
			return id, nil
		}
		select {
		case <-changed:
		case <-enough:
			wait = false
		case <-c.r.Context().Done():
			return id, c.r.Context().Err()
		}
	}
}

// preferredWait reads Prefer: wait=SECONDS (RFC 7240); without a number it is the end.
func preferredWait(r *http.Request) (wait bool, bound time.Duration) {
	for _, header := range r.Header.Values("Prefer") {
		for preference := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(preference), "=")
			if !strings.EqualFold(name, "wait") {
				continue
			}
			seconds, err := strconv.Atoi(strings.Trim(value, `"`))
			if err != nil || seconds < 0 {
				return value == "", 0
			}
			return seconds > 0, time.Duration(seconds) * time.Second
		}
	}
	return false, 0
}

// accepted says where a run that goes on is to be read.
func (c *call) accepted(run string) any {
	at := apiPath + "/runs/" + run
	value := underway{Run: run, Result: apiPath + "/history/" + run, Events: at + "/events", Stop: at + "/stop"}
	c.w.Header().Set("Location", value.Result)
	return &reply{http.StatusAccepted, value}
}

// reply is a value that is answered with another status than 200.
type reply struct {
	status int
	value  any
}

// going is the run of the address as work of this server.
func (c *call) going() (*work.Work, string, error) {
	run, err := c.options.App.WholeRun(c.r.Context(), c.r.PathValue("run"))
	if err != nil {
		return nil, "", err
	}
	going := c.workOfRun(run.ID)
	if going == nil {
		return nil, "", notOfThisServer(run.ID)
	}
	return going, run.ID, nil
}

// notOfThisServer says that nothing is known of a run but what the history has.
func notOfThisServer(run string) error {
	return &app.Failure{
		Code: "not-found", Message: "run " + run + " is none of this server, or ended more than an hour ago",
		Hint: "GET " + apiPath + "/history/" + run, Exit: app.ExitUsage,
	}
}

// events tells how a run goes on, as server-sent events.
func (c *call) events() (any, error) {
	if !strings.Contains(c.r.Header.Get("Accept"), "text/event-stream") {
		return nil, app.Usage("curl --no-buffer --header 'Accept: text/event-stream'", "events are text/event-stream, and were not asked for as such")
	}
	run, err := c.options.App.WholeRun(c.r.Context(), c.r.PathValue("run"))
	if err != nil {
		return nil, err
	}
	going := c.workOfRun(run.ID)
	if kept, known := toldOf(run); going == nil && known {
		work.ServeKept(c.w, c.r, kept.Events)
		return nil, nil
	}
	if going == nil {
		return nil, notOfThisServer(run.ID)
	}
	if err := going.ServeEvents(c.w, c.r); errors.Is(err, work.ErrTooMany) {
		return nil, &app.Failure{Code: "throttled", Message: err.Error(), Exit: app.ExitPreflight}
	}
	return nil, nil
}

// stop asks a run to stop: what it changed goes back, and that is proved.
func (c *call) stop() (any, error) {
	going, run, err := c.going()
	if err != nil {
		return nil, err
	}
	going.Stop()
	return c.accepted(run), nil
}
