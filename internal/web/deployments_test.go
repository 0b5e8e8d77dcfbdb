package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// listStage is a server whose finder is given, and a person who came in.
func listStage(t *testing.T, find finder) *stage {
	t.Helper()
	s := New(t.Context(), Options{App: &app.App{Now: func() time.Time { return listNow }, Lookup: func(string) string { return "" }}})
	s.finder = find
	return stageOf(t, s)
}

// finds is a finder of so many deployments that counts how often it was asked.
func finds(count int, asked *atomic.Int32) finder {
	return func(context.Context, app.Teller) (found, error) {
		asked.Add(1)
		return found{list: manyListed(count, ""), notes: []string{"One subscription could not be read."}, at: listNow}, nil
	}
}

func TestListIsFoundOnceAndKept(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	st := listStage(t, finds(3, &asked))
	for _, path := range []string{"/", "/?q=gis-0002", "/"} {
		status, body := st.get(t, path)
		if status != http.StatusOK || !strings.Contains(body, "gis-0002") || !strings.Contains(body, "One subscription could not be read.") {
			t.Fatalf("%s: %d\n%s", path, status, body)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("Azure was asked %d times, want once", n)
	}
	if status, body := st.post(t, "/deployments/again", nil); status != http.StatusOK || !strings.Contains(body, "gis-0002") || asked.Load() != 2 {
		t.Errorf("looked again: %d, asked %d times", status, asked.Load())
	}
	st.forgetDeployments()
	if st.get(t, "/"); asked.Load() != 3 {
		t.Errorf("after it was forgotten Azure was asked %d times, want 3", asked.Load())
	}
}

// TestWhatWasFoundForSomebodyElseIsNotShown signs somebody else in while the
// deployments of the first are being looked for.
func TestWhatWasFoundForSomebodyElseIsNotShown(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var st *stage
	st = listStage(t, func(ctx context.Context, tell app.Teller) (found, error) {
		if asked.Load() == 1 { // the first question is that of the person's coming in
			st.forgetDeployments()
			asked.Add(1)
			return found{list: []listed{{Deployment: deployment.Deployment{Name: "gis-first"}}}, at: time.Now()}, nil
		}
		return finds(1, &asked)(ctx, tell)
	})
	st.forgetDeployments()
	// What was found for the first is neither shown nor kept: it is looked for again.
	if _, body := st.get(t, "/"); asked.Load() != 3 || strings.Contains(body, "gis-first") {
		t.Fatalf("asked %d times, want 3; the page is\n%s", asked.Load(), plain(body))
	}
}

func TestListThatCannotBeFoundSaysWhy(t *testing.T) {
	t.Parallel()
	st := listStage(t, func(context.Context, app.Teller) (found, error) {
		return found{}, &app.Failure{Code: "azure", Message: "Azure is asleep", Hint: "wake it", Exit: app.ExitPreflight, Err: errors.New("zzz")}
	})
	if status, body := st.get(t, "/"); status != http.StatusBadGateway || !strings.Contains(body, "Azure is asleep.") || !strings.Contains(body, "What helps: wake it.") {
		t.Errorf("%d\n%s", status, body)
	}
}

func TestNoDeploymentSaysWhereWasLooked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	if status, body := listStage(t, finds(0, &asked)).get(t, "/"); status != http.StatusOK || !strings.Contains(body, "No deployment was found") {
		t.Errorf("%d\n%s", status, body)
	}
}

func TestHostileNamesAreText(t *testing.T) {
	t.Parallel()
	l := manyListed(1, `"><script>alert(1)</script>`)
	l[0].Problems = nil
	st := listStage(t, func(context.Context, app.Teller) (found, error) { return found{list: l}, nil })
	_, body := st.get(t, "/?"+url.Values{"q": {`"><script>alert(2)</script> gis`}}.Encode())
	_, whole := st.get(t, "/")
	for _, page := range []string{body, whole} {
		if strings.Contains(page, "<script>alert") || strings.Contains(page, `"><script`) {
			t.Errorf("a name acts:\n%s", page)
		}
	}
}

// BenchmarkListOfThousand is what a person waits for: 1,000 deployments are
// searched and the page is written, through the whole server.
func BenchmarkListOfThousand(b *testing.B) {
	s := New(b.Context(), Options{App: &app.App{Now: func() time.Time { return listNow }}})
	s.deployments.keep(found{list: manyListed(1000, "-of-the-department-of-public-works"), at: listNow}, 0)
	if _, err := pages.Asset("style.css"); err != nil {
		b.Fatal(err)
	}
	for name, path := range map[string]string{"all": "/", "searched": "/?q=example.org+7&home=vault", "last-page": "/?page=20"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				w := httptest.NewRecorder()
				if s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
				size = w.Body.Len()
			}
			b.ReportMetric(float64(size), "page-bytes")
		})
	}
}
