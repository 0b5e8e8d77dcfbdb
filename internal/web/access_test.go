package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/web/work"
)

func TestLockForgetsAndSaysHowToComeInAgain(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	forgot := false
	st.atLock(func() { forgot = true })
	if status, body := st.get(t, "/nothing"); status != http.StatusNotFound {
		t.Fatalf("before: %d: %s", status, body)
	}
	status, body := st.post(t, "/lock", nil)
	if status != http.StatusUnauthorized || !strings.Contains(body, "The pages are locked") || !strings.Contains(body, "press Enter") {
		t.Errorf("after the button: %d: %s", status, body)
	}
	if strings.Contains(body, "/history") {
		t.Error("a locked page shows the navigation")
	}
	if !forgot {
		t.Error("secrets were kept")
	}
	status, body = st.get(t, "/api/v1/deployments")
	var failure struct {
		Error struct{ Code, Message, Hint string }
		Exit  int
	}
	if err := json.Unmarshal([]byte(body), &failure); err != nil || status != http.StatusUnauthorized || failure.Error.Code != "locked" || failure.Exit == 0 {
		t.Errorf("the API answers %d %s (%v)", status, body, err)
	}
	if _, err := st.client.Get(st.door.Address()); err != nil {
		t.Fatal(err)
	}
	if status, _ := st.get(t, "/nothing"); status != http.StatusNotFound {
		t.Errorf("after a new address: %d", status)
	}
}

// TestWhoComesInAgainGoesOnWhereTheyWere: the page of a refusal leads back to
// what was asked for, and nowhere else.
func TestWhoComesInAgainGoesOnWhereTheyWere(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	st.door.Lock()
	for path, want := range map[string]string{
		"/deployments/abc?at=2027-06-30": `href="/deployments/abc?at=2027-06-30"`,
		"/%22%3E%3Cscript%3E":            `href="/%22%3E%3Cscript%3E"`,
	} {
		if status, body := st.get(t, path); status != http.StatusUnauthorized || !strings.Contains(body, want) || strings.Contains(body, "<script>") {
			t.Errorf("%s: %d, %s is not in\n%s", path, status, want, body)
		}
	}
}

func TestRunsEndBeforeThePages(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	s := New(ctx, Options{})
	back := make(chan struct{})
	s.book.Start(work.Job{Kind: "look", Title: "looks", About: "other"}, func(ctx context.Context, _ *work.Work) (any, error) { <-ctx.Done(); return nil, nil })
	run := s.book.Start(work.Job{Kind: runKind, Title: "renews", About: "gateway"}, func(ctx context.Context, _ *work.Work) (any, error) {
		<-ctx.Done()
		<-back // what was changed goes back
		return nil, nil
	})
	if running := s.Running(); len(running) != 1 || running[0].About != "gateway" {
		t.Errorf("running: %+v", running)
	}
	stop()
	if soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond); s.Wait(soon) == nil {
		cancel()
		t.Error("the pages ended before the run")
	} else {
		cancel()
	}
	close(back)
	if err := s.Wait(t.Context()); err != nil || !run.Ended() || len(s.Running()) != 0 {
		t.Errorf("after it: %v, %+v", err, s.Running())
	}
}

func TestAMistakeInAHandlerIsAPageWithoutItsContent(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	st.handle("GET /mistake", func(http.ResponseWriter, *http.Request) error { panic("canary-secret") })
	status, body := st.get(t, "/mistake")
	if status != http.StatusInternalServerError || !strings.Contains(body, "A mistake in the program") || strings.Contains(body, "canary-secret") {
		t.Errorf("%d: %s", status, body)
	}
}

// Who has chosen the wrong file gets back to where another one can be chosen.
func TestWhatIsTooLargeLeadsBackToItsForm(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	for from, want := range map[string]string{
		st.base + "/check?x=1":            `href="/check?x=1"`,
		"https://elsewhere.example/check": `href="/"`,
		"":                                `href="/"`,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, st.base+"/check", bytes.NewReader(make([]byte, 9<<20)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		r.Header.Set("Origin", st.base)
		r.Header.Set("Referer", from)
		r.Header.Set("Expect", "100-continue")
		if status, body := st.do(t, r); status != http.StatusRequestEntityTooLarge || !strings.Contains(body, want) {
			t.Errorf("from %q: %d, without %s:\n%s", from, status, want, body)
		}
	}
}
