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

// operations are what a plan needs, in the order of its steps, each once; what
// keeps others away meanwhile is last.
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
	take := func(operations []Operation) {
		for _, operation := range operations {
			if !slices.ContainsFunc(list, operation.sameAs) {
				list = append(list, operation)
			}
		}
	}
	if len(plan.Trusting) > 0 {
		take(state.WayOperations(StepTrust, state.places(plan.hostsTrusting())...))
	}
	if len(plan.Returns) > 0 || slices.ContainsFunc(plan.Trusting, func(t Trusting) bool { return len(t.Away) > 0 }) {
		add(StepTrust, state.Gateway.WriteNeeds()...)
	}
	if !plan.gatewayAsWanted() {
		for _, in := range plan.Imports {
			add(StepStage, importNeeds(state, in)...)
		}
		add(StepSwitch, readNeeds(state, plan)...)
		add(StepSwitch, state.Gateway.WriteNeeds()...)
		if plan.AddIdentity != "" {
			add(StepSwitch, cloud.AssignNeed(plan.AddIdentity))
		}
	}
	add(StepProve, proofNeeds(state.Gateway)...)
	if len(plan.Pinned) > 0 {
		take(state.WayOperations(StepPin, state.places(plan.hostsPinned())...))
	}
	if !plan.NothingToDo() {
		take(state.ClaimOperations())
	}
	return list
}

// ClaimOperations are what claiming the deployment takes, so that no other run
// works on it meanwhile: its claim is a tag on the gateway's resource group.
func (s State) ClaimOperations() []Operation {
	if !s.Claims || s.Gateway == nil {
		return nil
	}
	group, err := cloud.GroupOf(s.Gateway.ID())
	if err != nil {
		return nil
	}
	return []Operation{{Action: cloud.ReadTags, Scope: group, Step: StepClaim}, {Action: cloud.WriteTags, Scope: group, Step: StepClaim}}
}

// proofNeeds are the rights that looking at the result takes: handshakes need
// none.
func proofNeeds(gateway *cloud.Gateway) []cloud.Need {
	return []cloud.Need{
		{Right: cloud.Right{Action: "Microsoft.Network/applicationGateways/read"}, Scope: gateway.ID()},
		{Right: cloud.Right{Action: "Microsoft.Network/applicationGateways/backendhealth/action"}, Scope: gateway.ID()},
	}
}

// importNeeds are the rights that making a file the newest version takes: what
// is there is read first. What is kept as a plain secret stays one.
func importNeeds(state State, in Import) []cloud.Need {
	v, _ := state.vaulted(in.newest())
	if v.chosen.Kind == cloud.VaultKindSecret {
		return dataNeeds(v.VaultID, cloud.ReadCertificates, cloud.ReadSecret, cloud.WriteSecret)
	}
	return dataNeeds(v.VaultID, cloud.ReadCertificates, cloud.ImportCertificate)
}

// readNeeds are the rights that taking a certificate from Key Vault takes: a
// reference needs no key, a copy does.
func readNeeds(state State, plan Plan) []cloud.Need {
	var needs []cloud.Need
	for _, move := range plan.Moves {
		if in, refers := ParseInVault(move.Secret); refers {
			v, _ := state.vaulted(in)
			needs = append(needs, dataNeeds(v.VaultID, cloud.ReadCertificates)...)
		} else if plan.Vault != nil && plan.File == "" {
			v, _ := state.vaulted(*plan.Vault)
			needs = append(needs, dataNeeds(v.VaultID, cloud.ReadCertificates, cloud.ReadSecret)...)
		}
	}
	return needs
}

// withoutReads leaves out what making the plan has done already: it was read in
// the vault, by whatever right, perhaps one on the secret alone.
func withoutReads(operations []Operation) []Operation {
	return slices.DeleteFunc(slices.Clone(operations), func(o Operation) bool {
		return o.Data && (o.Action == cloud.ReadCertificates || o.Action == cloud.ReadSecret)
	})
}

// dataNeeds are data actions in a vault; of one that Resource Manager does not
// tell nothing can be asked.
func dataNeeds(vaultID string, actions ...string) []cloud.Need {
	var needs []cloud.Need
	for _, action := range actions {
		if vaultID != "" {
			needs = append(needs, cloud.Need{Right: cloud.Right{Action: action, Data: true}, Scope: vaultID})
		}
	}
	return needs
}

// scopesAsked are the places beyond those that the gateway stands on: vaults,
// and an identity that it is to get.
func scopesAsked(gateway *cloud.Gateway, vaulted []Vaulted, asked Asked) []string {
	var scopes []string
	for _, v := range vaulted {
		known := slices.ContainsFunc(scopes, func(scope string) bool { return cloud.SameID(scope, v.VaultID) })
		if v.VaultID != "" && !known {
			scopes = append(scopes, v.VaultID)
		}
	}
	if asked.Identity != "" && !gateway.HasIdentity(asked.Identity) {
		scopes = append(scopes, asked.Identity)
	}
	return scopes
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
