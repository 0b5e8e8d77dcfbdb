package rotation

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// What follows is for package rollout, which changes machines and the gateway's
// trusted roots, and proves that clients notice nothing.

// EditResult is what became of an edit of the gateway.
type EditResult struct {
	// Gateway is the gateway as it was read last, nil when it never was.
	Gateway *cloud.Gateway
	// Writes counts the PUTs that may have taken effect.
	Writes int
	// Operations are the ids of Azure's asynchronous operations.
	Operations []string
}

// EditGateway brings an edit of the gateway about by conditional writes, each
// made on a fresh document, until edit returns [ErrNothingToEdit] on what is
// there. Any other error of edit ends it, and nothing is sent.
func (r *Runner) EditGateway(ctx context.Context, phase Phase, gatewayID string, edit func(*cloud.Gateway) (cloud.Document, error)) (EditResult, error) {
	done, err := r.write(ctx, phase, gatewayID, func(gateway *cloud.Gateway, _ int) (cloud.Document, error) { return edit(gateway) }, 0)
	return EditResult{Gateway: done.Gateway, Writes: done.Writes, Operations: done.Operations}, err
}

// BackendHealth is how the machines behind the state's listeners are now, as
// the gateway's probes see them.
func (r *Runner) BackendHealth(ctx context.Context, state State) ([]cloud.BackendServer, error) {
	servers, err := r.Azure.BackendHealth(ctx, state.Deployment.GatewayID)
	return state.ownBackends(servers), err
}

// WorseBackends says which backends were up in a state and are not now, one
// sentence each.
func (r *Runner) WorseBackends(ctx context.Context, before State) ([]string, error) {
	servers, err := r.BackendHealth(ctx, before)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, l := range worseBackends(before.Backends, servers) {
		list = append(list, l.sentence)
	}
	return list, nil
}

// ProveUnchanged proves that clients are served as before: every endpoint by
// the leaf that it served, backends, sites and federation as well as they were.
func (r *Runner) ProveUnchanged(ctx context.Context, phase Phase, before State) Proof {
	return r.prove(ctx, claim{phase: phase, before: before, expected: asBefore(before, nil), judge: unjudged})
}

// Err says why a proof is none, nil when it is one.
func (p Proof) Err() error { return proofError(p, nil) }

// AccessFindings hold operations against what the caller may do, as it was read
// with the state: what is missing is a refusal, with what would grant it.
func (s State) AccessFindings(operations []Operation) pki.Findings {
	return accessFindings(s.Access, operations)
}

// ShapeObstacles are refusals that follow from what the deployment is, whatever
// is to be changed.
func (s State) ShapeObstacles() pki.Findings { return shapeObstacles(s) }

// GatewayOperations are what a write of the state's gateway takes.
func (s State) GatewayOperations(step StepKind) []Operation {
	var list []Operation
	for _, need := range s.Gateway.WriteNeeds() {
		list = append(list, Operation{Action: need.Action, Data: need.Data, Scope: need.Scope, Step: step})
	}
	return list
}
