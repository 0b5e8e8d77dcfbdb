package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
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

func TestAMistakeInAHandlerIsAPageWithoutItsContent(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	st.handle("GET /mistake", func(http.ResponseWriter, *http.Request) error { panic("canary-secret") })
	status, body := st.get(t, "/mistake")
	if status != http.StatusInternalServerError || !strings.Contains(body, "A mistake in the program") || strings.Contains(body, "canary-secret") {
		t.Errorf("%d: %s", status, body)
	}
}
