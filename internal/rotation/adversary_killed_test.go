package rotation_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// killAt rotates and dies when the run says something, as a process does:
// nothing is taken back, and the journal has no end. It tells whether it came
// to that.
func (b *bench) killAt(text string) (killed bool) {
	b.t.Helper()
	state := b.observe()
	plan := b.plan(state)
	died := make(chan bool)
	go func() {
		ended := false
		defer func() { died <- !ended }()
		runner := *b.runner
		runner.Report = func(event rotation.Event) {
			if strings.Contains(event.Text, text) {
				runtime.Goexit()
			}
		}
		_, _ = runner.Apply(b.t.Context(), plan, b.goal, state)
		ended = true
	}()
	return <-died
}

// settled waits until no change of the gateway is under way, and says how it is.
func (b *bench) settled() *cloud.Gateway {
	b.t.Helper()
	for looks := 0; ; time.Sleep(b.pace) {
		gateway, err := cloud.ParseGateway(b.get())
		if err != nil {
			b.t.Fatal(err)
		}
		if gateway.ProvisioningState() != "Updating" {
			return gateway
		}
		if looks++; looks > 3600 {
			b.t.Fatal("the gateway does not come to rest")
		}
	}
}

// Whenever the program dies, the same command finds what is there and does the
// rest, and imports nothing twice.
func TestKilledAtEveryMoment(t *testing.T) {
	var tests []keyVaultTest
	for name, moments := range map[string][]string{
		"look again": {"took the change", "handshakes in each"},
		"import":     {"import the certificate", "it is version", "took the change", "backends up"},
		"refer":      {"writing to the gateway", "took the change"},
	} {
		for _, moment := range moments {
			tests = append(tests, keyVaultTest{name + " " + moment, func(t *testing.T, b *bench) {
				old, renewed := shapes[name](b)
				observer := b.watch()
				versions := len(b.world.Vault().Versions("entvault", followed))
				if !b.killAt(moment) {
					t.Fatal("it came to its end")
				}
				b.settled()
				b.foundAsItIs(t, old, renewed, len(b.world.Vault().Versions("entvault", followed))-versions)
				result := b.rotate(t.Context())
				observer.onlyServed(t, old, renewed)
				if result.Outcome != rotation.Verified && result.Outcome != rotation.NothingToDo || b.served() != renewed {
					t.Errorf("the same command again: %s (%s; %v)", result.Outcome, result.Failure, result.NotRestored)
				}
				if more := len(b.world.Vault().Versions("entvault", followed)) - versions; more > 1 || more > 0 && name != "import" {
					t.Errorf("%d versions were added", more)
				}
			}})
		}
	}
	inBubbles(t, tests)
}

// foundAsItIs holds what is said of a run that died against what the world has.
func (b *bench) foundAsItIs(t *testing.T, old, renewed string, imported int) {
	t.Helper()
	cut, err := b.journal.Unfinished(t.Context(), b.observe().Gateway.ID())
	if err != nil || len(cut) == 0 { // nobody has ended those of the moments before
		t.Fatalf("%d runs without an end, %v", len(cut), err)
	}
	found, serves := b.observe().Aftermath(cut[0]), b.served()
	switch found.Outcome {
	case journal.FoundVerified:
		if serves != renewed {
			t.Errorf("%s (%s), and the new certificate is not served", found.Outcome, found.Sentence)
		}
	case journal.FoundUnchanged:
		if serves != old || imported > 0 {
			t.Errorf("%s (%s), and %s is served, %d versions were imported", found.Outcome, found.Sentence, serves, imported)
		}
	case journal.FoundPartly:
		if serves == renewed || imported == 0 {
			t.Errorf("%s (%s), with nothing imported or everything done", found.Outcome, found.Sentence)
		}
	default:
		t.Errorf("found %q: %s", found.Outcome, found.Sentence)
	}
	for _, step := range found.Steps {
		done := map[string]bool{string(rotation.StepSwitch): serves == renewed, string(rotation.StepStage): imported > 0}
		kind := cut[0].Steps[step.Index].Kind
		took, known := done[kind]
		if known && (step.Outcome == journal.FoundDone) != took {
			t.Errorf("step %s: %s (%s), and it took effect: %t", kind, step.Outcome, step.Sentence, took)
		}
	}
}

// The program dies, and then its write fails, for a reference that the gateway
// cannot read. No write succeeds as long as that is there, and a failed gateway
// is not changed: undo is the way out.
func killedAndFailed(t *testing.T, b *bench) {
	old, _ := shapes["refer"](b)
	b.fault("forbidden@gateway-fetch*2")
	if !b.killAt("took the change") {
		t.Fatal("it came to its end")
	}
	if state := b.settled().ProvisioningState(); state != "Failed" {
		t.Fatalf("the gateway is %s, want Failed", state)
	}
	var blocked *rotation.BlockedError
	if err := b.plan(b.observe()).Ready(); !errors.As(err, &blocked) || !strings.Contains(blocked.Obstacles[0].Mend, "cartouche undo") {
		t.Errorf("a plan on a failed gateway: %v, want to be sent to undo", err)
	}
	runs, err := b.journal.Runs(t.Context(), b.found.ID, 1)
	if err != nil || len(runs) == 0 || runs[0].Outcome != journal.InDoubt {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	undo, result := b.takeBack(runs[0].ID)
	gateway := b.settled()
	if result.Outcome != rotation.Verified || b.served() != old || gateway.ProvisioningState() != "Succeeded" {
		t.Errorf("undo: %s (%s; %v), the gateway is %s", result.Outcome, result.Failure, result.NotRestored, gateway.ProvisioningState())
	}
	if _, still := gateway.Certificate(undo.Moves[0].From); still {
		t.Errorf("the reference %s is still there", undo.Moves[0].From)
	}
	b.world.Ground().Faults.Clear()
	if again := b.rotate(t.Context()); again.Outcome != rotation.Verified || b.served() == old {
		t.Errorf("afterwards: %s (%s), want verified; %s", again.Outcome, again.Failure, pki.Fingerprint(b.goal.Bundle.Leaf))
	}
}
