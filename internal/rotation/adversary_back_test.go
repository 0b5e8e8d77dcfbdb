package rotation

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Going back: somebody has touched one of the listeners meanwhile. That one is
// told; the others go back all the same.
func TestGoingBackTakesBackWhatItCan(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	entries := certificates("frontendCert", old, "new", renewed, "byHand", ca.issue(50, domain))
	move := func(listener, from string) Move { return Move{Listener: listener, From: from, To: "new"} }
	for name, test := range map[string]struct {
		listeners []map[string]any
		moves     []Move
		left      string // where listener a points afterwards, "" when nothing is written
		told      string
	}{
		"all":               {[]map[string]any{httpsListener("a", "new", domain), httpsListener("b", "new", domain)}, []Move{move("a", "frontendCert"), move("b", "frontendCert")}, "frontendCert", ""},
		"one is elsewhere":  {[]map[string]any{httpsListener("a", "new", domain), httpsListener("b", "byHand", domain)}, []Move{move("a", "frontendCert"), move("b", "frontendCert")}, "frontendCert", "byHand"},
		"one is gone":       {[]map[string]any{httpsListener("a", "new", domain)}, []Move{move("a", "frontendCert"), move("b", "frontendCert")}, "frontendCert", "listener b is gone"},
		"one entry is gone": {[]map[string]any{httpsListener("a", "new", domain), httpsListener("b", "new", domain)}, []Move{move("a", "frontendCert"), move("b", "removed")}, "frontendCert", "entry removed is gone"},
		"already":           {[]map[string]any{httpsListener("a", "frontendCert", domain)}, []Move{move("a", "frontendCert")}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			gateway := mustParse(t, gatewayDocument(t, entries, test.listeners...))
			document, err := goBack(undone{moves: test.moves})(gateway, 0)
			if test.left != "" {
				if err != nil {
					t.Fatal(err)
				}
				gateway = mustParse(t, document)
				if a, _ := gateway.Listener("a"); a.CertificateName != test.left {
					t.Errorf("listener a points to %s, want %s", a.CertificateName, test.left)
				}
				_, err = goBack(undone{moves: test.moves})(gateway, 0)
			}
			var moved *MovedError
			switch {
			case test.told == "" && !errors.Is(err, ErrNothingToEdit):
				t.Errorf("in the end: %v, want nothing to edit", err)
			case test.told != "" && (!errors.As(err, &moved) || !strings.Contains(err.Error(), test.told)):
				t.Errorf("in the end: %v, want to be told of %q", err, test.told)
			}
		})
	}
}

// An entry under the name that we would give may hold something else by now.
func TestListenersAreNotPointedToAnEntryWithAnotherCertificate(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	goal := goalOf(ca, renewed)
	document := gatewayDocument(t, certificates("frontendCert", old, EntryName(goal.Bundle), ca.issue(50, domain)), httpsListener("https", "frontendCert", domain))
	plan, err := NewPlan(stateOf(t, document, domain), goal)
	if err != nil {
		t.Fatal(err)
	}
	var moved *MovedError
	if _, err := switchTo(plan.Moves, renewed)(mustParse(t, document), 0); !errors.As(err, &moved) || !strings.Contains(err.Error(), "another certificate") {
		t.Errorf("edit = %v, want it to refuse the entry", err)
	}
}

// A proof that ran out of time has failed at nothing and proved nothing; what
// nobody could see is not said to be different, and what was seen weighs more.
func TestRestoredNeedsAProof(t *testing.T) {
	differs, unseen := differs("gis.example.com:443", "still serves the other certificate", ""), unseen("x", "does not answer", "")
	for name, test := range map[string]struct {
		ok     bool
		lacks  []lack
		before Result
		want   Outcome
		lines  int
	}{
		"proved":                             {ok: true, want: Restored},
		"unfinished":                         {want: NotKnown, lines: 1},
		"nobody answered":                    {lacks: []lack{unseen}, want: NotKnown, lines: 1},
		"something else is served":           {lacks: []lack{differs}, want: PartlyRestored, lines: 1},
		"one of each":                        {lacks: []lack{unseen, differs}, want: PartlyRestored, lines: 2},
		"proved, yet not pointed to":         {ok: true, before: Result{NotRestored: []Difference{{What: "x"}}}, want: PartlyRestored, lines: 1},
		"proved, yet the gateway was silent": {ok: true, before: Result{Unknown: []Difference{{What: "x"}}}, want: NotKnown, lines: 1},
	} {
		proof, result := Proof{OK: test.ok}, test.before
		proof.lacking(test.lacks)
		result.wentBack(State{}, proof)
		lines := slices.Concat(result.NotRestored, result.Unknown)
		if result.Outcome != test.want || len(lines) != test.lines {
			t.Errorf("%s: %s, %q; want %s with %d lines", name, result.Outcome, lines, test.want, test.lines)
		}
	}
}

// The password goes to what Azure says the gateway has and to what the run gave
// it. What some endpoint served before, perhaps a stranger's, is not among it.
func TestWhatWasServedIsNoReasonToTrustIt(t *testing.T) {
	ca := newTestCA(t)
	old, renewed, stranger := ca.issue(9, domain), ca.issue(90, domain), newTestCA(t).issue(5, domain)
	state := stateOf(t, gatewayDocument(t, certificates("frontendCert", old), httpsListener("https", "frontendCert", domain)), domain)
	state.Wire = append(state.Wire, seenAt(domain, "443", "192.0.2.9", domain, stranger))
	plan, err := NewPlan(state, goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	c := claim{before: state, moves: plan.Moves, expected: asBefore(state, expect(state, plan.Moves))}
	want := []string{pki.Fingerprint(old.Leaf), pki.Fingerprint(renewed.Leaf)}
	if got := c.pins(); !slices.Equal(got, want) {
		t.Errorf("pins = %v, want %v", got, want)
	}
}

func TestABackendOfWhichNothingIsSaidIsNotUp(t *testing.T) {
	up := cloud.BackendServer{Pool: "portal", Setting: "https", Address: "10.0.0.4", Health: "Healthy"}
	down := up
	down.Health = "Unhealthy"
	other := up
	other.Address = "10.0.0.5"
	for name, test := range map[string]struct {
		before, after []cloud.BackendServer
		worse         int
	}{
		"as before":           {[]cloud.BackendServer{up, other}, []cloud.BackendServer{other, up}, 0},
		"one is down":         {[]cloud.BackendServer{up, other}, []cloud.BackendServer{down, other}, 1},
		"one is missing":      {[]cloud.BackendServer{up, other}, []cloud.BackendServer{up}, 1},
		"an empty answer":     {[]cloud.BackendServer{up, other}, nil, 2},
		"it was down already": {[]cloud.BackendServer{down}, nil, 0},
	} {
		if worse := worseBackends(test.before, test.after); len(worse) != test.worse {
			t.Errorf("%s: %q, want %d", name, worse, test.worse)
		}
	}
}

func TestASiteThatIsWorseThanBefore(t *testing.T) {
	federated := func(status, trouble string) Sites {
		return Sites{SignedIn: true, Federation: []FederationResult{{
			Server: arcgis.FederatedServer{ID: "s1", Name: "server"}, Validation: arcgis.Validation{Status: status}, Trouble: trouble,
		}}}
	}
	for name, test := range map[string]struct {
		before, after Sites
		worse         bool
	}{
		"the same":                       {federated(arcgis.Success, ""), federated(arcgis.Success, ""), false},
		"better":                         {federated(arcgis.Failure, ""), federated(arcgis.WithWarnings, ""), false},
		"success, now with warnings":     {federated(arcgis.Success, ""), federated(arcgis.WithWarnings, ""), true},
		"warnings, now undetermined":     {federated(arcgis.WithWarnings, ""), federated(arcgis.Undetermined, ""), true},
		"undetermined, now failing":      {federated(arcgis.Undetermined, ""), federated(arcgis.Failure, ""), true},
		"validated, now no answer":       {federated(arcgis.Success, ""), federated("", "no answer"), true},
		"no server is listed any more":   {federated(arcgis.Success, ""), Sites{SignedIn: true}, true},
		"the login is refused":           {Sites{SignedIn: true}, Sites{}, true},
		"Portal is ill":                  {Sites{}, Sites{PortalTrouble: "x"}, true},
		"Server is ill":                  {Sites{}, Sites{ServerTrouble: "x"}, true},
		"both were ill":                  {Sites{PortalTrouble: "x", ServerTrouble: "x"}, Sites{PortalTrouble: "y", ServerTrouble: "y"}, false},
		"it never could be asked before": {federated("", "no answer"), federated(arcgis.Failure, ""), false},
	} {
		if worse := worseSites(test.before, test.after); len(worse) > 0 != test.worse {
			t.Errorf("%s: %q, want worse = %t", name, worse, test.worse)
		}
	}
}

// Whoever is signed in and could not be told of the federation has nothing to
// compare with later, and is told so.
func TestAFederationThatCouldNotBeReadIsToldBeforehand(t *testing.T) {
	sites := Sites{PortalURL: "https://gis.example.com/portal", SignedIn: true, PortalTrouble: "no answer"}
	if found := (&Runner{Credentials: Credentials{SiteAdmin: "admin"}}).siteObstacles(sites); !found.Has("federation-unproved") || found.Refused() {
		t.Errorf("siteObstacles = %v, want the warning federation-unproved", found)
	}
}

// A plan is for one gateway; a twin with the same parts is another one.
func TestAPlanIsNotAppliedToAnotherGateway(t *testing.T) {
	ca := newTestCA(t)
	renewed := ca.issue(90, domain)
	document := gatewayDocument(t, certificates("frontendCert", ca.issue(9, domain)), httpsListener("https", "frontendCert", domain))
	state := stateOf(t, document, domain)
	plan, err := NewPlan(state, goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.MovedSince(state); err != nil {
		t.Fatalf("its own gateway: %v", err)
	}
	document["id"] = gatewayID + "2"
	twin := stateOf(t, document, domain)
	var moved *MovedError
	// Without an Azure to write to, going on would panic.
	if _, err := (&Runner{}).Apply(t.Context(), plan, goalOf(ca, renewed), twin); !errors.As(err, &moved) {
		t.Errorf("Apply to a twin = %v, want a *MovedError", err)
	}
	if _, err := (&Runner{}).Undo(t.Context(), plan, twin); !errors.As(err, &moved) {
		t.Errorf("Undo on a twin = %v, want a *MovedError", err)
	}
	if _, err := (&Runner{}).Apply(t.Context(), plan, goalOf(ca, ca.issue(91, domain)), state); err == nil {
		t.Error("another certificate than the plan's is applied")
	}
}

func TestNothingMayFollowAPlan(t *testing.T) {
	plan, _ := savedPlan(t)
	data := mustJSON(plan)
	if _, err := ParsePlan(append(slices.Clone(data), " \n"...)); err != nil {
		t.Errorf("a plan with a newline: %v", err)
	}
	if _, err := ParsePlan(append(slices.Clone(data), data...)); err == nil {
		t.Error("a plan with another plan behind it was read")
	}
}

// Going back waits for a network that is away; a refusal is one.
func TestWhatIsWaitedForWhenGoingBack(t *testing.T) {
	for status, want := range map[int]bool{0: true, 408: true, 429: true, 500: true, 503: true, 400: false, 403: false, 404: false} {
		if got := passing(&cloud.Error{Status: status}); got != want {
			t.Errorf("passing(status %d) = %t", status, got)
		}
	}
	if passing(errors.New("x")) || passing(&MovedError{}) {
		t.Error("an error that is not Azure's is waited for")
	}
}

// The hash is over every member of a plan, also of those that later versions add.
func TestNoPartOfASavedPlanCanBeTakenAway(t *testing.T) {
	plan, _ := savedPlan(t)
	plan.Obstacles = pki.Findings{{Code: "gateway-busy", Severity: pki.Refusal, Sentence: "busy"}}
	plan.AssumeTrusted = true
	plan.Hash = plan.computeHash()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(mustJSON(plan), &members); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for name, value := range members {
		if string(value) == "null" {
			continue
		}
		without := maps.Clone(members)
		delete(without, name)
		if _, err := ParsePlan(mustJSON(without)); err == nil {
			t.Errorf("a plan without %q was read", name)
		}
		tried++
	}
	if tried < 18 {
		t.Errorf("only %d members were tried", tried)
	}
}
