package ground_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func TestAdvanceWakesThoseWhoseTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &ground.Clock{Scale: 60}
		began, woke := clock.Now(), make(chan time.Duration, 2)
		for _, d := range []time.Duration{4 * time.Hour, 5 * time.Hour} {
			go func() {
				if clock.Wait(t.Context(), d) == nil {
					woke <- d
				}
			}()
		}
		synctest.Wait()
		clock.Advance(4 * time.Hour)
		if got := <-woke; got != 4*time.Hour || clock.Now().Sub(began) != 4*time.Hour {
			t.Errorf("%s woke at %s, want 4h at 4h", got, clock.Now().Sub(began))
		}
		synctest.Wait()
		if len(woke) != 0 {
			t.Fatal("the one that waits for five hours woke after four")
		}
		before := time.Now()
		<-woke // the hour that is left is a minute of ours
		if took := time.Since(before); took != time.Minute {
			t.Errorf("the rest took %s, want 1m", took)
		}
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	clock := &ground.Clock{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := clock.Wait(ctx, time.Hour); err == nil {
		t.Error("the wait went on")
	}
}
