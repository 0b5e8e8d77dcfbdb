package rotation

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

// CleanPlan lists the certificate entries that no listener uses and that a
// rotation of the deployment left behind: those that this program added, and
// those that kept runs replaced. Entries of other people are not its business,
// nor are those of another deployment on the same gateway, whose rotation may
// still need them.
func CleanPlan(state State, runs []journal.Run) []string {
	ours := map[string]bool{}
	for _, run := range runs {
		var kept remembered
		if !ofState(run, state) || json.Unmarshal(run.Before, &kept) != nil {
			continue
		}
		for _, move := range kept.Moves {
			ours[strings.ToLower(move.From)], ours[strings.ToLower(move.To)] = true, true
			if move.Back != nil {
				ours[strings.ToLower(move.Back.Entry)] = true
			}
		}
	}
	used := map[string]bool{}
	for _, listener := range state.Gateway.Listeners() {
		used[strings.ToLower(listener.CertificateName)] = true
	}
	for _, name := range followedAgain(state) {
		used[strings.ToLower(name)] = true
	}
	var unused []string
	for _, entry := range state.Gateway.Certificates() {
		name := strings.ToLower(entry.Name)
		if !used[name] && (ours[name] || strings.HasPrefix(name, entryPrefix) && covers(entry, state)) {
			unused = append(unused, entry.Name)
		}
	}
	return unused
}

// followedAgain are the entries to which listeners will return that a failed run
// holds at an older version.
func followedAgain(state State) []string {
	var names []string
	for _, listener := range state.Listeners {
		followed, held := heldBack(listener.Entry, listener.KeyVaultSecretID)
		for _, entry := range state.Gateway.Certificates() {
			if refers, ok := ParseInVault(entry.KeyVaultSecretID); held && ok && refers.is(followed) {
				names = append(names, entry.Name)
			}
		}
	}
	return names
}

// ofState tells whether a run was made on the gateway and the deployment of a
// state: entries of one name may be on many gateways.
func ofState(run journal.Run, state State) bool {
	return cloud.SameID(run.GatewayID, state.Gateway.ID()) && strings.EqualFold(run.DeploymentID, state.Deployment.ID)
}

// covers tells whether the certificate of an entry is for a name of the deployment.
func covers(entry cloud.GatewayCertificate, state State) bool {
	return len(entry.Chain) > 0 && slices.ContainsFunc(coveredNames(state), func(name string) bool {
		return entry.Chain[0].VerifyHostname(name) == nil
	})
}

// Clean removes entries from the gateway when every endpoint serves what its
// listener is configured with, and proves afterwards that nothing changed for
// clients.
func (r *Runner) Clean(ctx context.Context, before State, entries []string) (Result, error) {
	blocked := slices.Concat(refusals(before.Obstacles), noListener(before), renewedMeanwhile(before, nil))
	for _, listener := range before.Listeners {
		// What is configured must be what is served: an instance that has not
		// followed the last switch still lives on the old entry.
		blocked = append(blocked, wireAgainstConfiguration(listener, before)...)
	}
	if len(blocked) > 0 {
		return Result{}, &BlockedError{Obstacles: blocked}
	}
	result := r.newResult(before)
	expected := asBefore(before, nil)
	plan := Plan{
		Format: planFormat, MadeAt: r.now().UTC(), Cloud: before.Cloud,
		Deployment: before.Deployment.Name, DeploymentID: before.Deployment.ID, GatewayID: before.Gateway.ID(),
		Steps: []Step{{Kind: StepClean, Title: "remove unused entries", Touches: before.Gateway.ID(), Changes: entries, Restarts: []string{}}},
	}
	entry, err := r.begin(ctx, plan, before)
	if err != nil {
		return Result{}, err
	}
	result.RunID = entry.runID
	entry.started(StepClean, "remove "+strings.Join(entries, ", "), entries)
	done, err := r.write(ctx, PhaseClean, before.Gateway.ID(), remove(entries), 0)
	result.add(done)
	entry.finished(StepClean, done.Operations, err)
	if err != nil {
		result.Failure = err.Error()
	}
	proof := r.prove(context.WithoutCancel(ctx), claim{phase: PhaseProve, before: before, expected: expected, judge: unjudged})
	entry.evidence("proof that clients are served as before", proof)
	result.seen(proof)
	result.Interrupted = ctx.Err() != nil
	if err == nil {
		result.Removed = entries
	}
	switch {
	case err == nil && proof.OK:
		result.Outcome = Cleaned
	case proof.OK && result.GatewayWrites == 0:
		result.Outcome = Unchanged
	case proof.OK:
		result.Outcome = Restored // clients are served as before; removing is simply not finished
	default:
		if err == nil {
			result.Failure = proofError(proof, nil).Error()
		}
		result.wentBack(before, proof)
	}
	r.end(entry, &result)
	return result, nil
}

// remove is the edit that takes entries out of the gateway.
func remove(entries []string) edit {
	return func(gateway *cloud.Gateway, _ int) (cloud.Document, error) {
		var present []string
		for _, name := range entries {
			if _, exists := gateway.Certificate(name); exists {
				present = append(present, name)
			}
		}
		if len(present) == 0 {
			return nil, ErrNothingToEdit
		}
		return gateway.WithoutCertificates(present)
	}
}
