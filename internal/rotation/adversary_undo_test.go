package rotation

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// kept is a run as the journal remembers it.
func kept(t testing.TB, moves ...Move) journal.Run {
	t.Helper()
	before, err := json.Marshal(remembered{Moves: moves})
	if err != nil {
		t.Fatal(err)
	}
	return journal.Run{ID: "r1", DeploymentID: "d1", DeploymentName: "bm", GatewayID: strings.ToUpper(gatewayID), Before: before}
}

// A run is taken back only where the world is still as the run left it.
func TestARunIsTakenBackOnlyToWhatWasThere(t *testing.T) {
	ca := newTestCA(t)
	old, renewed, other := ca.issue(9, domain), ca.issue(90, domain), ca.issue(80, domain)
	moved := Move{Listener: "HTTPS", From: "frontendCert", FromLeaf: pki.Fingerprint(old.Leaf), To: "cartouche-a", ToLeaf: pki.Fingerprint(renewed.Leaf)}
	for name, test := range map[string]struct {
		entries map[string]*pki.Bundle
		points  string
		run     func(*journal.Run)
		later   bool
		code    string // "" when it can be taken back
		mend    string
		moves   int
	}{
		"as the run left it":          {entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed}, points: "cartouche-a", moves: 1},
		"back already":                {entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed}, points: "frontendCert"},
		"a later run moved it on":     {entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed, "cartouche-b": other}, points: "cartouche-b", code: "listener-moved"},
		"the entry was cleaned away":  {entries: map[string]*pki.Bundle{"cartouche-a": renewed}, points: "cartouche-a", code: "old-entry-gone"},
		"the entry was used for more": {entries: map[string]*pki.Bundle{"frontendCert": other, "cartouche-a": renewed}, points: "cartouche-a", code: "old-entry-changed"},
		"another gateway": {
			entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed}, points: "cartouche-a",
			run: func(r *journal.Run) { r.GatewayID += "2" }, code: "run-of-another", moves: 1,
		},
		"another deployment on the same gateway": {
			entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed}, points: "cartouche-a",
			run: func(r *journal.Run) { r.DeploymentID = "d2" }, code: "run-of-another", moves: 1,
		},
		"a run that moved nothing": {
			entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed}, points: "cartouche-a",
			run: func(r *journal.Run) { r.Before = json.RawMessage(`{"moves":null}`) },
		},
		"a run that cleaned": {
			entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed}, points: "cartouche-a",
			run: func(r *journal.Run) {
				r.Before, r.Steps = json.RawMessage(`{"moves":null}`), []journal.Step{{Kind: string(StepClean)}}
			}, code: "run-cleaned",
		},
		"a later run of this journal moved it on": {
			entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed, "cartouche-b": other}, points: "cartouche-b",
			later: true, code: "listener-moved", mend: "take the later run back first: cartouche undo r2",
		},
		"an undo that is undone": {
			entries: map[string]*pki.Bundle{"frontendCert": old, "cartouche-a": renewed}, points: "frontendCert", moves: 1,
			run: func(r *journal.Run) { // of the undo
				*r = kept(t, Move{Listener: "https", From: "cartouche-a", FromLeaf: moved.ToLeaf, To: "frontendCert", ToLeaf: moved.FromLeaf})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var pairs []any
			for entry, bundle := range test.entries {
				pairs = append(pairs, entry, bundle)
			}
			state := stateOf(t, gatewayDocument(t, certificates(pairs...), httpsListener("https", test.points, domain)), domain)
			run := kept(t, moved)
			if test.run != nil {
				test.run(&run)
			}
			others := []journal.Run{run}
			if test.later {
				later := kept(t, Move{Listener: "https", From: "cartouche-a", To: "cartouche-b"})
				later.ID, later.StartedAt = "r2", run.StartedAt.Add(time.Hour)
				others = []journal.Run{later, run}
			}
			plan, err := UndoPlan(state, run, Goal{Now: today}, others...)
			if err != nil {
				t.Fatal(err)
			}
			if test.code == "" && plan.Ready() != nil || test.code != "" && !refusals(plan.Obstacles).Has(test.code) {
				t.Errorf("obstacles = %v, want %q", plan.Obstacles, test.code)
			}
			if test.mend != "" && plan.Obstacles[0].Mend != test.mend {
				t.Errorf("%+v, want %q", plan.Obstacles[0], test.mend)
			}
			if len(plan.Moves) != test.moves {
				t.Errorf("moves = %v, want %d", plan.Moves, test.moves)
			}
		})
	}
}

// A run on a gateway that has been given to another site's listener since.
func TestARunIsNotTakenBackOnAListenerThatIsAnothersNow(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain)
	document := gatewayDocument(t, certificates("frontendCert", old, "cartouche-a", ca.issue(90, domain)),
		httpsListener("https", "cartouche-a", "shop.example.com"), httpsListener("new", "cartouche-a", domain))
	plan, err := UndoPlan(stateOf(t, document, domain), kept(t, Move{Listener: "https", From: "frontendCert", To: "cartouche-a"}), Goal{Now: today})
	if err != nil {
		t.Fatal(err)
	}
	if !refusals(plan.Obstacles).Has("listener-moved") || len(plan.Moves) != 0 {
		t.Errorf("obstacles = %v, moves = %v; want listener-moved and no move", plan.Obstacles, plan.Moves)
	}
}

// A gateway may be shared by deployments, and names of entries are the same on
// many gateways: cleaning takes only what its own rotations left.
func TestCleaningLeavesEntriesOfOthers(t *testing.T) {
	ca := newTestCA(t)
	old, renewed, theirs := ca.issue(9, domain), ca.issue(90, domain), ca.issue(50, "other.example.org")
	document := gatewayDocument(t, certificates("frontendCert", old, "cartouche-now", renewed, "cartouche-before", old, "cartouche-theirs", theirs, "spare", theirs),
		httpsListener("https", "cartouche-now", domain))
	state := stateOf(t, document, domain)
	onAnother := func(change func(*journal.Run)) journal.Run {
		run := kept(t, Move{Listener: "https", From: "spare", To: "cartouche-theirs"})
		change(&run)
		return run
	}
	runs := []journal.Run{
		kept(t, Move{Listener: "https", From: "FrontendCert", To: "cartouche-now"}),
		onAnother(func(r *journal.Run) { r.GatewayID += "2" }),
		onAnother(func(r *journal.Run) { r.DeploymentID = "d2" }),
	}
	got := CleanPlan(state, runs)
	slices.Sort(got)
	if want := []string{"cartouche-before", "frontendCert"}; !slices.Equal(got, want) {
		t.Errorf("CleanPlan = %v, want %v", got, want)
	}
}

func TestCleaningWithoutAnythingToProveItByIsBlocked(t *testing.T) {
	ca := newTestCA(t)
	document := gatewayDocument(t, certificates("cartouche-a", ca.issue(9, domain)), httpsListener("https", "cartouche-a", "elsewhere.example.com"))
	// Without an Azure to write to, going on would panic.
	_, err := (&Runner{}).Clean(t.Context(), stateOf(t, document, domain), []string{"cartouche-a"})
	if blocked, ok := err.(*BlockedError); !ok || !blocked.Obstacles.Has("no-listener") {
		t.Errorf("Clean = %v, want blocked by no-listener", err)
	}
}

// An instance that has not followed the last switch lives on the old entry.
func TestCleaningIsBlockedWhileTheOldEntryIsServed(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	document := gatewayDocument(t, certificates("frontendCert", old, "cartouche-a", renewed), httpsListener("https", "cartouche-a", domain))
	state := stateOf(t, document, domain)
	state.Wire[0] = seenAt(domain, "443", "", domain, old)
	_, err := (&Runner{}).Clean(t.Context(), state, []string{"frontendCert"})
	if blocked, ok := err.(*BlockedError); !ok || !blocked.Obstacles.Has("wire-differs") {
		t.Errorf("Clean = %v, want blocked by wire-differs", err)
	}
}

// Going back to a certificate that has expired would be an outage.
func TestAnExpiredCertificateIsNotTakenBack(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain)
	document := gatewayDocument(t, certificates("frontendCert", old, "cartouche-a", ca.issue(90, domain)), httpsListener("https", "cartouche-a", domain))
	run := kept(t, Move{Listener: "https", From: "frontendCert", To: "cartouche-a"})
	for days, expired := range map[int]bool{8: false, 9: true, 10: true} {
		plan, err := UndoPlan(stateOf(t, document, domain), run, Goal{Now: today.AddDate(0, 0, days)})
		if err != nil {
			t.Fatal(err)
		}
		if got := refusals(plan.Findings).Has("old-expired"); got != expired {
			t.Errorf("after %d days: old-expired = %t", days, got)
		}
	}
}
