package rotation_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/traffic"
)

func TestRenewalIsOneWriteWithoutRestartsAndWithoutAFailedRequest(t *testing.T) {
	for _, world := range []string{"single", "ha"} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{World: world})
				old, renewed := b.served(), pki.Fingerprint(b.goal.Bundle.Leaf)
				observer := b.watch()
				running := traffic.Probe{
					URL: "https://" + b.found.Domain + "/" + b.found.PortalContext + "/sharing/rest?f=json", Transport: b.runner.Network.Transport(), Every: b.pace,
				}.Start(t.Context())

				result := b.rotate(t.Context())

				requests := running.Stop()
				observer.onlyServed(t, old, renewed)
				if result.Outcome != rotation.Verified || result.Failure != "" {
					t.Fatalf("outcome = %s (%s), want verified", result.Outcome, result.Failure)
				}
				if result.GatewayWrites != 1 || b.world.Ground().Ledger.Count(ground.GatewayWrite) != 1 {
					t.Errorf("gateway writes: we say %d, the world says %d, want 1", result.GatewayWrites, b.world.Ground().Ledger.Count(ground.GatewayWrite))
				}
				if restarts := b.world.Ground().Ledger.Count(ground.MachineRestart); restarts != 0 {
					t.Errorf("%d machines restarted", restarts)
				}
				if requests.Sent < 10 || requests.Failed != 0 {
					t.Errorf("%d requests, %d failed: %v", requests.Sent, requests.Failed, requests.Failures)
				}
				if got := b.served(); got != renewed {
					t.Errorf("served = %s, want the new leaf %s", got, renewed)
				}
				if result.Before.SHA256 != old || result.After.SHA256 != renewed {
					t.Errorf("the result tells %s -> %s, want %s -> %s", result.Before.SHA256, result.After.SHA256, old, renewed)
				}
				if len(result.Proof.Sites.Federation) == 0 {
					t.Error("federation was not validated")
				}
			})
		})
	}
}

func TestARenewalThatIsDoneHasNothingToDo(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		b.rotate(t.Context())

		again := b.rotate(t.Context())

		if again.Outcome != rotation.NothingToDo || again.GatewayWrites != 0 {
			t.Errorf("second run: %s with %d writes, want nothing to do", again.Outcome, again.GatewayWrites)
		}
		if again.Proof == nil || !again.Proof.OK {
			t.Error("nothing to do was claimed without proof")
		}
	})
}

// TestOnlyTheEntryAndTheReferencesChange compares the gateway documents as
// Resource Manager gives them, with properties in them that nobody knows.
func TestOnlyTheEntryAndTheReferencesChange(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		before := b.get()
		before["properties"].(map[string]any)["inventedTomorrow"] = map[string]any{"deep": []any{json.Number("9007199254740993"), "ü<&>"}}
		b.put(before)
		before = b.get()

		if result := b.rotate(t.Context()); result.Outcome != rotation.Verified {
			t.Fatalf("outcome = %s: %s", result.Outcome, result.Failure)
		}
		for _, change := range cloud.WithoutServerMade(cloud.Difference(before, b.get())) {
			if !strings.HasPrefix(change.Path, "properties.sslCertificates[cartouche-") &&
				!(strings.HasPrefix(change.Path, "properties.httpListeners[") && strings.HasSuffix(change.Path, ".sslCertificate.id")) {
				t.Errorf("%s changed from %q to %q", change.Path, change.Before, change.After)
			}
		}
	})
}

func TestAWrongLeafIsSeenAndTheOldOneRestored(t *testing.T) {
	for _, fault := range []string{"wrong-leaf@edge", "broken-chain@edge"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{})
				old := b.served()
				b.fault(fault)

				result := b.rotate(t.Context())

				if result.Outcome != rotation.Restored {
					t.Fatalf("outcome = %s (%s; %v), want restored", result.Outcome, result.Failure, result.NotRestored)
				}
				if result.Proof == nil || !result.Proof.OK || result.After.SHA256 != old || b.served() != old {
					t.Errorf("the old certificate is not back: proof %+v, served %s", result.Proof, b.served())
				}
			})
		})
	}
}

func TestACertificateThatPortalDoesNotTrustIsTakenBack(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		old := b.served()
		stranger, err := authority.New(time.Now)
		if err != nil {
			t.Fatal(err)
		}
		issued, err := stranger.Issue(authority.Spec{Names: b.found.Names(), NotAfter: time.Now().AddDate(0, 0, 100), WithRoot: true})
		if err != nil {
			t.Fatal(err)
		}
		b.goal.Bundle = &pki.Bundle{Leaf: issued.Leaf, Key: issued.Key, Intermediates: issued.Chain[:1], Root: issued.Chain[1]}

		var refused *rotation.RefusedError
		if err := b.plan(b.observe()).Ready(); !errors.As(err, &refused) || !refused.Findings.Has("root-not-known") {
			t.Fatalf("Ready() = %v, want the root to be refused", err)
		}

		b.goal.AssumeTrusted = true
		result := b.rotate(t.Context())
		if result.Outcome != rotation.Restored || !strings.Contains(result.Failure, "federated server") {
			t.Errorf("outcome = %s (%s), want restored because federation failed", result.Outcome, result.Failure)
		}
		if got := b.served(); got != old {
			t.Errorf("served = %s, want the old leaf", got)
		}
	})
}

func TestAWrongSiteAdministratorStopsTheRunBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		b.runner.Credentials.SiteAdminPassword = secret.New("not the password")

		state := b.observe()
		plan := b.plan(state)
		_, err := b.runner.Apply(t.Context(), plan, b.goal, state)

		var blocked *rotation.BlockedError
		if !errors.As(err, &blocked) || blocked.Obstacles[0].Code != "site-admin-refused" {
			t.Errorf("Apply = %v, want blocked by site-admin-refused", err)
		}
		if writes := b.world.Ground().Ledger.Count(ground.GatewayWrite); writes != 0 {
			t.Errorf("%d writes", writes)
		}
	})
}

func TestCtrlCGoesBackAndProvesIt(t *testing.T) {
	for _, phase := range []rotation.Phase{rotation.PhaseSwitch, rotation.PhaseProve} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) {
				b := newBench(t, sim.Options{})
				old := b.served()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				b.runner.Report = func(event rotation.Event) {
					if event.Phase == phase && (phase == rotation.PhaseProve || strings.Contains(event.Text, "took the change")) {
						cancel()
					}
				}

				result := b.rotate(ctx)

				if result.Outcome != rotation.Restored || !result.Interrupted {
					t.Fatalf("outcome = %s, interrupted %t (%s, %v); want restored after an interrupt", result.Outcome, result.Interrupted, result.Failure, result.NotRestored)
				}
				if got := b.served(); got != old {
					t.Errorf("served = %s, want the old leaf", got)
				}
			})
		})
	}
}

func TestCtrlCBeforeTheWriteChangesNothing(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b.runner.Report = func(event rotation.Event) {
			if strings.Contains(event.Text, "writing to the gateway") {
				cancel()
			}
		}
		result := b.rotate(ctx)
		if result.Outcome != rotation.Unchanged || !result.Interrupted || result.GatewayWrites != 0 {
			t.Errorf("outcome = %s, interrupted %t, %d writes; want unchanged", result.Outcome, result.Interrupted, result.GatewayWrites)
		}
		if writes := b.world.Ground().Ledger.Count(ground.GatewayWrite); writes != 0 {
			t.Errorf("the world counted %d writes", writes)
		}
	})
}

func TestUndoGoesBackAndCleanRemovesWhatIsUnused(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		old, renewed := b.served(), pki.Fingerprint(b.goal.Bundle.Leaf)
		first := b.rotate(t.Context())

		_, undone := b.takeBack(first.RunID)
		if undone.Outcome != rotation.Verified || b.served() != old {
			t.Fatalf("undo: %s (%s), served %s", undone.Outcome, undone.Failure, b.served())
		}

		if again := b.rotate(t.Context()); again.Outcome != rotation.Verified || b.served() != renewed {
			t.Fatalf("again: %s (%s)", again.Outcome, again.Failure)
		}
		runs, err := b.journal.Runs(t.Context(), b.found.ID, 10)
		if err != nil {
			t.Fatal(err)
		}
		state := b.observe()
		unused := rotation.CleanPlan(state, runs)
		if want := []string{"frontendCert"}; !slices.Equal(unused, want) {
			t.Fatalf("unused = %v, want %v", unused, want)
		}
		cleaned, err := b.runner.Clean(t.Context(), state, unused)
		if err != nil {
			t.Fatal(err)
		}
		if cleaned.Outcome != rotation.Cleaned || b.served() != renewed {
			t.Fatalf("clean: %s (%s), served %s", cleaned.Outcome, cleaned.Failure, b.served())
		}
		if _, still := b.observe().Gateway.Certificate("frontendCert"); still {
			t.Error("frontendCert is still on the gateway")
		}
	})
}

// anybodys are the changes of a gateway document that Azure did not make.
func anybodys(before, after cloud.Document) []cloud.Change {
	return slices.DeleteFunc(cloud.WithoutServerMade(cloud.Difference(before, after)), func(c cloud.Change) bool {
		return strings.HasSuffix(c.Path, ".publicCertData")
	})
}

func (b *bench) get() cloud.Document {
	b.t.Helper()
	document, err := b.runner.Azure.Get(b.t.Context(), b.found.GatewayID, cloud.GatewayAPI)
	if err != nil {
		b.t.Fatal(err)
	}
	return document
}

func (b *bench) put(document cloud.Document) {
	b.t.Helper()
	operation, err := b.runner.Azure.Put(b.t.Context(), b.found.GatewayID, cloud.GatewayAPI, document, "")
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := operation.Wait(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}
