package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

var answerOf = regexp.MustCompile(`name="plan" value="([^"]+)"`)

// ask asks for a page until it is there: what takes longer shows its progress first.
func (b *runBench) ask(path, wanted string) (body, plan string) {
	b.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var status int
		if status, body = b.get(b.t, path); status != http.StatusOK {
			b.t.Fatalf("%s: %d %s", path, status, body)
		}
		if strings.Contains(body, wanted) {
			if found := answerOf.FindStringSubmatch(body); found != nil {
				plan = found[1]
			}
			return body, plan
		}
	}
	b.t.Fatalf("%s: no %q in\n%s", path, wanted, body)
	return "", ""
}

// latest waits for the end of everything, and reads the latest run.
func (b *runBench) latest() journal.Run {
	b.t.Helper()
	if err := b.book.Wait(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	runs, err := b.options.App.Runs(b.t.Context())
	if err != nil || len(runs) == 0 {
		b.t.Fatalf("%d runs, %v", len(runs), err)
	}
	return runs[0]
}

func TestARunIsTakenBackAndWhatItLeftIsCleanedByThePages(t *testing.T) {
	t.Parallel()
	b := newRunBench(t)
	b.finder = func(context.Context, app.Teller) (found, error) {
		return found{list: []listed{{Deployment: b.state.Deployment, path: PathID(b.state.Deployment)}}, at: time.Now()}, nil
	}
	made := b.ended(b.begin())

	// A yes to another plan than the one that was shown is none.
	body, plan := b.ask("/runs/"+made.ID+"/undo", "Take it back</button>")
	for _, want := range []string{"Served now", "Going back to", "Restarts: none", "Nothing has been changed yet."} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if status, body := b.post(t, "/runs/"+made.ID+"/undo", url.Values{"plan": {"another"}}); status != http.StatusOK || !strings.Contains(body, plan) {
		t.Errorf("a yes to another plan: %d\n%s", status, body)
	}
	status, body := b.post(t, "/runs/"+made.ID+"/undo", url.Values{"plan": {plan}})
	if status != http.StatusOK || !strings.Contains(body, "Taking run "+made.ID) {
		t.Errorf("%d %s", status, body)
	}
	back := b.latest()
	if back.ID == made.ID || back.Outcome != string(rotation.Verified) || !strings.Contains(string(back.Summary), `"undoOf":"`+made.ID+`"`) {
		t.Fatalf("run %s ended as %s: %s", back.ID, back.Outcome, back.Summary)
	}
	b.post(t, "/runs/"+made.ID+"/undo", url.Values{"plan": {plan}}) // the same yes again
	if again := b.latest(); again.ID != back.ID {
		t.Errorf("the same yes began run %s, too", again.ID)
	}
	if _, body := b.get(t, "/runs/"+back.ID); !strings.Contains(body, "The certificate from before, which this run has brought back.") || !strings.Contains(body, "is served again, and that was proved.") || !strings.Contains(body, `class="traffic"`) {
		t.Errorf("its page is\n%s", body)
	}

	address := "/deployments/" + PathID(b.state.Deployment) + "/clean"
	body, plan = b.ask(address+"?now=1", "Remove 1 entry")
	if !strings.Contains(body, "can then not be taken back any more") {
		t.Errorf("no warning in\n%s", body)
	}
	if status, body := b.post(t, address+"?now=1", url.Values{"plan": {plan}}); status != http.StatusOK || !strings.Contains(body, "Cleaning") {
		t.Errorf("%d %s", status, body)
	}
	if cleaned := b.latest(); cleaned.Outcome != string(rotation.Cleaned) {
		t.Errorf("run %s ended as %s: %s", cleaned.ID, cleaned.Outcome, cleaned.Summary)
	}
	b.ask(address+"?again=1", "Nothing to clean up")
}
