package rollout_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// The entries of before and the root above them are what a run is taken back to.
// They stay for the soak; what no run of this journal knows of, nobody knows
// since when it is of no use.
func TestWhatARolloutReplacedSoaks(t *testing.T) {
	t.Parallel()
	const old, oldRoot = "applicationgateway at S0, port 6443", "trusted root oldRoot"
	const forgotten, itsRoot = "tls-20250101-00000000 at S0, port 6443", "tls-20250101-00000000-root at S0, port 6443"
	soak := rotation.Soak{Now: today, For: rotation.DefaultSoak}
	for name, test := range map[string]struct {
		run   func(*journal.Run)
		soak  rotation.Soak
		stays []string // of the machine S0 and the gateway
		goes  []string
	}{
		"yesterday's run":            {run: func(r *journal.Run) { r.FinishedAt = today.AddDate(0, 0, -1) }, soak: soak, stays: []string{old, forgotten, itsRoot, oldRoot}},
		"a run of a week ago":        {run: func(r *journal.Run) { r.FinishedAt = today.AddDate(0, 0, -7) }, soak: soak, stays: []string{forgotten, itsRoot}, goes: []string{old, oldRoot}},
		"without a soak":             {run: func(r *journal.Run) { r.FinishedAt = today.AddDate(0, 0, -1) }, goes: []string{old, forgotten, itsRoot, oldRoot}},
		"a run that made the others": {run: func(r *journal.Run) { r.Before = []byte(strings.ReplaceAll(string(r.Before), `"oldRoots"`, `"x"`)) }, soak: soak, stays: []string{forgotten, itsRoot}, goes: []string{old}},
	} {
		s, run := rolled(t, nil)
		test.run(&run)
		runs := []journal.Run{run}
		whole := rollout.CleanPlan(s.state, runs)
		got := whole.After(s.state, runs, test.soak)
		var stays, goes []string
		for _, soaking := range got.Soaking {
			if !strings.Contains(soaking.What, "S1") {
				stays = append(stays, soaking.What)
			}
			if soaking.Run == "run" && !soaking.Until.Equal(run.FinishedAt.Add(7*24*time.Hour)) {
				t.Errorf("%s: %+v", name, soaking)
			}
		}
		for _, entry := range got.Entries {
			if entry.Machine == "S0" {
				goes = append(goes, entry.Alias+" at S0, port 6443")
			}
		}
		for _, root := range got.Roots {
			goes = append(goes, "trusted root "+root)
		}
		if !slices.Equal(stays, test.stays) || !slices.Equal(goes, test.goes) {
			t.Errorf("%s: stays %q, want %q; goes %q, want %q", name, stays, test.stays, goes, test.goes)
		}
		if len(got.Entries)+len(got.Roots)+len(got.Soaking) != len(whole.Entries)+len(whole.Roots) {
			t.Errorf("%s: something was lost between %+v and %+v", name, whole, got)
		}
	}
}

// The authorities of what an undo left are what undoing the undo needs: the
// entry alone would be served under a root that nobody trusts.
func TestTheAuthoritiesOfAnUndoneRolloutSoakWithIt(t *testing.T) {
	t.Parallel()
	s, run := rolled(t, nil)
	run.FinishedAt = today.AddDate(0, 0, -30)
	undo := run
	undo.ID, undo.FinishedAt = "undo", today.AddDate(0, 0, -1)
	text := strings.ReplaceAll(string(run.Before), `"source":"issue"`, `"source":"back"`)
	alias := "tls-20250101-00000000" // from which it went away
	undo.Before = []byte(strings.ReplaceAll(text, `"beforeAlias":"ApplicationGateway"`, `"beforeAlias":"`+alias+`"`))
	if string(undo.Before) == text {
		t.Fatalf("nothing was replaced in %s", text)
	}
	runs := []journal.Run{undo, run}
	got := rollout.CleanPlan(s.state, runs).After(s.state, runs, rotation.Soak{Now: today, For: rotation.DefaultSoak})
	for _, what := range []string{alias + " at S0, port 6443", alias + "-root at S0, port 6443"} {
		if !slices.ContainsFunc(got.Soaking, func(s rotation.Soaking) bool { return s.What == what && s.Run == "undo" }) {
			t.Errorf("%s does not soak for the undo: %+v", what, got)
		}
	}
}
