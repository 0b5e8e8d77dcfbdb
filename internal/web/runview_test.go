package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/watch"
)

var runNow = time.Date(2026, 11, 27, 22, 0, 0, 0, time.UTC)

func asJSON(value any) json.RawMessage {
	document, err := json.Marshal(value)
	if err != nil {
		panic(err) // values of these tests always are JSON
	}
	return document
}

// planned is a renewal as the journal has it, with steps that were begun.
func planned(outcome string, steps ...journal.Step) journal.Run {
	return journal.Run{
		ID: "20261127-2200-7f3a", DeploymentName: "gis<b>", DeploymentID: "1", GatewayID: "/subscriptions/1/agw", StartedAt: runNow.Add(-time.Hour), Outcome: outcome,
		Plan: asJSON(rotation.Plan{
			Certificate: pki.Description{SHA256: "cc", Names: []string{"gis.example.com"}}, Serving: &pki.Description{SHA256: "aa", Names: []string{"gis.example.com"}},
			Steps: []rotation.Step{{Kind: rotation.StepTrust, Title: "trust"}, {Kind: rotation.StepSwitch, Title: "switch <i>", Changes: []string{"listener <u>"}}, {Kind: rotation.StepProve, Title: "prove"}},
		}),
		Steps: steps,
	}
}

func aStep(kind, outcome string) journal.Step {
	s := journal.Step{Kind: kind, Title: kind, Outcome: outcome, StartedAt: runNow.Add(-10 * time.Minute)}
	if outcome != journal.InDoubt {
		s.FinishedAt = runNow.Add(-5 * time.Minute)
	}
	return s
}

func states(v runView) string {
	var list []string
	for _, s := range v.Steps {
		list = append(list, s.Title+": "+s.Word)
	}
	return strings.Join(list, "; ")
}

func TestStepsOfARun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		run   journal.Run
		going bool
		want  string
	}{
		"nothing begun":  {planned(journal.InDoubt), true, "Trust: waiting; Switch <i>: waiting; Prove: waiting"},
		"in the middle":  {planned(journal.InDoubt, aStep("trust", "done"), aStep("switch", journal.InDoubt)), true, "Trust: done; Switch <i>: going on; Prove: waiting"},
		"cut off":        {planned(journal.InDoubt, aStep("trust", "done"), aStep("switch", journal.InDoubt)), false, "Trust: done; Switch <i>: cut off: nobody knows yet whether it took effect; Prove: not begun"},
		"found":          {planned(journal.FoundVerified, aStep("trust", "done"), aStep("switch", journal.FoundDone)), false, "Trust: done; Switch <i>: cut off; later seen to have taken effect; Prove: not begun"},
		"going back":     {planned(journal.InDoubt, aStep("trust", "done"), aStep("switch", "done"), aStep("prove", "failed"), aStep("undo", journal.InDoubt)), true, "Trust: done; Switch <i>: done, then taken back; Prove: failed; Undo: going on"},
		"ended too soon": {planned(string(rotation.Unchanged), aStep("trust", "failed")), false, "Trust: failed; Switch <i>: not begun; Prove: not begun"},
	} {
		if got := states(runViewOf(c.run, liveRun{going: c.going, now: runNow})); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}

func TestWhatStoppingMeansFollowsTheRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		internal bool
		steps    []journal.Step
		want     string
	}{
		{false, nil, "Nothing has been changed yet."},
		{false, []journal.Step{aStep("trust", journal.InDoubt)}, "no listener has been changed"},
		{false, []journal.Step{aStep("stage", journal.InDoubt)}, "into Key Vault"},
		{false, []journal.Step{aStep("switch", journal.InDoubt)}, "being changed at this moment"},
		{false, []journal.Step{aStep("switch", "done"), aStep("prove", journal.InDoubt)}, "5 minutes until now"},
		{false, []journal.Step{aStep("switch", "done"), aStep("prove", "done"), aStep("pin", journal.InDoubt)}, "it stays"},
		{false, []journal.Step{aStep("switch", "done"), aStep("undo", journal.InDoubt)}, ""},
		{false, []journal.Step{aStep("clean", journal.InDoubt)}, "removed to its end"},
		{true, []journal.Step{aStep("gateway-roots", "done"), aStep("prepare", journal.InDoubt)}, "No machine serves anything new yet."},
		{true, []journal.Step{aStep("prepare", "done"), aStep("switch", "done")}, "the newest first"},
	} {
		got := stopMeans(journal.Run{Steps: c.steps}, c.internal, runNow)
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%t %v: %q, want %q", c.internal, c.steps, got, c.want)
		}
	}
}

// page is a view as its page.
func page(t *testing.T, v runView) string {
	t.Helper()
	var all strings.Builder
	for _, part := range append([]string{"main"}, runParts...) {
		var data any = v
		if part == "main" {
			data = pages.Page{Data: v}
		}
		text, err := pages.Part("run", part, data)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(text)
	}
	return all.String()
}

func TestWhatIsNotAsBeforeLeadsToWhatMendsIt(t *testing.T) {
	t.Parallel()
	run := planned(string(rotation.PartlyRestored), aStep("switch", "done"), aStep("undo", "failed"))
	run.FinishedAt = runNow
	run.Summary = asJSON(rotation.Result{
		Outcome: rotation.PartlyRestored, Failure: "put gateway: <script>alert(1)</script>", Hint: "ask <b>Azure</b>", Unclaimed: "its claim was broken",
		NotRestored: []rotation.Difference{{What: "listener <b>x</b>", Now: "points elsewhere", Next: "cartouche undo 20261127-2200-7f3a"}, {What: "machine m", Next: "cartouche clean gis --internal"}},
		Unknown:     []rotation.Difference{{What: "endpoint", Next: "cartouche verify gis"}, {What: "endpoint at 203.0.113.10", Next: "cartouche verify gis"}, {What: "other", Next: `cartouche undo "/><script>`}},
		Left:        []string{"an entry <i>"}, Operations: []string{"op-1"}, GatewayWrites: 2,
		Proof: &rotation.Proof{Failures: []string{"it <u>differs</u>"}},
		After: &pki.Description{SHA256: "aa", Names: []string{"gis.example.com<b>"}, Issuer: "CN=<img>"},
	})
	v := runViewOf(run, liveRun{now: runNow})
	body := page(t, v)
	for _, want := range []string{
		"&lt;script&gt;alert(1)", "Not as it was before", "Nobody could see", "Stays behind", `href="/runs/20261127-2200-7f3a/undo"`,
		`href="/deployments/` + v.DeploymentID + `/clean/machines"`, `href="/runs/unknown/undo"`, "its claim was broken", "op-1", "not proved", "The certificate from before.",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if v.Unknown[0].Next != "" || v.Unknown[0].Link != "" || v.Unknown[1].Next != "cartouche verify gis" || v.Unknown[1].Link == "" {
		t.Errorf("what mends two things that stand below one another is said of %+v", v.Unknown)
	}
	for _, never := range []string{"<script", "<b>x", "<img>", "<u>", "gis<b>"} {
		if strings.Contains(body, never) {
			t.Errorf("%q is in the page", never)
		}
	}
}

func TestARunOfMachinesAndOneThatWasFoundLaterAreShown(t *testing.T) {
	t.Parallel()
	run := planned(string(rotation.Verified), aStep("switch", "done"), aStep("switch", "done"))
	run.Plan = asJSON(rollout.Plan{Kind: rollout.PlanKind, Steps: []rollout.Step{{Kind: rollout.StepSwitch, Title: "portal on a", Restarts: []string{"a"}}, {Kind: rollout.StepSwitch, Title: "portal on b"}}})
	run.Summary = asJSON(rollout.Result{Outcome: rotation.Verified, Machines: []rollout.Changed{{Machine: "a<b>", Product: "portal", Port: 7443, State: "new", Restarted: 1}}})
	run.Before = asJSON(map[string]string{"kind": rollout.PlanKind})
	v := runViewOf(run, liveRun{now: runNow})
	if body := page(t, v); !v.Purpose.AtMachines || !strings.Contains(body, "machines’ certificates") || !strings.Contains(body, "a&lt;b&gt;") || states(v) != "Portal on a: done; Portal on b: done" {
		t.Errorf("internal %t, %s\n%s", v.Purpose.AtMachines, states(v), body)
	}

	run = planned(journal.FoundPartly, aStep("switch", journal.FoundPartly))
	run.FinishedAt = runNow
	run.Summary = asJSON(rotation.Aftermath{Outcome: journal.FoundPartly, Sentence: "one of two listeners", Steps: []rotation.StepFound{{Title: "switch", Sentence: "half of it"}}})
	if body := page(t, runViewOf(run, liveRun{now: runNow})); !strings.Contains(body, "one of two listeners") || !strings.Contains(body, "There is no proof of it") || !strings.Contains(body, "Take it back") {
		t.Errorf("got\n%s", body)
	}
}

// The journal is a file of the person's: whatever is in it, there is a page.
func FuzzRunView(f *testing.F) {
	f.Add([]byte(`{}`), []byte(`{}`), []byte(`{}`), "verified", "switch")
	f.Add([]byte(`{"steps":[{"kind":"switch"}],"moves":[{}]}`), []byte(`{"after":{},"notRestored":["x",{"next":"cartouche undo"}],"proof":{"wire":[{}]}}`),
		[]byte(`{"slices":[{"good":[1,2,3],"failed":-5}],"widthNanoseconds":-1}`), journal.InDoubt, "undo")
	f.Add([]byte(`[]`), []byte(`"`), []byte(`{"slices":[{}],"leaves":[{}]}`), journal.FoundPartly, "")
	f.Fuzz(func(t *testing.T, plan, summary, traffic []byte, outcome, kind string) {
		run := journal.Run{ID: "r", Plan: plan, Summary: summary, Outcome: outcome, StartedAt: runNow, FinishedAt: runNow,
			Steps: []journal.Step{{Kind: kind, Outcome: outcome, StartedAt: runNow}}, Evidence: []journal.Evidence{{Kind: trafficKind, Data: traffic}}}
		for _, going := range []bool{true, false} {
			page(t, runViewOf(run, liveRun{going: going, now: runNow}))
		}
	})
}

func TestKeptRequestsAreDrawnAgain(t *testing.T) {
	t.Parallel()
	w := watch.New("https://gis.example.com/", runNow.Add(-10*time.Minute))
	run := planned(string(rotation.Verified), aStep("switch", "done"))
	run.Evidence = []journal.Evidence{{Kind: "wire before", Data: asJSON(1)}, {Kind: trafficKind, Data: asJSON(w.Seen(runNow))}}
	if v := runViewOf(run, liveRun{now: runNow}); v.Traffic == nil || !strings.Contains(page(t, v), "https://gis.example.com/") {
		t.Error("the requests are not shown")
	}
}

// A gateway that was written may serve anything, also what nobody planned.
func TestNothingIsSaidOfWhatNobodySaw(t *testing.T) {
	t.Parallel()
	run := planned(journal.InDoubt, aStep(string(rotation.StepSwitch), journal.InDoubt))
	var plan keptPlan
	if err := json.Unmarshal(run.Plan, &plan); err != nil {
		t.Fatal(err)
	}
	if s := servingOf(run, plan, nil, false); s.Word != "" || s.Certificate != nil || !strings.HasPrefix(s.Sentence, "Not known") {
		t.Errorf("of a run that was cut off in its write: %+v", s)
	}
	run.Steps = nil
	if s := servingOf(run, plan, nil, false); s.Word != "old" || s.Certificate == nil {
		t.Errorf("of a run that changed nothing: %+v", s)
	}
}
