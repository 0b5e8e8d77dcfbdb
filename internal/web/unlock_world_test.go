package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

func TestTheClaimOfAnotherComputerIsShownAndBrokenByThePages(t *testing.T) {
	t.Parallel()
	st := newMachinesStage(t)
	claim := st.page + "/claim"
	_, body := st.open(t, claim)
	st.wantPage(t, body, claim, "No run has claimed this deployment")

	session, err := st.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := st.deployments.get()
	site := st.options.App.ClaimsOf(session.Runner(rotation.Credentials{}), kept.list[0].GatewayID)
	held, err := site.Acquire(t.Context(), lease.Holder{Who: "<b>anna", Host: "gis-01", State: "elsewhere", Run: "20261127-1015-abcd"})
	if err != nil {
		t.Fatal(err)
	}
	_, body = st.open(t, claim)
	st.wantPage(t, body, claim, "gis-01", "what it has changed by then stays", "20261127-1015-abcd", "unless that run renews it")
	if strings.Contains(body, "<b>anna") {
		t.Error("a name is markup")
	}
	_, rest, _ := strings.Cut(body, `name="claims" value="`)
	shown, _, _ := strings.Cut(rest, `"`)

	for what, form := range map[string]map[string]string{
		"Tick this first":    {"claims": shown},
		"Break the claim?":   {"claims": "cartouche-run-x-another", "sure": "yes"},
		"that run is not at": {"sure": "yes"},
	} {
		if _, body = st.send(t, claim, form, nil); !strings.Contains(body, what) {
			t.Errorf("%v: no %q in\n%s", form, what, plain(body))
		}
		if err := held.May(t.Context()); err != nil {
			t.Fatalf("%v broke it: %v", form, err)
		}
	}

	// A plan says who it is, and leads here.
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, body = st.get(t, st.page+"/clean"); strings.Contains(body, "gis-01") {
			break
		}
	}
	if !strings.Contains(body, "gis-01") || !strings.Contains(body, `href="`+claim+`"`) {
		t.Errorf("what is held elsewhere is\n%s", plain(body))
	}

	status, body := st.send(t, claim, map[string]string{"claims": shown, "sure": "yes"}, nil)
	if status != http.StatusOK || !strings.Contains(body, "The claim is broken") {
		t.Errorf("%d\n%s", status, plain(body))
	}
	if claims, err := site.Claims(t.Context()); err != nil || len(claims) > 0 {
		t.Errorf("claims afterwards: %v, %v", claims, err)
	}
}
