package rotation_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// shape is a kind of plan with Key Vault: it makes the world and the goal, and
// gives the leaf that is served before and the one that is wanted.
type shape func(*bench) (old, renewed string)

var shapes = map[string]shape{
	"look again": func(b *bench) (string, string) {
		old := b.follow("")
		newest := b.issue()
		b.renew(newest)
		return old, pki.Fingerprint(newest.Leaf)
	},
	"import": func(b *bench) (string, string) {
		return b.follow(""), pki.Fingerprint(b.fromFile().Leaf)
	},
	"refer": func(b *bench) (string, string) {
		b.put(b.pristine)
		b.waitUntilServed(b.pristine)
		newest := b.issue()
		b.renew(newest)
		b.fromVault(followed)
		b.goal.Identity, b.goal.Form = b.world.Identities()[0].ID, rotation.FormReference
		return b.served(), pki.Fingerprint(newest.Leaf)
	},
}

// TestKeyVaultFaults is TestFaults for what Key Vault adds: the import, the
// gateway's own look at the vault, and a way back that is no pointing back.
func TestKeyVaultFaults(t *testing.T) {
	var tests []keyVaultTest
	for _, test := range []struct {
		shape, fault string
		want         rotation.Outcome // "" is verified or restored
	}{
		{"import", "forbidden@vault-import", rotation.Unchanged},
		{"import", "lost-response@vault-import", rotation.Verified},
		{"import", "unavailable@vault-get", rotation.Verified},
		{"import", "forbidden@gateway-put", rotation.Restored}, // the gateway would follow the import within hours
		{"import", "failed-operation@gateway-put", rotation.Restored},
		{"import", "wrong-leaf@edge", rotation.Restored},
		{"look again", "forbidden@gateway-fetch", rotation.Restored},
		{"look again", "lost-response@gateway-put", rotation.Verified},
		{"look again", "superseded@gateway-put", ""},
		{"look again", "forbidden@gateway-put", rotation.Unchanged},
		{"look again", "wrong-leaf@edge", rotation.Restored},
		{"refer", "forbidden@gateway-fetch*99", rotation.Restored}, // the reference must be out again, or no write succeeds
		{"refer", "failed-operation@gateway-put", rotation.Restored},
		{"refer", "broken-chain@edge", rotation.Restored},
	} {
		tests = append(tests, keyVaultTest{test.shape + " " + test.fault, func(t *testing.T, b *bench) {
			old, renewed := shapes[test.shape](b)
			observer := b.watch()
			state := b.observe()
			plan := b.plan(state)
			b.fault(test.fault)

			result, err := b.runner.Apply(t.Context(), plan, b.goal, state)

			if err != nil {
				t.Fatal(err)
			}
			b.world.Ground().Faults.Clear()
			b.endedWell(observer, test.fault, result, old, renewed)
			if test.want != "" && result.Outcome != test.want {
				t.Errorf("outcome %s (%s), want %s", result.Outcome, result.Failure, test.want)
			}
			if result.Outcome == rotation.Verified {
				return
			}
			if again := b.rotate(t.Context()); again.Outcome != rotation.Verified || b.served() != renewed {
				t.Errorf("running again: %s (%s; %v)", again.Outcome, again.Failure, again.NotRestored)
			}
		}})
	}
	inBubbles(t, tests)
}

// endedWell holds a result against the world.
func (b *bench) endedWell(observer *watch, fault string, result rotation.Result, old, renewed string) {
	b.t.Helper()
	if strings.HasPrefix(fault, "wrong-leaf@") {
		observer.stop() // the fault itself is that something else is served
	} else {
		observer.onlyServed(b.t, old, renewed)
	}
	want := map[rotation.Outcome]string{rotation.Verified: renewed, rotation.Restored: old, rotation.Unchanged: old}[result.Outcome]
	if want == "" {
		b.t.Fatalf("outcome = %s (%s; %v)", result.Outcome, result.Failure, result.NotRestored)
	}
	if got := b.served(); got != want {
		b.t.Errorf("outcome = %s, but %s is served, want %s", result.Outcome, got, want)
	}
	if result.Outcome != rotation.Unchanged && (result.Proof == nil || !result.Proof.OK) {
		b.t.Errorf("outcome = %s without proof", result.Outcome)
	}
	if result.Outcome != rotation.Verified && result.Failure == "" {
		b.t.Errorf("outcome = %s without a reason", result.Outcome)
	}
}

// What was imported would be followed within hours, proved by nobody: so the
// listener is held, and the result says what stays.
func interruptedImport(t *testing.T, b *bench) {
	old, renewed := shapes["import"](b)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.runner.Report = func(event rotation.Event) {
		if event.Phase == rotation.PhaseStage && strings.Contains(event.Text, "it is version") {
			cancel()
		}
	}
	observer := b.watch()
	result := b.rotate(ctx)
	b.runner.Report = nil

	b.endedWell(observer, "", result, old, renewed)
	left := strings.Join(result.Left, "; ")
	if result.Outcome != rotation.Restored || !result.Interrupted || !strings.Contains(left, "of certificate live in vault entvault, which this run imported, stays there") || !strings.Contains(left, "is held at") {
		t.Errorf("outcome %s, left %q", result.Outcome, left)
	}
	if _, secret := b.entry(); !strings.Contains(secret, followed+"/") {
		t.Errorf("the listener refers to %s, want a version", secret)
	}
}

// What was imported cannot be taken back, the version of before is disabled, and
// the gateway cannot be written: what is served is the old certificate, and only
// until the next look. That is no "restored".
func followedImport(t *testing.T, b *bench) {
	b.follow("")
	old := b.follow("")
	versions := b.world.Vault().Versions("entvault", followed)
	b.world.Vault().SetEnabled("entvault", followed, versions[len(versions)-1], false)
	b.fromFile()
	state := b.observe()
	plan := b.plan(state)
	if !plan.Obstacles.Has("no-way-back") {
		t.Errorf("obstacles %v, want a warning that there is no way back", plan.Obstacles)
	}
	b.fault("forbidden@gateway-put*9")

	result, err := b.runner.Apply(t.Context(), plan, b.goal, state)

	if err != nil {
		t.Fatal(err)
	}
	if told := strings.Join(rotation.Sentences(result.NotRestored), "; "); result.Outcome != rotation.PartlyRestored || !strings.Contains(told, "the gateway takes it within four hours") {
		t.Errorf("outcome %s (%s), told %q", result.Outcome, result.Failure, told)
	}
	if b.served() != old {
		t.Error("the old certificate is not served any more")
	}
}
