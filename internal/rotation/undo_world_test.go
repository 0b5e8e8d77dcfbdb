package rotation_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Wherever the certificate of a run came from, the run is taken back, that is
// taken back, and each is proved. What is back already is not taken back again,
// and not said to be.
func TestARunOfEverySourceIsTakenBack(t *testing.T) {
	var tests []keyVaultTest
	for _, source := range []struct {
		name string
		take func(*bench)
	}{
		{"a file", func(b *bench) { b.fromFile() }},
		{"a copy of what is in the vault", func(b *bench) { b.fromVault("maps"); b.goal.Form = rotation.FormInline }},
		{"a reference to the vault", func(b *bench) {
			b.fromVault("maps")
			b.goal.Identity, b.goal.Form = b.world.Identities()[0].ID, rotation.FormReference
		}},
		{"a file that becomes a version of what is followed", func(b *bench) { b.follow(""); b.fromFile() }},
		{"a renewal of what is followed", func(b *bench) { b.follow(""); b.renew(b.issue()); b.goal.Bundle, b.goal.File = nil, "" }},
	} {
		tests = append(tests, keyVaultTest{source.name, func(t *testing.T, b *bench) {
			source.take(b)
			takenBackAndForth(t, b)
		}})
	}
	inBubbles(t, tests)
}

func takenBackAndForth(t *testing.T, b *bench) {
	old := b.served()
	first := b.rotate(t.Context())
	renewed := b.served()
	if first.Outcome != rotation.Verified || renewed == old {
		t.Fatalf("outcome %s (%s), served %s before and %s now", first.Outcome, first.Failure, old, renewed)
	}
	observer := b.watch()
	_, undone := b.takeBack(first.RunID)
	if undone.Outcome != rotation.Verified || undone.UndoOf != first.RunID || undone.Proof == nil || !undone.Proof.OK || b.served() != old {
		t.Fatalf("undo: %s of %q (%s), served %s", undone.Outcome, undone.UndoOf, undone.Failure, b.served())
	}
	writes := b.world.Ground().Ledger.Count(ground.GatewayWrite)
	_, twice := b.takeBack(first.RunID)
	if twice.Outcome != rotation.NothingToDo || twice.GatewayWrites != 0 || twice.Proof == nil || !twice.Proof.OK || b.world.Ground().Ledger.Count(ground.GatewayWrite) != writes {
		t.Errorf("once more: %s with %d writes (%s), want nothing to do, and that proved", twice.Outcome, twice.GatewayWrites, twice.Failure)
	}
	_, again := b.takeBack(undone.RunID)
	if again.Outcome != rotation.Verified || again.UndoOf != undone.RunID || b.served() != renewed {
		t.Errorf("undo of the undo: %s (%s), served %s, want %s", again.Outcome, again.Failure, b.served(), renewed)
	}
	observer.onlyServed(t, old, renewed)
	run, err := b.journal.Run(t.Context(), undone.RunID)
	if err != nil || run.Outcome != string(rotation.Verified) || !evidenceOf(run, "wire before") {
		t.Errorf("the journal has of the undo: %s, %v, evidence %v", run.Outcome, err, run.Evidence)
	}
	var kept rotation.Result
	if err := json.Unmarshal(run.Summary, &kept); err != nil || kept.UndoOf != first.RunID {
		t.Errorf("the journal says that the undo was of %q (%v)", kept.UndoOf, err)
	}
}

func evidenceOf(run journal.Run, kind string) bool {
	for _, e := range run.Evidence {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

// Taking a run back is a run: when its proof fails it is taken back itself, and
// the certificate that was to go is served and proved.
func TestAnUndoThatIsNotProvedIsTakenBack(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		renewed := pki.Fingerprint(b.goal.Bundle.Leaf)
		first := b.rotate(t.Context())
		b.fault("wrong-leaf@edge")
		_, undone := b.takeBack(first.RunID)
		if undone.Outcome != rotation.Restored || undone.UndoOf != first.RunID || b.served() != renewed {
			t.Errorf("%s (%s; %v), served %s; want the state before the undo restored", undone.Outcome, undone.Failure, undone.NotRestored, b.served())
		}
		if _, second := b.takeBack(first.RunID); second.Outcome != rotation.Verified || b.served() == renewed {
			t.Errorf("the same undo again: %s (%s)", second.Outcome, second.Failure)
		}
	})
}

// A run that went back by itself, or never came that far, leaves nothing to take
// back; that is looked at, and said.
func TestOfARunThatWentBackThereIsNothingToTakeBack(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		old := b.served()
		b.fault("wrong-leaf@edge")
		failed := b.rotate(t.Context())
		if failed.Outcome != rotation.Restored {
			t.Fatalf("outcome %s (%s)", failed.Outcome, failed.Failure)
		}
		plan, undone := b.takeBack(failed.RunID)
		if !plan.NothingToDo() || undone.Outcome != rotation.NothingToDo || undone.GatewayWrites != 0 || b.served() != old {
			t.Errorf("%s with %d writes (%s)", undone.Outcome, undone.GatewayWrites, undone.Failure)
		}
		nothing := b.rotate(t.Context())
		nothing = b.rotate(t.Context()) // which has nothing to do
		if plan, undone := b.takeBack(nothing.RunID); nothing.Outcome != rotation.NothingToDo || undone.Outcome != rotation.NothingToDo || !plan.Obstacles.Has("run-without-moves") {
			t.Errorf("of a run with nothing to do: %s (%s), %v", undone.Outcome, undone.Failure, plan.Obstacles)
		}
	})
}

// A run whose way back was partly lost can be taken back as soon as that is
// possible again: what is on the gateway decides, not how the run ended.
func TestARunThatCouldNotGoBackIsTakenBackLater(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		old := b.served()
		b.runner.Report = func(event rotation.Event) {
			if strings.Contains(event.Text, "handshakes in each") {
				b.world.Ground().Faults.Add(ground.Fault{Name: "unauthorized", Step: "*", Times: -1})
			}
		}
		failed := b.rotate(t.Context())
		b.runner.Report = nil
		b.world.Ground().Faults.Clear()
		if failed.Outcome != rotation.PartlyRestored || b.served() == old {
			t.Fatalf("outcome %s (%s)", failed.Outcome, failed.Failure)
		}
		if _, undone := b.takeBack(failed.RunID); undone.Outcome != rotation.Verified || b.served() != old {
			t.Errorf("%s (%s; %v)", undone.Outcome, undone.Failure, undone.NotRestored)
		}
	})
}

// The right to write is taken away after the switch: the listener is asked, and
// told as it is, with what it was and with what goes back.
func TestAWriteBackThatFailsIsNotTakenForItsEffect(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		b.fault("wrong-leaf@edge")
		b.runner.Report = func(event rotation.Event) {
			if strings.Contains(event.Text, "has carried the change out") {
				b.world.Ground().Faults.Add(ground.Fault{Name: "forbidden", Step: "gateway-put", Times: -1})
			}
		}
		result := b.rotate(t.Context())
		if result.Outcome != rotation.PartlyRestored {
			t.Fatalf("outcome %s (%s)", result.Outcome, result.Failure)
		}
		d := result.NotRestored[0]
		if !strings.HasPrefix(d.What, "listener ") || !strings.HasPrefix(d.Now, "points to cartouche-") || d.Was != "pointed to frontendCert" || d.Next != "cartouche undo "+result.RunID {
			t.Errorf("the first of %v is %+v", result.NotRestored, d)
		}
	})
}
