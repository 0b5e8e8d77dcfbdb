package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnErrorBecomesAPage(t *testing.T) {
	t.Parallel()
	s := New(t.Context(), Options{})
	s.handle("GET /broken", func(http.ResponseWriter, *http.Request) error { return errors.New("the vault is shut") })
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/broken", nil))
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "The vault is shut.") {
		t.Errorf("answered %d: %s", answer.Code, answer.Body)
	}
}

func TestWhatIsNoPageSaysSo(t *testing.T) {
	t.Parallel()
	answer := httptest.NewRecorder()
	New(t.Context(), Options{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/nothing", nil))
	if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), "Nothing is at this address") {
		t.Errorf("answered %d: %s", answer.Code, answer.Body)
	}
}
