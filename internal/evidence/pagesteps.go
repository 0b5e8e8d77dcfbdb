package evidence

import (
	"encoding/json"
	"time"
)

type shownStep struct {
	Step
	Took string
	// From and Width are percents of the run, for the bar.
	From, Width float64
}

// timeline puts the steps on the time of the run.
func timeline(d Document) (steps []shownStep, took string) {
	end := d.Run.FinishedAt
	for _, step := range d.Steps {
		if step.FinishedAt.After(end) {
			end = step.FinishedAt
		}
	}
	whole := end.Sub(d.Run.StartedAt)
	for _, step := range d.Steps {
		shown := shownStep{Step: step, Took: "no end"}
		if !step.FinishedAt.IsZero() {
			shown.Took = lasted(step.FinishedAt.Sub(step.StartedAt))
		}
		if whole > 0 {
			percent := func(d time.Duration) float64 {
				return min(100, max(0, float64(int(1000*float64(d)/float64(whole)))/10))
			}
			shown.From = percent(step.StartedAt.Sub(d.Run.StartedAt))
			to := end
			if !step.FinishedAt.IsZero() {
				to = step.FinishedAt
			}
			shown.Width = min(100-shown.From, max(0.6, percent(to.Sub(step.StartedAt))))
		}
		steps = append(steps, shown)
	}
	if !d.Run.FinishedAt.IsZero() {
		took = lasted(d.Run.FinishedAt.Sub(d.Run.StartedAt))
	}
	return steps, took
}

func lasted(d time.Duration) string {
	if d > time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

type shownPlanStep struct {
	Title   string   `json:"title"`
	Touches string   `json:"touches"`
	Changes []string `json:"changes"`
}

func planView(data json.RawMessage) []shownPlanStep {
	var plan struct {
		Steps []shownPlanStep `json:"steps"`
	}
	_ = json.Unmarshal(data, &plan) // a plan that cannot be read shows none
	return plan.Steps
}
