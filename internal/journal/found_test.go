package journal

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
)

// A run that was cut off is ended by who looks later, once, with words that no
// run says of itself.
func TestARunInDoubtIsFound(t *testing.T) {
	ctx := t.Context()
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	for _, id := range []string{"cut", "ended"} {
		must(t, j.Begin(ctx, run(id)))
		must(t, j.StepStarted(ctx, id, Step{Index: 0}, nine))
		must(t, j.StepFinished(ctx, id, 0, "done", nil, "", nine))
		must(t, j.StepStarted(ctx, id, Step{Index: 1}, nine))
	}
	must(t, j.Finish(ctx, "ended", "verified", nil, nine))
	open, err := j.Unfinished(ctx, "/SUBSCRIPTIONS/s/agw")
	if err != nil || len(open) != 1 || open[0].ID != "cut" || len(open[0].Steps) != 2 {
		t.Fatalf("unfinished %+v, %v; want the run that was cut off, whole", open, err)
	}
	if elsewhere, err := j.Unfinished(ctx, "/subscriptions/s/other"); err != nil || len(elsewhere) != 0 {
		t.Errorf("on another gateway: %+v, %v", elsewhere, err)
	}

	seen := []FoundStep{{Index: 1, Outcome: FoundDone, Result: json.RawMessage(`{"seen":"new"}`)}}
	for name, err := range map[string]error{
		"a word of a run's own":     j.Found(ctx, "cut", "verified", seen, nil, nine),
		"a run that has ended":      j.Found(ctx, "ended", FoundVerified, nil, nil, nine),
		"a step that has ended":     j.Found(ctx, "cut", FoundVerified, []FoundStep{{Index: 0, Outcome: FoundDone}}, nil, nine),
		"no run":                    j.Found(ctx, "none", FoundVerified, nil, nil, nine),
		"a summary that is no JSON": j.Found(ctx, "cut", FoundVerified, seen, json.RawMessage(`{`), nine),
	} {
		var order *OrderError
		if !errors.As(err, &order) {
			t.Errorf("%s: %v, want *OrderError", name, err)
		}
	}
	must(t, j.Found(ctx, "cut", FoundVerified, seen, json.RawMessage(`{"sentence":"it is there"}`), nine))
	got, err := j.Run(ctx, "cut")
	must(t, err)
	if got.Outcome != FoundVerified || got.Steps[0].Outcome != "done" || got.Steps[1].Outcome != FoundDone || string(got.Steps[1].Result) != `{"seen":"new"}` {
		t.Errorf("got %+v", got)
	}
	if left, err := j.Unfinished(ctx, got.GatewayID); err != nil || len(left) != 0 {
		t.Errorf("still unfinished: %+v, %v", left, err)
	}
}
