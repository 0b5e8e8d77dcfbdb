package machine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// aim is what a component is waited for to be: well, and serving a leaf.
//
// It is there when it was seen so twice, at least an interval apart, because
// the first answer may still come from the web server that is about to go
// down; when its health check says so; and when a sign-in works.
type aim struct {
	// leaf is the fingerprint that must be served, "" for any.
	leaf string
	// restarted, if given, tells from the admin API that the component has
	// restarted, for a restart with which the leaf does not change. Then it
	// must have been seen going down, or this must be true.
	restarted func(context.Context) bool
	// atOnce says that nothing goes down: another leaf is wrong from the start.
	atOnce bool
	// steady bounds how long a component may go on healthy without what is
	// waited for; zero for as long as there is patience.
	steady   time.Duration
	patience time.Duration
}

// impatient gives up sooner on a component that goes on, healthy, as it was.
func (a aim) impatient() aim {
	a.steady = a.patience / 5
	return a
}

// wait is what was seen while waiting.
type wait struct {
	down   bool // it was down at least once
	code   string
	detail string
}

// spoil makes a result the failure that the wait ended with.
func (w wait) spoil(r TaskResult) TaskResult {
	r.State, r.Code, r.Detail, r.Unsure = TaskFailed, w.code, w.detail, true
	return r
}

// settling is how many intervals a component that came back may serve another
// leaf before that is taken for what it will go on to serve: a minute, for what
// looked like coming back may have been a hiccup before the restart, with which
// a portal takes its time.
const settling = 12

// await waits for the aim, and tells whether it was met.
func (v *visit) await(ctx context.Context, aim aim) (bool, wait) {
	begun := time.Now()
	deadline := begun.Add(aim.patience)
	var seen wait
	var good, wrong, well time.Time // since when it is so, without a break
	refused, last := 0, "nothing was seen"
	for {
		leaf, err := v.glance(ctx)
		now := time.Now()
		switch {
		case ctx.Err() != nil:
			seen.code, seen.detail = CodeInterrupted, "the job ended while "+v.job.Host+" was restarting"
			return false, seen
		case err != nil:
			seen.down = seen.down || !aim.atOnce
			good, wrong, well = time.Time{}, time.Time{}, time.Time{}
			last = err.Error()
		case aim.leaf != "" && leaf != aim.leaf:
			good = time.Time{}
			since(&wrong, now)
			since(&well, now)
			last = "it serves the certificate " + leaf
			if (seen.down || aim.atOnce) && now.Sub(wrong) >= settling*v.interval() {
				seen.code, seen.detail = CodeWrongLeafServed, fmt.Sprintf("%s is well and serves %s, and not %s", v.job.Host, leaf, aim.leaf)
				return false, seen
			}
		case aim.restarted != nil && !seen.down && !aim.restarted(ctx):
			since(&well, now)
			last = "it was not seen going down"
		default:
			since(&well, now)
			since(&good, now)
			if now.Sub(good) < v.interval() {
				break
			}
			err := v.admin.SignIn(ctx, v.job.Admin, v.job.Password)
			if err == nil {
				return true, seen
			}
			last = err.Error()
			if codeOf(err) == CodeWrongCredentials {
				if refused++; refused == 2 { // no more: accounts get locked
					seen.code, seen.detail = CodeWrongCredentials, err.Error()
					return false, seen
				}
			}
		}
		if aim.steady > 0 && !well.IsZero() && now.Sub(well) >= aim.steady && good.IsZero() {
			seen.code, seen.detail = CodeRestartNotSeen, fmt.Sprintf("%s goes on as before: %s", v.job.Host, last)
			return false, seen
		}
		if now.After(deadline) {
			seen.code = CodeRestartNeverEnded
			if !well.IsZero() {
				seen.code = CodeWrongLeafServed
				if aim.leaf == "" || aim.leaf == leaf {
					seen.code = CodeRestartNotSeen
				}
			}
			seen.detail = fmt.Sprintf("after %s %s was not as it should be: %s", aim.patience, v.job.Host, last)
			return false, seen
		}
		_ = pause.For(ctx, v.interval())
	}
}

func since(at *time.Time, now time.Time) {
	if at.IsZero() {
		*at = now
	}
}

// glance is the leaf that is served by a component that is well; else an error.
func (v *visit) glance(ctx context.Context) (string, error) {
	seen := v.look(ctx)
	if seen.Failure != "" || seen.Leaf() == nil {
		return "", errors.New(seen.Failure)
	}
	return pki.Fingerprint(seen.Leaf()), v.prober.Health(ctx)
}

func (v *visit) interval() time.Duration {
	if v.job.Interval > 0 {
		return v.job.Interval
	}
	return 5 * time.Second
}

func (v *visit) patience() time.Duration {
	switch {
	case v.job.Patience > 0:
		return v.job.Patience
	case v.component.Product == Portal:
		return 15 * time.Minute
	}
	return 10 * time.Minute
}
