package ground

import (
	"context"
	"time"
)

// Clock lets a world run faster than ours. The date is the real one; only
// waits are shortened.
type Clock struct {
	// Scale divides every wait: 60 makes a minute cost a second. Zero means 1.
	Scale float64
}

// Now is the world's date.
func (c *Clock) Now() time.Time { return time.Now() }

// Short is how long a wait of d in the world lasts for us.
func (c *Clock) Short(d time.Duration) time.Duration {
	if c.Scale <= 0 {
		return d
	}
	return time.Duration(float64(d) / c.Scale)
}

// Wait waits for d of the world's time, or until ctx ends.
func (c *Clock) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(c.Short(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
