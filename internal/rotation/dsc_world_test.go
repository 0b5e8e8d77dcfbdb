package rotation_test

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// TestCloudBuildersWayRestartsWhatOursDoesNot is the baseline: the same renewal
// by DSC restarts every machine that verifies.
func TestCloudBuildersWayRestartsWhatOursDoesNot(t *testing.T) {
	t.Parallel()
	worldtest.InBubble(t, func(t *testing.T) {
		b := newBench(t, sim.Options{World: "ha", Version: "12.0"})
		storage, err := reach.StorageOf(t.Context(), b.runner.Azure, b.found)
		if err != nil {
			t.Fatal(err)
		}
		login := map[string]string{}
		for _, variable := range b.world.Environment() {
			login[variable.Name] = variable.Value
		}
		b.runner.Way = reach.NewDSC(reach.DSCOptions{
			Azure: b.runner.Azure, Deployment: b.found, Storage: storage,
			ServerPassword: secret.New(b.world.InternalPassword()), PortalPassword: secret.New(b.world.InternalPassword()),
			Service: reach.Login{User: login["CARTOUCHE_SERVICE_ACCOUNT"], Password: secret.New(login["CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"])},
		})
		defer func() { _ = b.runner.Way.Close(t.Context()) }()

		state := b.observe()
		plan := b.plan(state)
		if restarts := len(plan.Steps[0].Restarts); plan.Steps[0].Kind != rotation.StepTrust || restarts != 7 {
			t.Errorf("the plan says that %d machines restart, want the seven that verify: %s", restarts, plan.Trust)
		}
		result, err := b.runner.Apply(t.Context(), plan, b.goal, state)
		if err != nil {
			t.Fatal(err)
		}
		if result.Outcome != rotation.Verified || b.served() != pki.Fingerprint(b.goal.Bundle.Leaf) {
			t.Fatalf("outcome = %s (%s; %v)", result.Outcome, result.Failure, result.NotRestored)
		}
		restarted := map[string]bool{}
		for _, event := range b.world.Ground().Ledger.Events() {
			if event.Kind == ground.MachineRestart {
				restarted[event.Object] = true
			}
		}
		if len(restarted) != 7 || result.Restarts < 7 {
			t.Errorf("%d machines restarted, we say %d: %v", len(restarted), result.Restarts, restarted)
		}
	})
}
