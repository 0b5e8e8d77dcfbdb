package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/hostile"
)

func TestPageIsWrittenWholeWithItsFrame(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	err := Write(w, http.StatusNotFound, "error", Page{
		Title: "Not <here>", Frame: Frame{Person: "a@b.example", World: "ha", Version: "v1"},
		Data: Notice{Kind: "error", Title: "T<b>", Next: []string{"go back"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	body := w.Body.String()
	for _, want := range []string{"Not &lt;here&gt;", "T&lt;b&gt;", "a@b.example", "/world", `href="/assets/style.`, "go back", "</html>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %q:\n%s", want, body)
		}
	}
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
	if err := Write(httptest.NewRecorder(), 200, "nothing", Page{}); err == nil {
		t.Error("a page that does not exist was written")
	}
}

func TestAssetsAreServedUnderTheirHash(t *testing.T) {
	t.Parallel()
	address, err := Asset("style.css")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{address: 200, "/assets/style.css": 404, "/assets/../pages.go": 404} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		Assets().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", path, w.Code, want)
		}
	}
	if _, err := Asset("nothing.css"); err == nil {
		t.Error("an asset that does not exist has an address")
	}
}

func TestWhatNobodySeesIsKeptOutOfPages(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	hidden := "a\x1b[31mb\u202ec\u200bd\xffe\u00a0f\u2029g é קבוצה"
	if err := Write(w, http.StatusOK, "error", Page{Title: hidden, Data: Notice{Title: hidden}}); err != nil {
		t.Fatal(err)
	}
	if want := "a\ufffd[31mb\ufffdc\ufffdd\ufffde f g é קבוצה"; strings.Count(w.Body.String(), want) < 2 {
		t.Errorf("no %q in\n%s", want, w.Body)
	}
	if err := hostile.InPage(w.Body.Bytes()); err != nil {
		t.Error(err)
	}
	part, err := Part("error", "notice", Notice{Title: hidden})
	if err != nil || hostile.InPage([]byte(part)) != nil {
		t.Errorf("%v, %v in\n%s", err, hostile.InPage([]byte(part)), part)
	}
}
