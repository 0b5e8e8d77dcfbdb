package rotation

import (
	"fmt"
	"maps"
	"slices"
)

func steps(plan Plan, state State) []Step {
	prove := Step{
		Kind:     StepProve,
		Title:    "prove that every endpoint serves the new certificate",
		Restarts: []string{},
		Undo:     "when the proof fails, the listeners go back and that is proved",
	}
	all := []Step{}
	if len(plan.Trusting) > 0 {
		all = append(all, trustStep(plan))
	}
	if plan.gatewayAsWanted() {
		prove.Title, prove.Undo = "prove that every endpoint serves this certificate already", "nothing is changed, so nothing is taken back"
		if len(plan.Trusting) > 0 {
			prove.Undo = "when the proof fails, that is told"
		}
		all = append(all, prove)
	} else {
		for _, in := range plan.Imports {
			all = append(all, stageStep(in, state))
		}
		all = append(all, switchStep(plan, state), prove)
	}
	if len(plan.Pinned) > 0 {
		all = append(all, pinStep(plan))
	}
	return all
}

// stageStep says what an import does.
func stageStep(in Import, state State) Step {
	v, _ := state.vaulted(in.InVault)
	change := fmt.Sprintf("add a version to %s (it has %d); its policy and tags are kept", in.InVault, len(v.Versions))
	if in.New {
		change = "add " + in.InVault.String() + ", or recover it if it was deleted"
	}
	return Step{
		Kind:     StepStage,
		Title:    "import the certificate into Key Vault",
		Touches:  in.SecretID(),
		Changes:  []string{change},
		Restarts: []string{},
		Undo:     "the version stays in the vault; listeners are held at the version of before",
	}
}

func switchStep(plan Plan, state State) Step {
	step := Step{
		Kind:     StepSwitch,
		Title:    "switch the gateway to the new certificate in one conditional write",
		Touches:  plan.GatewayID,
		Changes:  []string{},
		Restarts: []string{},
		Undo:     "point the listeners back to the entry that is kept",
	}
	if plan.AddIdentity != "" {
		step.Changes = append(step.Changes, "add identity "+plan.AddIdentity+" to the gateway, which reads Key Vault with it")
	}
	moved, old := map[string]bool{}, map[string]bool{}
	for _, move := range plan.Moves {
		switch _, exists := state.Gateway.Certificate(move.To); {
		case exists || moved[move.To]:
		case move.Secret != "":
			step.Changes = append(step.Changes, fmt.Sprintf("add certificate entry %s, a reference to %s (%s)", move.To, move.Secret, follows(move.Secret)))
		default:
			step.Changes = append(step.Changes, fmt.Sprintf("add certificate entry %s (%s)", move.To, plan.Certificate.Subject))
		}
		moved[move.To] = true
		if move.again() {
			step.Changes = append(step.Changes, fmt.Sprintf("listener %s stays at %s, which follows %s", move.Listener, move.To, move.Secret))
			continue
		}
		step.Changes = append(step.Changes, fmt.Sprintf("listener %s: %s -> %s", move.Listener, move.From, move.To))
		old[move.From] = true
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		step.Changes = append(step.Changes, "keep certificate entry "+name+" for going back")
	}
	switch {
	case plan.servesAlready():
		step.Title = "leave the gateway as it is: what it follows is served already, and is the newest now"
	case plan.LooksAgain():
		step.Title = "write the gateway's unchanged document once, which makes it look at Key Vault again"
	}
	if i := slices.IndexFunc(plan.Moves, func(m Move) bool { return m.Back != nil }); i >= 0 {
		step.Undo = "hold the listeners at the version of before: " + plan.Moves[i].Back.Secret
	}
	return step
}

func follows(secretID string) string {
	if in, ok := ParseInVault(secretID); ok && in.Version != "" {
		return "this version for ever"
	}
	return "always its newest version"
}

func proofs(state State) []string {
	proofs := []string{}
	for _, way := range ways(state) {
		if way.reached {
			proofs = append(proofs, way.String()+", with SNI and without: exactly this leaf, full chain")
		}
	}
	if len(state.Backends) > 0 {
		proofs = append(proofs, "backend health as before or better")
	}
	if state.Sites.ServerURL != "" {
		proofs = append(proofs, "ArcGIS Server's health check at "+state.Sites.ServerURL)
	}
	if state.Sites.PortalURL != "" {
		proofs = append(proofs, "Portal's health check at "+state.Sites.PortalURL)
	}
	if state.Sites.SignedIn {
		proofs = append(proofs, fmt.Sprintf("Portal validates its federated servers (%d) as before or better", len(state.Sites.Federation)))
	}
	return proofs
}

// servesAlready tells that the gateway needs no write: only Key Vault lacked
// what it serves.
func (p Plan) servesAlready() bool {
	return p.LooksAgain() && !slices.ContainsFunc(p.Moves, func(m Move) bool { return m.FromLeaf != m.ToLeaf })
}
