package app

import (
	"context"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// CleaningValue is what runs have left, as `show` tells it: what clean would
// remove, and what soaks.
type CleaningValue struct {
	Removable []string           `json:"removable"`
	Soaking   []rotation.Soaking `json:"soaking"`
}

// leftByRuns is what runs have left on the gateway, and on the machines where
// their keystores were seen. A journal that cannot be read tells nothing.
func (a *App) leftByRuns(ctx context.Context, state rotation.State) (value CleaningValue, internal bool) {
	value = CleaningValue{Removable: []string{}, Soaking: []rotation.Soaking{}}
	if state.Gateway == nil {
		return value, false
	}
	runs, err := a.RunsOf(ctx, state.Gateway.ID())
	if err != nil {
		return value, false
	}
	soak := rotation.Soak{Now: a.Now(), For: rotation.DefaultSoak}
	past, soaking := soak.Part(state, runs, rotation.CleanPlan(state, runs))
	for _, entry := range past {
		value.Removable = append(value.Removable, "certificate entry "+entry)
	}
	for _, s := range soaking {
		s.What = "certificate entry " + s.What
		value.Soaking = append(value.Soaking, s)
	}
	if !hasRollout(runs) {
		return value, false
	}
	cleaning := rollout.CleanPlan(state, runs).After(state, runs, soak)
	for _, entry := range cleaning.Entries {
		value.Removable = append(value.Removable, fmt.Sprintf("%s at %s, port %d", entry.Alias, entry.Machine, entry.Port))
	}
	for _, root := range cleaning.Roots {
		value.Removable = append(value.Removable, "trusted root "+root)
	}
	value.Soaking = append(value.Soaking, cleaning.Soaking...)
	return value, len(cleaning.Entries)+len(cleaning.Roots) > 0
}

func hasRollout(runs []journal.Run) bool {
	for _, run := range runs {
		if rollout.IsRun(run) {
			return true
		}
	}
	return false
}
