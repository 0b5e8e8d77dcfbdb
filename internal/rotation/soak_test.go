package rotation

import (
	"slices"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
)

// What a run replaced stays for as long as somebody may want to take the run
// back, and no longer.
func TestWhatARunReplacedSoaks(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	move := Move{Listener: "https", From: "frontendCert", To: "cartouche-now"}
	ended := func(days int, outcome string) journal.Run {
		run := kept(t, move)
		run.StartedAt, run.Outcome = today.AddDate(0, 0, -days).Add(-time.Minute), outcome
		if outcome != journal.InDoubt {
			run.FinishedAt = today.AddDate(0, 0, -days)
		}
		return run
	}
	elsewhere := ended(1, "verified")
	elsewhere.DeploymentID = "d2"
	for name, test := range map[string]struct {
		runs  []journal.Run
		soak  time.Duration
		valid int // days for which the old certificate is valid
		until time.Time
		stays bool
	}{
		"a run of yesterday":                        {runs: []journal.Run{ended(1, "verified")}, stays: true, until: today.AddDate(0, 0, 6)},
		"a run of seven days ago":                   {runs: []journal.Run{ended(7, "verified")}},
		"a run of six days ago, and three are said": {runs: []journal.Run{ended(6, "verified")}, soak: 3 * 24 * time.Hour},
		"the later of two counts":                   {runs: []journal.Run{ended(1, "verified"), ended(30, "verified")}, stays: true, until: today.AddDate(0, 0, 6)},
		"without a soak":                            {runs: []journal.Run{ended(1, "verified")}, soak: -1},
		"a run that went back needs nothing":        {runs: []journal.Run{ended(1, "restored")}},
		"a run that was not wholly taken back":      {runs: []journal.Run{ended(1, "partly-restored")}, stays: true, until: today.AddDate(0, 0, 6)},
		"a run of an older version, not restored":   {runs: []journal.Run{ended(1, "not-restored")}, stays: true, until: today.AddDate(0, 0, 6)},
		"a run in doubt":                            {runs: []journal.Run{ended(1, journal.InDoubt)}, stays: true, until: today.AddDate(0, 0, 6).Add(-time.Minute)},
		"a run that was found verified":             {runs: []journal.Run{ended(1, journal.FoundVerified)}, stays: true, until: today.AddDate(0, 0, 6)},
		"a run that was found unchanged":            {runs: []journal.Run{ended(1, journal.FoundUnchanged)}},
		"its certificate has expired":               {runs: []journal.Run{ended(1, "verified")}, valid: -1},
		"no run of this deployment knows it":        {runs: []journal.Run{elsewhere}, stays: true},
		"there is no journal":                       {stays: true},
	} {
		if test.valid == 0 {
			test.valid = 30
		}
		soak := Soak{Now: today, For: DefaultSoak}
		if test.soak != 0 {
			soak.For = max(test.soak, 0)
		}
		state := stateOf(t, gatewayDocument(t, certificates("frontendCert", ca.issue(test.valid, domain), "cartouche-now", ca.issue(90, domain)),
			httpsListener("https", "cartouche-now", domain)), domain)
		past, soaking := soak.Part(state, test.runs, []string{"frontendCert"})
		if stays := len(soaking) == 1 && len(past) == 0; stays != test.stays || !stays && !slices.Equal(past, []string{"frontendCert"}) {
			t.Errorf("%s: past %v, soaking %+v", name, past, soaking)
			continue
		}
		if test.stays && (!soaking[0].Until.Equal(test.until) || (soaking[0].Run == "") != test.until.IsZero()) {
			t.Errorf("%s: %+v, want until %v", name, soaking[0], test.until)
		}
	}
}

// An undo is a run: what it went away from is what undoing it needs.
func TestAnUndoThatWasMadeSoaksToo(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	first, undo := kept(t, Move{Listener: "https", From: "frontendCert", To: "cartouche-now"}), kept(t, Move{Listener: "https", From: "cartouche-now", To: "frontendCert"})
	first.FinishedAt, first.Outcome = today.AddDate(0, 0, -20), "verified"
	undo.FinishedAt, undo.Outcome, undo.ID = today.AddDate(0, 0, -2), "verified", "r2"
	state := stateOf(t, gatewayDocument(t, certificates("frontendCert", ca.issue(30, domain), "cartouche-now", ca.issue(90, domain)),
		httpsListener("https", "frontendCert", domain)), domain)
	runs := []journal.Run{undo, first}
	past, soaking := Soak{Now: today, For: DefaultSoak}.Part(state, runs, CleanPlan(state, runs))
	if len(past) != 0 || len(soaking) != 1 || soaking[0].What != "cartouche-now" || soaking[0].Run != "r2" {
		t.Errorf("past %v, soaking %+v; want cartouche-now for r2", past, soaking)
	}
}
