package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
