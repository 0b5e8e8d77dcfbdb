package rehearse

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// pace is how many times faster than ours a world's time goes.
type pace float64

// short is a wait of production as long as it takes in the world.
func (p pace) short(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)/float64(p)), 20*time.Millisecond)
}

// long is the same for what is given up after it. What this computer computes takes
// its own time, so nothing is given up in less than half a minute.
func (p pace) long(d time.Duration) time.Duration { return max(p.short(d), 30*time.Second) }

// patience is production's, in the world's time.
func (p pace) patience() rotation.Patience {
	return rotation.Patience{Write: p.long(time.Hour), Proof: p.long(10 * time.Minute), Recovery: p.long(75 * time.Minute), Restart: p.long(15 * time.Minute),
		Interval: p.short(time.Second), Backoff: p.short(5 * time.Second), Drain: p.short(time.Minute)}
}

func (p pace) machinePatience() rollout.Patience {
	return rollout.Patience{Restart: p.long(15 * time.Minute), Interval: p.short(5 * time.Second), Backends: p.long(10 * time.Minute), Recovery: p.long(2 * time.Hour), Drain: p.short(time.Minute)}
}

// worldTime is how many seconds something took in the world.
func (p pace) worldTime(d time.Duration) float64 {
	return time.Duration(float64(d) * float64(p)).Seconds()
}
