package rollout

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Whose time is over is told what was waited for and how long, and who stopped it
// that it was stopped.
func TestWaitingThatIsOverSaysForWhat(t *testing.T) {
	sick := func() error { return errors.New("the gateway sees P1 as Unhealthy") }
	waiting := func(ctx context.Context) error {
		r := &run{Runner: &Runner{Rotation: &rotation.Runner{}}}
		r.Patience.Backends, r.Patience.Interval = time.Hour, 10*time.Second
		return r.until(ctx, "the gateway sees P1 well again", sick)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 95*time.Second)
		defer cancel()
		err := waiting(ctx)
		const want = "after 1m35s of waiting until the gateway sees P1 well again, the time for it was over"
		if err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %s", err, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		if err := waiting(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was stopped", err)
		}
	})
}
