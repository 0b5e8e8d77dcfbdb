package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// RefusedError says that the certificate must not be rolled out.
type RefusedError struct{ Findings pki.Findings }

func (e *RefusedError) Error() string {
	return "certificate refused: " + e.Findings[0].Sentence
}

// BlockedError says that the deployment does not allow the change now. Nothing
// was changed.
type BlockedError struct{ Obstacles pki.Findings }

func (e *BlockedError) Error() string {
	return "nothing was changed: " + e.Obstacles[0].Sentence
}

// Ready returns a *RefusedError or *BlockedError when the plan cannot be applied.
func (p Plan) Ready() error {
	switch {
	case p.Refused():
		return &RefusedError{Findings: refusals(p.Findings)}
	case p.Blocked():
		return &BlockedError{Obstacles: refusals(p.Obstacles)}
	}
	return nil
}

func refusals(findings pki.Findings) pki.Findings {
	return slices.DeleteFunc(slices.Clone(findings), func(f pki.Finding) bool { return f.Severity != pki.Refusal })
}

// Apply carries a plan out on the state that it was made for, and proves the
// result. When the proof fails, or ctx ends after the change was begun, it goes
// back and proves that. The Result always tells the truth about what is served;
// the error is only for what kept the run from starting (nothing was changed).
func (r *Runner) Apply(ctx context.Context, plan Plan, goal Goal, before State) (Result, error) {
	if err := plan.Ready(); err != nil {
		return Result{}, err
	}
	if !slices.ContainsFunc(goal.bundles(), func(b *pki.Bundle) bool { return pki.Fingerprint(b.Leaf) == plan.Certificate.SHA256 }) {
		return Result{}, fmt.Errorf("apply %s: the certificate given is not the one of the plan", plan.Deployment)
	}
	if err := plan.MovedSince(before); err != nil {
		return Result{}, err
	}
	return r.carryOut(ctx, plan, goal.Bundle, before, func(wire []handshake.Observation) pki.Findings {
		return judgeWire(wire, before, plan, goal.vouchedFor(plan))
	})
}

// carryOut makes the moves of a plan, proves them with the help of judge, and
// goes back when that fails.
func (r *Runner) carryOut(ctx context.Context, plan Plan, bundle *pki.Bundle, before State, judge wireJudge) (Result, error) {
	result := r.newResult(before)
	entry, err := r.begin(ctx, plan, before)
	if err != nil {
		return Result{}, err
	}
	result.RunID, result.UndoOf = entry.runID, plan.UndoOf

	if err = r.returnFirst(ctx, before, &result); err == nil {
		err = r.makeTrusted(ctx, entry, plan, before, &result)
	}
	if err == nil && plan.gatewayAsWanted() {
		r.tell(PhaseSwitch, "every listener has this certificate already; nothing to write")
	} else if err == nil {
		err = r.stage(ctx, entry, plan, bundle, &result)
		if err == nil {
			err = r.switchOver(ctx, entry, plan, bundle, &result)
		}
	}
	if err != nil {
		result.failed(err)
		r.abandon(ctx, entry, before, plan, &result)
		return result, nil
	}

	entry.started(StepProve, "prove", plan.Proofs)
	proof := r.prove(ctx, claim{phase: PhaseProve, before: before, moves: plan.Moves, expected: expect(before, plan.Moves), judge: judge})
	result.seen(proof)
	err = proofError(proof, ctx.Err())
	entry.finished(StepProve, proof, err)
	switch {
	case err != nil:
		result.failed(err)
		r.abandon(ctx, entry, before, plan, &result)
		return result, nil
	case plan.NothingToDo() && result.GatewayWrites == 0:
		result.Outcome = NothingToDo
	default:
		result.Outcome = Verified
	}
	r.refreshPins(ctx, entry, plan, before, &result)
	r.end(entry, &result)
	return result, nil
}

// switchOver makes the moves in one write.
func (r *Runner) switchOver(ctx context.Context, entry *runEntry, plan Plan, bundle *pki.Bundle, result *Result) error {
	entry.started(StepSwitch, plan.step(StepSwitch).Title, plan.Moves)
	switch {
	case plan.servesAlready():
		r.tell(PhaseSwitch, "the gateway serves it already")
	case plan.LooksAgain():
		r.tell(PhaseSwitch, "writing to the gateway: its document as it is, so that it looks at Key Vault again")
	default:
		r.tell(PhaseSwitch, "writing to the gateway: listeners go to entry "+plan.Entry)
	}
	done, err := r.write(ctx, PhaseSwitch, plan.GatewayID, withoutEntries(plan.Removes, withIdentity(plan.AddIdentity, switchTo(plan.Moves, bundle))), 0)
	result.add(done)
	entry.finished(StepSwitch, done.Operations, err)
	if err == nil && done.Writes > 0 {
		r.tell(PhaseSwitch, "the gateway has carried the change out")
	}
	return err
}

// end writes the outcome down and says it.
func (r *Runner) end(entry *runEntry, result *Result) {
	if result.Outcome.Proved() {
		result.Unclaimed = r.Unclaimed(entry.ctx)
	}
	result.Seconds = r.now().Sub(result.started).Seconds()
	entry.end(*result)
	r.tell(PhaseDone, string(result.Outcome))
}

// wireJudge says what is wrong with what endpoints sent, beyond the leaf.
type wireJudge func([]handshake.Observation) pki.Findings

// unjudged accepts any chain: what was there before is restored as it was.
func unjudged([]handshake.Observation) pki.Findings { return nil }

func proofError(proof Proof, interrupted error) error {
	switch {
	case proof.OK:
		return nil
	case interrupted != nil:
		return errors.New("interrupted")
	case len(proof.Failures) == 0:
		return errUnfinished
	}
	return errors.New(proof.Failures[0])
}
