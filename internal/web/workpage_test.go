package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// liveEvent is one event of a page that is open.
type liveEvent struct{ Name, ID, HTML, Next string }

// listenTo reads the events of a page until there are no more, or until stop says so.
func (st *stage) listenTo(t *testing.T, path string, stop func(liveEvent) bool) []liveEvent {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, st.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	answer, err := st.client.Do(r)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%s: %s, %s", path, answer.Status, answer.Header.Get("Content-Type"))
		return nil
	}
	var list []liveEvent
	name := ""
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "data":
			event := liveEvent{Name: name}
			if err := json.Unmarshal([]byte(value), &event); err != nil {
				t.Errorf("%s: %v in %s", path, err, value)
			}
			list = append(list, event)
			if stop != nil && stop(event) {
				return list
			}
		}
	}
	return list
}

func TestPageOfLongWorkGoesOnByItself(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	goOn := make(chan struct{})
	w := st.book.Start(work.Job{Title: "Looking at <b>gis</b>", Next: "/nowhere"}, func(_ context.Context, w *work.Work) (any, error) {
		w.Doing("observe", "reading <script>")
		<-goOn
		w.Note("warning", "a note <i>")
		return "seen", nil
	})
	address := "/work/" + w.ID
	for end := time.Now().Add(20 * time.Second); ; {
		status, body := st.get(t, address)
		if status != http.StatusOK || !strings.Contains(body, "Looking at &lt;b&gt;gis") || !strings.Contains(body, `data-live="`+address+`/events"`) || !strings.Contains(body, `http-equiv="refresh"`) {
			t.Fatalf("%d %s", status, body)
		}
		if strings.Contains(body, "Reading &lt;script&gt;") {
			break // it was told
		}
		if time.Now().After(end) {
			t.Fatalf("what is being done is not told:\n%s", body)
		}
	}
	var once sync.Once
	events := st.listenTo(t, address+"/events", func(e liveEvent) bool {
		once.Do(func() { close(goOn) })
		return e.Name == "done"
	})
	if last := events[len(events)-1]; last.Name != "done" || last.Next != address || !strings.Contains(events[0].HTML, "Reading &lt;script&gt;") {
		t.Errorf("got %+v", events)
	}
	if status, _ := st.get(t, address); status != http.StatusNotFound { // it leads to /nowhere
		t.Errorf("after the end: %d", status)
	}
}

func TestWorkThatFailsOrIsStoppedSaysSo(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	failed := st.book.Start(work.Job{Title: "Finding"}, func(context.Context, *work.Work) (any, error) {
		return nil, errors.New("no way to Azure")
	})
	failed.Wait(t.Context(), aMoment)
	if status, body := st.get(t, "/work/"+failed.ID); status == http.StatusOK || !strings.Contains(body, "No way to Azure.") {
		t.Errorf("%d %s", status, body)
	}
	nobody := st.book.Start(work.Job{Title: "Finding", Next: "/deployments/x?at=2027-01-01"}, func(context.Context, *work.Work) (any, error) { return nil, notSignedIn() })
	nobody.Wait(t.Context(), aMoment)
	answer := httptest.NewRecorder()
	st.Server.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/work/"+nobody.ID, nil))
	if to := answer.Header().Get("Location"); to != "/sign-in?then=%2Fdeployments%2Fx%3Fat%3D2027-01-01" {
		t.Errorf("who is not signed in is led to %q, not to signing in and then to the same again", to)
	}
	stopped := st.book.Start(work.Job{Title: "Finding"}, func(ctx context.Context, _ *work.Work) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if status, body := st.post(t, "/work/"+stopped.ID+"/stop", url.Values{}); status != http.StatusOK || !strings.Contains(body, "Stopped, as you asked") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := st.get(t, "/work/NOTHING"); status != http.StatusNotFound {
		t.Errorf("work that is not there: %d", status)
	}
}
