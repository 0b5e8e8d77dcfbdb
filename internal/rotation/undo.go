package rotation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// UndoPlan is the plan to take a kept run back: its listeners return to the
// entries that they had, which are still on the gateway. An old certificate
// that has expired is refused, since going back to it would be an outage. others
// are the runs among which one may have come later; it is named then.
func UndoPlan(state State, run journal.Run, goal Goal, others ...journal.Run) (Plan, error) {
	var kept remembered
	if err := json.Unmarshal(run.Before, &kept); err != nil {
		return Plan{}, fmt.Errorf("run %s: its memory cannot be read: %w", run.ID, err)
	}
	plan := Plan{
		Format:       planFormat,
		MadeAt:       goal.Now.UTC(),
		Cloud:        state.Cloud,
		Deployment:   state.Deployment.Name,
		DeploymentID: state.Deployment.ID,
		GatewayID:    state.Gateway.ID(),
		Names:        coveredNames(state),
		GivenNames:   state.Deployment.GivenNames,
		Serving:      describeLeaf(servingNow(state)),
		Source:       "run " + run.ID,
		UndoOf:       run.ID,
		Obstacles:    slices.Concat(mended(state, withoutAccess(state.Obstacles)), shapeObstacles(state)),
		Proofs:       proofs(state),
	}
	plan.Obstacles = append(plan.Obstacles, runObstacles(state, run, kept)...)
	for i, move := range reversed(kept.Moves) {
		listener, _ := state.Gateway.Listener(move.Listener)
		entry, exists := state.Gateway.Certificate(move.To)
		if obstacle := wayBack(state, run, move, entry, exists, others); obstacle != nil {
			plan.Obstacles = append(plan.Obstacles, *obstacle)
			continue
		}
		if back := kept.Moves[i].Back; back != nil {
			plan.Obstacles = append(plan.Obstacles, held(state, move))
			plan.Findings = append(plan.Findings, oldExpired(run, goal, back.NotAfter)...)
			if kept.Serving != nil && kept.Serving.SHA256 == move.ToLeaf {
				plan.Certificate = *kept.Serving
			}
		} else if len(entry.Chain) > 0 {
			old := entry.Chain[0]
			plan.Certificate = pki.Describe(old)
			move.ToLeaf = pki.Fingerprint(old)
			plan.Findings = append(plan.Findings, oldExpired(run, goal, old.NotAfter)...)
		}
		if strings.EqualFold(listener.CertificateName, move.To) {
			continue // already back
		}
		plan.Entry = move.To
		plan.Moves = append(plan.Moves, move)
	}
	if len(plan.Moves) > 0 {
		plan.Obstacles = append(plan.Obstacles, renewedMeanwhile(state, plan.Moves)...)
	}
	for _, finding := range managed(state, plan.Moves) {
		if finding.Severity == pki.Refusal {
			continue // going back may lead to what was there before, whatever it was
		}
		plan.Obstacles = append(plan.Obstacles, finding)
	}
	plan.Way, plan.Pinned, plan.Returns = state.Way, undoPins(state, kept), state.Gateway.Away()
	plan.Obstacles = append(plan.Obstacles, state.OutOfPools()...)
	plan.Trust = undoTrust(state, kept)
	if plan.Obstacles.Has("gateway-failed") {
		plan.Removes = unreadable(state, kept.Moves, plan.Moves)
	}
	plan.Basis = basis(state, plan.Certificate.Thumbprint)
	plan.Steps = undoSteps(plan, run)
	plan.Operations = operations(plan, state)
	plan.Obstacles = append(plan.Obstacles, accessFindings(state.Access, plan.Operations)...)
	plan.Hash = plan.computeHash()
	return plan, nil
}

// mended makes warnings of what going back may mend: a gateway whose last change
// failed, since the next good write mends it, and a run that was cut off while its
// write failed has no other way out; and a Portal that nobody can be sent to with
// a password, because the certificate that is served is the trouble.
func mended(state State, obstacles pki.Findings) pki.Findings {
	for i, finding := range obstacles {
		if finding.Code == "site-admin-refused" && state.Sites.portalUnseen {
			obstacles[i] = pki.Finding{
				Code: "federation-unproved", Severity: pki.Warning,
				Sentence: "Portal cannot be asked through what is served now, so its federation is not compared after going back: " + state.Sites.PortalTrouble,
				Mend:     "once it is back: " + state.Command("verify"),
			}
		}
		if finding.Code == "gateway-failed" {
			obstacles[i].Severity, obstacles[i].Mend = pki.Warning, ""
			obstacles[i].Sentence = "the gateway's last change failed; going back writes it once more, which mends it"
		}
	}
	return obstacles
}

// unreadable are the references that a run added and nobody else uses. When its
// write has failed they may be the reason.
func unreadable(state State, made, back []Move) []string {
	var names []string
	for _, move := range made {
		used := slices.ContainsFunc(state.Gateway.HTTPSListeners(), func(l cloud.Listener) bool {
			leaves := slices.ContainsFunc(back, func(m Move) bool { return strings.EqualFold(m.Listener, l.Name) })
			return !leaves && strings.EqualFold(l.CertificateName, move.To)
		})
		_, exists := state.Gateway.Certificate(move.To)
		ours := move.Secret != "" && strings.HasPrefix(strings.ToLower(move.To), vaultPrefix)
		if exists && ours && !used && !contains(names, move.To) {
			names = append(names, move.To)
		}
	}
	return names
}

func oldExpired(run journal.Run, goal Goal, notAfter time.Time) pki.Findings {
	if goal.Now.Before(notAfter) {
		return nil
	}
	return pki.Findings{{
		Code: "old-expired", Severity: pki.Refusal,
		Sentence: fmt.Sprintf("the certificate from before run %s expired on %s", run.ID, notAfter.Format("2 January 2006")),
	}}
}

// held warns that a listener will not follow Key Vault for a while.
func held(state State, move Move) pki.Finding {
	return pki.Finding{
		Code: "listener-held", Severity: pki.Warning,
		Sentence: fmt.Sprintf("listener %s will be held at %s and follow no renewal", move.Listener, move.Secret),
		Mend:     "to follow the newest version again: " + applyAgain(state),
	}
}

// runObstacles are refusals to take a run back at all.
func runObstacles(state State, run journal.Run, kept remembered) pki.Findings {
	switch {
	case !ofState(run, state):
		return pki.Findings{{
			Code: "run-of-another", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("run %s was made for %s on %s, not for %s", run.ID, run.DeploymentName, run.GatewayID, state.Deployment.Name),
		}}
	case slices.ContainsFunc(run.Steps, func(s journal.Step) bool { return s.Kind == string(StepClean) }):
		return pki.Findings{{
			Code: "run-cleaned", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("run %s removed what nobody used; what it removed cannot be had again from anywhere", run.ID),
			Mend:     "roll the old .pfx out with cartouche apply",
		}}
	case len(kept.Moves) == 0:
		return pki.Findings{{
			Code: "run-without-moves", Severity: pki.Note,
			Sentence: fmt.Sprintf("run %s moved no listener, so there is nothing to take back", run.ID),
		}}
	}
	return nil
}

// wayBack says why a listener cannot return to the entry that it had: a later
// run or somebody else may have moved it on, and an entry of the same name need
// not hold the same certificate.
func wayBack(state State, run journal.Run, move Move, entry cloud.GatewayCertificate, exists bool, others []journal.Run) *pki.Finding {
	listener, _ := state.Gateway.Listener(move.Listener)
	ours := slices.ContainsFunc(state.Listeners, func(l Listener) bool { return strings.EqualFold(l.Name, move.Listener) })
	switch points := listener.CertificateName; {
	case !ours:
		return &pki.Finding{
			Code: "listener-moved", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("listener %s, which run %s moved, no longer serves %s", move.Listener, run.ID, state.Deployment.Domain),
		}
	case !strings.EqualFold(points, move.From) && !strings.EqualFold(points, move.To):
		return &pki.Finding{
			Code: "listener-moved", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("listener %s points to %s, no longer to %s as run %s left it", move.Listener, points, move.From, run.ID),
			Mend:     laterRun(state, run, move, points, others),
		}
	case move.again() && move.Secret == "":
		return &pki.Finding{
			Code: "no-way-back", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("which version of %s was served before run %s is not known", move.To, run.ID),
			Mend:     "name a version: " + applyAgain(state) + " --vault VAULT --certificate NAME --version VERSION",
		}
	case move.Secret != "":
		return nil // the entry is made anew where it is gone
	case !exists:
		return &pki.Finding{
			Code: "old-entry-gone", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("the gateway no longer has the certificate entry %s from before run %s", move.To, run.ID),
			Mend:     "roll the old .pfx out with cartouche apply",
		}
	case move.ToLeaf != "" && len(entry.Chain) > 0 && pki.Fingerprint(entry.Chain[0]) != move.ToLeaf:
		return &pki.Finding{
			Code: "old-entry-changed", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("the certificate entry %s holds another certificate than before run %s (%s)", move.To, run.ID, pki.Describe(entry.Chain[0]).Subject),
			Mend:     "roll the old .pfx out with cartouche apply",
		}
	}
	return nil
}

// laterRun says which run has moved a listener on, so that it has to be taken
// back first.
func laterRun(state State, run journal.Run, move Move, points string, others []journal.Run) string {
	for _, other := range others { // newest first
		var kept remembered
		if other.ID == run.ID || other.StartedAt.Before(run.StartedAt) || !ofState(other, state) || json.Unmarshal(other.Before, &kept) != nil {
			continue
		}
		if slices.ContainsFunc(kept.Moves, func(m Move) bool {
			return strings.EqualFold(m.Listener, move.Listener) && strings.EqualFold(m.To, points)
		}) {
			return "take the later run back first: cartouche undo " + other.ID
		}
	}
	return "no run of this computer's journal did that: see who did, and roll out what is wanted: " + applyAgain(state)
}

func undoSteps(plan Plan, run journal.Run) []Step {
	prove := Step{Kind: StepProve, Title: "prove that every endpoint serves the certificate from before", Restarts: []string{}}
	last := []Step{prove}
	if len(plan.Pinned) > 0 {
		last = append(last, pinStep(plan))
	}
	if plan.gatewayAsWanted() {
		return last
	}
	var changes []string
	for _, move := range plan.Moves {
		if move.Secret != "" {
			changes = append(changes, fmt.Sprintf("add certificate entry %s, a reference to %s (%s)", move.To, move.Secret, follows(move.Secret)))
		}
		changes = append(changes, fmt.Sprintf("listener %s: %s -> %s", move.Listener, move.From, move.To))
	}
	for _, name := range plan.Removes {
		changes = append(changes, "remove certificate entry "+name+", which the gateway may not be able to read")
	}
	return append([]Step{{
		Kind: StepSwitch, Title: "take run " + run.ID + " back in one conditional write",
		Touches: plan.GatewayID, Changes: changes, Restarts: []string{},
		Undo: "point the listeners to the entries that they have now",
	}}, last...)
}

// Undo carries an UndoPlan out. It is proved, and taken back itself when the
// proof fails, like any other run.
func (r *Runner) Undo(ctx context.Context, plan Plan, before State) (Result, error) {
	if err := plan.Ready(); err != nil {
		return Result{}, err
	}
	if err := plan.MovedSince(before); err != nil {
		return Result{}, err
	}
	return r.carryOut(ctx, plan, nil, before, unjudged)
}
