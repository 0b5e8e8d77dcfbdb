package rehearse

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Rehearsal is the JSON of `rehearse`.
type Rehearsal struct {
	Deployment string `json:"deployment"`
	// Outcome is that of the run in the world, "" when the plan was refused.
	Outcome rotation.Outcome `json:"outcome"`
	// Scale is how many times as fast as ours the world's time went.
	Scale float64 `json:"scale"`
	// Seconds is how long the run took, of the world's time.
	Seconds float64 `json:"seconds"`
	Steps   []Step  `json:"steps"`
	// Restarts are by machine.
	Restarts []Restarted `json:"restarts"`
	// GatewayWrites are as the world counted them, going back included.
	GatewayWrites int      `json:"gatewayWrites"`
	Visitors      Visitors `json:"visitors"`
	// Violations are what the world saw that must never happen; empty is good.
	Violations []string `json:"violations"`
	// Differences are where the plan for the deployment is another than that for
	// its copy; empty is good.
	Differences []string `json:"differences"`
	// NotRehearsed is what the world could not stand in for.
	NotRehearsed []string `json:"notRehearsed"`
	// Plan and Result are those of the run.
	Plan   any `json:"plan"`
	Result any `json:"result,omitempty"`
	// Saved is the file that the shape was written to.
	Saved string `json:"saved,omitempty"`
	// Next does for the deployment itself what was rehearsed: a command, or an
	// address of the API.
	Next string `json:"next"`
}

// Step is one of a run that was rehearsed.
type Step struct {
	Kind    string  `json:"kind"`
	Title   string  `json:"title"`
	Outcome string  `json:"outcome"` // "done" or "failed"
	Seconds float64 `json:"seconds"` // of the world's time
}

// Restarted is how often a machine restarted, and how long it was away for it.
type Restarted struct {
	Machine string  `json:"machine"`
	Times   int     `json:"times"`
	Seconds float64 `json:"seconds"` // of the world's time
}

// Visitors are the requests that were sent meanwhile.
type Visitors struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
	// GapSeconds is the longest time without a good answer, of the world's time; 0
	// when none failed.
	GapSeconds float64  `json:"gapSeconds"`
	Failures   []string `json:"failures,omitempty"`
}

// Roughly is a time of a world, as exactly as a world tells it.
func Roughly(seconds float64) time.Duration {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return d.Round(time.Second)
	case d < 10*time.Minute:
		return d.Round(10 * time.Second)
	}
	return d.Round(time.Minute)
}

// value is one in which nothing has happened yet.
func (c *copied) value() Rehearsal {
	return Rehearsal{
		Deployment: c.Shape.Deployment.Name, Scale: c.asked.Scale, NotRehearsed: c.missing,
		Steps: []Step{}, Restarts: []Restarted{}, Violations: []string{}, Differences: []string{},
	}
}
