package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func newWorldStage(t *testing.T) (*stage, *sim.World) {
	t.Helper()
	world := worldtest.Start(t, sim.Options{World: "single"})
	return newStage(t, Options{World: "single", Simulated: world}), world
}

func TestTheWorldsPanelSwitchesFaultsOnAndOff(t *testing.T) {
	t.Parallel()
	st, world := newWorldStage(t)
	faults := world.Ground().Faults

	if _, page := st.post(t, "/world/faults", url.Values{"fault": {"wrong-leaf@edge"}, "times": {"2"}}); !strings.Contains(page, "2 times") {
		t.Error("the page does not say that it is on, and how often")
	}
	if on := faults.On(); !slices.Equal(on, []ground.Fault{{Name: "wrong-leaf", Step: "edge", Times: 2}}) {
		t.Errorf("on are %v", on)
	}
	st.post(t, "/world/faults", url.Values{"fault": {"conflict@gateway-put"}, "times": {"1"}})
	st.post(t, "/world/faults/off", url.Values{"fault": {"wrong-leaf@edge"}})
	if on := faults.On(); len(on) != 1 || on[0].Name != "conflict" {
		t.Errorf("on are %v; only the one that was named goes off", on)
	}
	st.post(t, "/world/faults/off", nil)
	if on := faults.On(); len(on) != 0 {
		t.Errorf("on are %v after all were switched off", on)
	}
	for _, form := range []url.Values{
		{"fault": {"wrong-leaf@gateway-put"}, "times": {"1"}}, // cannot happen there
		{"fault": {"<script>@edge"}, "times": {"1"}},
		{"fault": {"wrong-leaf@edge"}, "times": {"0"}},
		{"fault": {"wrong-leaf@edge"}, "times": {"many"}},
	} {
		status, page := st.post(t, "/world/faults", form)
		if status != http.StatusBadRequest || strings.Contains(page, "<script>") || len(faults.On()) != 0 {
			t.Errorf("%v: status %d, on %v", form, status, faults.On())
		}
	}
}

func TestTheWorldsPanelHasFilesToRenewFrom(t *testing.T) {
	t.Parallel()
	st, world := newWorldStage(t)
	status, page := st.get(t, "/world")
	if status != http.StatusOK {
		t.Fatal(status, page)
	}
	_, _, password := world.NewCertificate()
	for _, text := range []string{"renewed.pfx", "expired.pfx", password, "nothing went wrong for anybody", "wrong-leaf", world.Deployments()[0].Domain} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	if status, file := st.get(t, "/world/files/renewed.pfx"); status != http.StatusOK || len(file) < 1000 {
		t.Errorf("the file: status %d, %d bytes", status, len(file))
	}
	if status, _ := st.get(t, "/world/files/passwords.txt"); status != http.StatusNotFound {
		t.Errorf("another file: status %d", status)
	}
	// Lessons must be about faults that exist.
	for _, l := range lessons {
		if err := sim.CheckFault(ground.Fault{Name: l.Name, Step: l.Step}); err != nil {
			t.Error(err)
		}
	}
}

func TestWithoutAWorldThereIsNoPanel(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	if status, _ := st.get(t, "/world"); status != http.StatusNotFound {
		t.Errorf("GET /world: %d", status)
	}
	if status, _ := st.post(t, "/world/faults", url.Values{"fault": {"wrong-leaf@edge"}, "times": {"1"}}); status != http.StatusNotFound {
		t.Errorf("POST /world/faults: %d", status)
	}
}
