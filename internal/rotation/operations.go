package rotation

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Operation is something that Azure must permit the caller to do, for a plan to
// be carried out.
type Operation struct {
	// Action is its name by Azure's list of resource provider operations.
	Action string `json:"action"`
	// Data tells that it is a data action, one of the service itself.
	Data bool `json:"data,omitempty"`
	// Scope is the resource, by its id.
	Scope string `json:"scope"`
	// Step is what needs it.
	Step StepKind `json:"step"`
}

// gatewayWrite is what a lock forbids.
const gatewayWrite = "Microsoft.Network/applicationGateways/write"

// operations are what a plan needs, in the order of its steps, each once.
// Source: Azure resource provider operations of Microsoft.Network and
// Microsoft.KeyVault.
func operations(plan Plan, state State) []Operation {
	var list []Operation
	add := func(step StepKind, needs ...cloud.Need) {
		for _, need := range needs {
			operation := Operation{Action: need.Action, Data: need.Data, Scope: need.Scope, Step: step}
			if !slices.ContainsFunc(list, operation.sameAs) {
				list = append(list, operation)
			}
		}
	}
	if !plan.NothingToDo() {
		add(StepSwitch, state.Gateway.WriteNeeds()...)
	}
	add(StepProve, proofNeeds(state.Gateway)...)
	return list
}

// proofNeeds are the rights that looking at the result takes: handshakes need
// none.
func proofNeeds(gateway *cloud.Gateway) []cloud.Need {
	return []cloud.Need{
		{Right: cloud.Right{Action: "Microsoft.Network/applicationGateways/read"}, Scope: gateway.ID()},
		{Right: cloud.Right{Action: "Microsoft.Network/applicationGateways/backendhealth/action"}, Scope: gateway.ID()},
	}
}

// sameAs tells whether two operations need the same right.
func (o Operation) sameAs(other Operation) bool {
	return strings.EqualFold(o.Action, other.Action) && o.Data == other.Data && cloud.SameID(o.Scope, other.Scope)
}

func (o Operation) right() cloud.Right { return cloud.Right{Action: o.Action, Data: o.Data} }

// renewal are the operations of any renewal, for those who only look and want
// to know what is in the way of one.
func renewal(gateway *cloud.Gateway) []Operation {
	return operations(Plan{Moves: []Move{{}}}, State{Gateway: gateway})
}

// scopesOf are the places of operations, each once.
func scopesOf(operations []Operation) []string {
	var scopes []string
	for _, operation := range operations {
		if !slices.ContainsFunc(scopes, func(scope string) bool { return cloud.SameID(scope, operation.Scope) }) {
			scopes = append(scopes, operation.Scope)
		}
	}
	return scopes
}
