package sim_test

import (
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func TestPracticeFilesAreWhatTheySay(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "single"})
	files, err := w.Practice()
	if err != nil {
		t.Fatal(err)
	}
	leaves := map[string]*authority.Issued{}
	good := 0
	for _, file := range files {
		issued, err := authority.ReadPFX(file.PFX, file.Password)
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		leaves[file.Name] = issued
		if covers := issued.Leaf.VerifyHostname(w.Deployments()[0].Domain) == nil; file.Good && !covers {
			t.Errorf("%s is good and is not for the site", file.Name)
		}
		if file.Good {
			good++
		}
	}
	if good == 0 || good == len(files) {
		t.Errorf("of %d files %d are good; a learner needs both kinds", len(files), good)
	}
	if !leaves["expired.pfx"].Leaf.NotAfter.Before(time.Now()) {
		t.Errorf("expired.pfx ends %v", leaves["expired.pfx"].Leaf.NotAfter)
	}
	if n := len(leaves["without-chain.pfx"].Chain); n != 0 {
		t.Errorf("without-chain.pfx has %d further certificates", n)
	}
	if again, _ := w.Practice(); string(again[0].PFX) == string(files[0].PFX) {
		t.Error("every call makes new ones, so that one can renew again and again")
	}
}

func TestFaultsAreSwitchedOnAndOff(t *testing.T) {
	t.Parallel()
	var faults ground.Faults
	faults.Add(ground.Fault{Name: "wrong-leaf", Step: "edge", Times: -1})
	faults.Add(ground.Fault{Name: "throttle", Step: "gateway-get", Times: 3})
	faults.Take("throttle", "gateway-get")
	on := faults.On()
	if len(on) != 2 || on[1].Times != 2 {
		t.Fatalf("on are %v", on)
	}
	faults.Off("wrong-leaf", "edge")
	if faults.Take("wrong-leaf", "edge") {
		t.Error("a fault that was switched off happens")
	}
	if on = faults.On(); len(on) != 1 || on[0].Name != "throttle" {
		t.Errorf("on are %v; the other one stays", on)
	}
}
