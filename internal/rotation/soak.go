package rotation

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
)

// DefaultSoak is how long what a run replaced stays by itself: whatever clients
// find out about a new certificate they have found out in a week.
const DefaultSoak = 7 * 24 * time.Hour

// Soak is the time for which what a run replaced stays after its end, so that
// the run can be taken back. Zero is no such time.
type Soak struct {
	Now time.Time
	For time.Duration
}

// Soaking is what would be cleaned and is not yet.
type Soaking struct {
	// What is the entry, as it is named where it stands.
	What string `json:"what"`
	// Run is the one that could not be taken back without it; "" where this
	// computer's journal knows of none.
	Run string `json:"run,omitempty"`
	// Until is when its time is over, zero where nobody knows since when it runs.
	Until time.Time `json:"until,omitzero"`
}

// Over tells whether the time since the end of a run is over, and when it is. A
// run without an end is counted from its beginning.
func (s Soak) Over(run journal.Run) (until time.Time, over bool) {
	end := run.FinishedAt
	if end.IsZero() {
		end = run.StartedAt
	}
	until = end.Add(s.For).UTC()
	return until, s.For <= 0 || !s.Now.Before(until)
}

// Part parts what a CleanPlan lists by whether its soak is over. An entry soaks
// while a run could be taken back to it: one that has expired could not. One of
// which this journal has no run was left by another computer, or before the
// journal began; since when is not known, so it stays until its certificate has
// expired, or without a soak.
func (s Soak) Part(state State, runs []journal.Run, entries []string) (past []string, soaking []Soaking) {
	for _, name := range entries {
		entry, _ := state.Gateway.Certificate(name)
		needed, known := s.neededBy(state, runs, name)
		expired := len(entry.Chain) > 0 && !s.Now.Before(entry.Chain[0].NotAfter)
		switch {
		case s.For <= 0 || expired:
			past = append(past, name)
		case needed != nil:
			needed.What = name
			soaking = append(soaking, *needed)
		case !known:
			soaking = append(soaking, Soaking{What: name})
		default:
			past = append(past, name)
		}
	}
	return past, soaking
}

// neededBy finds the run that needs an entry for the longest time, and whether
// any run has ever had to do with it.
func (s Soak) neededBy(state State, runs []journal.Run, name string) (needed *Soaking, known bool) {
	for _, run := range runs {
		var kept remembered
		if !ofState(run, state) || json.Unmarshal(run.Before, &kept) != nil {
			continue
		}
		for _, move := range kept.Moves {
			from, to := strings.EqualFold(move.From, name), strings.EqualFold(move.To, name)
			back := move.Back != nil && strings.EqualFold(move.Back.Entry, name)
			known = known || from || to || back
			until, over := s.Over(run)
			if from && !over && !LeftAsItWas(run.Outcome) && (needed == nil || until.After(needed.Until)) {
				needed = &Soaking{Run: run.ID, Until: until}
			}
		}
	}
	return needed, known
}

// LeftAsItWas tells of a run's outcome that what the run found is there still,
// so that there is nothing to take back.
func LeftAsItWas(outcome string) bool {
	switch outcome {
	case string(NothingToDo), string(Unchanged), string(Restored), string(Cleaned),
		journal.FoundUnchanged, journal.FoundRestored, journal.FoundCleaned:
		return true
	}
	return false
}
