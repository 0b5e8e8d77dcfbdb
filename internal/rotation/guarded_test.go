package rotation

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

// A write whose answer was lost may have come through, so it counts: what counts
// is taken back, and a run without a write is said to have changed nothing.
func TestAWriteWhoseAnswerIsLostCounts(t *testing.T) {
	t.Parallel()
	azure, runner, moves, renewed := switching(t)
	azure.put = func(_ *http.Request, sent cloud.Document) int { azure.document = sent; return http.StatusBadGateway }
	done, err := runner.write(t.Context(), PhaseSwitch, gatewayID, switchTo(moves, renewed), 0)
	if err != nil || done.Writes != 1 || len(azure.ifMatches) != 1 {
		t.Errorf("write = %+v, %v after %d requests; want one write", done, err, len(azure.ifMatches))
	}
}

// Between the plan and the restart a neighbour may go down; then the machine is
// the last that is well, and stays up.
func TestAMachineIsNotRestartedBesideOneThatHasGoneDown(t *testing.T) {
	t.Parallel()
	azure, runner, _, _ := switching(t)
	before := State{Backends: []cloud.BackendServer{
		{Pool: "server", Setting: "https", Address: "S0.internal", Health: "Healthy"}, {Pool: "server", Setting: "https", Address: "S1.internal", Health: "Healthy"},
	}}
	before.Deployment.GatewayID = gatewayID
	need := Trusting{Machine: "S0", Host: "S0.internal", Product: machine.Server, Port: 6443, Restarts: true}
	for health, refused := range map[string]bool{"Healthy": false, "Unhealthy": true, "Unknown": true} {
		azure.lists = map[string]string{"/backendhealth": strings.ReplaceAll(`{"backendAddressPools":[{"backendAddressPool":{"id":"/x/server"},"backendHttpSettingsCollection":[
			{"backendHttpSettings":{"id":"/x/https"},"servers":[{"address":"S0.internal","health":"Healthy"},{"address":"S1.internal","health":"HEALTH"}]}]}]}`, "HEALTH", health)}
		err := runner.neighboursUp(t.Context(), before, need)
		at := (*MachineError)(nil)
		if got := errors.As(err, &at) && at.Code == "last-healthy-machine"; got != refused || !refused && err != nil {
			t.Errorf("with a neighbour that is %s: %v", health, err)
		}
	}
}
