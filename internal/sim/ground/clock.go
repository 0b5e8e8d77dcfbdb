package ground

import (
	"context"
	"sync"
	"time"
)

// Clock lets a world run faster than ours. Waits are shortened by Scale; the
// date is the real one, and what Advance added to it.
type Clock struct {
	// Scale divides every wait: 60 makes a minute cost a second. Zero means 1.
	Scale float64

	mu    sync.Mutex
	began time.Time     // when Elapsed was asked first
	ahead time.Duration // what Advance added
	moved chan struct{} // closed and replaced by Advance
}

// Now is the world's date.
func (c *Clock) Now() time.Time {
	ahead, _ := c.position()
	return time.Now().Add(ahead)
}

// Short is how long a wait of d in the world lasts for us.
func (c *Clock) Short(d time.Duration) time.Duration {
	return time.Duration(float64(d) / c.speed())
}

func (c *Clock) speed() float64 {
	if c.Scale <= 0 {
		return 1
	}
	return c.Scale
}

// Advance moves the world's time on by d, at once: whoever waits has waited d
// longer.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
	if c.moved != nil {
		close(c.moved)
		c.moved = nil
	}
}

// position is how far the world was advanced, and what tells when it is again.
func (c *Clock) position() (time.Duration, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moved == nil {
		c.moved = make(chan struct{})
	}
	return c.ahead, c.moved
}

// Elapsed is how much of the world's time has passed since it was asked first.
func (c *Clock) Elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began.IsZero() {
		c.began = time.Now()
	}
	return time.Duration(float64(time.Since(c.began))*c.speed()) + c.ahead
}

// Wait waits for d of the world's time, or until ctx ends.
func (c *Clock) Wait(ctx context.Context, d time.Duration) error {
	began := time.Now()
	from, moved := c.position()
	for at := from; ; at, moved = c.position() {
		timer := time.NewTimer(c.Short(d-(at-from)) - time.Since(began))
		select {
		case <-timer.C:
			return nil
		case <-moved:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
