package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

const (
	// secondChances is how many failed writes going back survives.
	secondChances = 3
	// returns is how often the listeners are pointed back. A write whose answer
	// was lost may take effect after the gateway was asked; it does so within a
	// minute or two, which is no longer than a proof takes.
	returns = 3
)

// abandon goes back after a failure or Ctrl-C, if anything may have been changed:
// it asks the gateway, since an uncertain write may have come through. It
// outlives ctx, because leaving a gateway half changed is no way to stop.
func (r *Runner) abandon(ctx context.Context, entry *runEntry, before State, plan Plan, result *Result) {
	moves := plan.Moves
	result.Interrupted = errors.Is(ctx.Err(), context.Canceled)
	recovery, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Patience.withDefaults().Recovery)
	defer cancel()
	defer r.end(entry, result)

	if err := r.putBack(recovery, PhaseUndo, before, result); err != nil {
		result.NotRestored, result.Unknown = r.StillOut(recovery, before, result.out, err)
	}
	switched := result.GatewayWrites > result.poolWrites || len(result.imported) > 0
	if !switched && (result.touchedMachines() || result.poolWrites > 0 || len(result.out) > 0) {
		r.abandonTrust(recovery, entry, before, plan, result)
		return
	}
	if !switched {
		// Nothing was sent that could have come through, so there is nothing to take
		// back, whether or not Azure still answers; what somebody else has changed
		// meanwhile is theirs.
		r.tell(PhaseUndo, result.Failure+": nothing was changed, so nothing is taken back")
		result.Outcome = Unchanged
		after := r.look(recovery, before.Listeners)
		entry.evidence("wire after", after)
		result.After = describeLeaf(firstServed(after))
		return
	}
	if r.Permitted(recovery) != nil {
		r.tell(PhaseUndo, result.Failure+": nothing is taken back either; looking what is served")
	} else {
		r.tell(PhaseUndo, result.Failure+": going back to the certificate from before")
	}
	for again := 1; ; again++ {
		entry.started("undo", "point the listeners back", reversed(moves))
		done, err := r.write(recovery, PhaseUndo, before.Gateway.ID(), goBack(undone{moves: moves, before: before.Gateway}), secondChances)
		result.add(done)
		entry.finished("undo", done.Operations, err)
		proof := r.proveOld(recovery, before, moves, err == nil || r.standing(recovery, before, moves, err, result))
		entry.evidence("proof of the old certificate", proof)
		if err == nil && again < returns && r.movedAgain(recovery, before.Gateway.ID(), moves) {
			r.tell(PhaseUndo, "an earlier write has taken effect only now: going back once more")
			continue
		}
		result.follows(before, done.Gateway)
		result.wentBack(before, proof)
		result.leaves(before, plan, done.Gateway)
		r.machinesAfter(recovery, before, plan, result)
		return
	}
}

// abandonTrust ends a run that changed machines and nothing else: what clients
// get and how everything is must be as before. What was imported stays, since
// it takes nothing away.
func (r *Runner) abandonTrust(ctx context.Context, entry *runEntry, before State, plan Plan, result *Result) {
	r.tell(PhaseUndo, result.Failure+": nothing is switched; looking whether everything is as before")
	entry.started("undo", "look whether everything is as before", plan.Trusting)
	r.machinesAfter(ctx, before, plan, result)
	proof := r.ProveUnchanged(context.WithoutCancel(ctx), PhaseUndo, before) // however long the machines took
	entry.finished("undo", nil, proof.Err())
	entry.evidence("proof of the old certificate", proof)
	result.wentBack(before, proof)
}

// machinesAfter says of the machines what a run that failed leaves behind, and
// which of them are not well.
func (r *Runner) machinesAfter(ctx context.Context, before State, plan Plan, result *Result) {
	if len(plan.Trusting) == 0 {
		return
	}
	for _, l := range r.machinesBack(ctx, before, result) {
		l.Next = before.Command("show") + " --reach " + string(r.Way.Kind())
		if l.unseen {
			result.Unknown = append(result.Unknown, l.Difference)
		} else {
			result.NotRestored = append(result.NotRestored, l.Difference)
		}
	}
	result.Left = append(result.Left, trustLeft(plan, result)...)
	result.settle()
}

// trustLeft says which authorities stay in which keystores.
func trustLeft(plan Plan, result *Result) []string {
	var left []string
	for _, need := range plan.Trusting {
		for _, authority := range need.Imports {
			imported := slices.ContainsFunc(result.Machines, func(d MachineDone) bool {
				return d.Host == need.Host && slices.ContainsFunc(d.Tasks, func(t machine.TaskResult) bool {
					return t.Port == need.Port && strings.EqualFold(t.Alias, authority.Alias) && (t.State == machine.TaskDone || t.Unsure)
				})
			})
			if imported {
				left = append(left, fmt.Sprintf("%s on %s keeps %s as %s, which takes nothing away", need.Product.Name(), need.Machine, authority.Subject, authority.Alias))
			}
		}
	}
	return left
}

// proveOld proves that everything is as before. When going back failed for good,
// because the sign-in is lost or a right was taken away, nothing will become so
// by waiting; then one look says what is served, and proves nothing.
func (r *Runner) proveOld(ctx context.Context, before State, moves []Move, back bool) Proof {
	expected := asBefore(before, expect(before, moves))
	if back {
		return r.prove(ctx, claim{phase: PhaseUndo, before: before, moves: moves, expected: expected, judge: unjudged})
	}
	proof := Proof{Looks: 1, Handshakes: len(expected), Expected: expected.list(), Wire: r.lookAt(ctx, expected.worthALook(targetsOf(before.Listeners)))}
	lacks, _ := compare(proof.Wire, expected)
	proof.lacking(lacks)
	return proof
}

// movedAgain tells whether moves that were taken back are to be taken back
// again. Who cannot be asked has said nothing; then the proof stands.
func (r *Runner) movedAgain(ctx context.Context, gatewayID string, moves []Move) bool {
	gateway, err := r.settled(ctx, PhaseUndo, gatewayID)
	if err != nil {
		return false
	}
	for _, move := range moves {
		listener, _ := gateway.Listener(move.Listener)
		if (move.Back != nil || !move.again()) && strings.EqualFold(listener.CertificateName, move.To) {
			return true
		}
	}
	return false
}

// follows adds the listeners that follow what the run imported: they serve the
// old certificate only until the gateway's next look.
func (result *Result) follows(before State, gateway *cloud.Gateway) {
	asked := gateway != nil
	if !asked {
		gateway = before.Gateway
	}
	for _, own := range before.Listeners {
		listener, _ := gateway.Listener(own.Name)
		entry, _ := gateway.Certificate(listener.CertificateName)
		in, refers := ParseInVault(entry.KeyVaultSecretID)
		i := slices.IndexFunc(result.imported, func(i InVault) bool { return i.newest().is(in) })
		if !refers || i < 0 {
			continue
		}
		follows := Difference{
			What: "listener " + own.Name, Now: fmt.Sprintf("follows %s, where this run's certificate is the newest: the gateway takes it within four hours", in),
			Next: before.Command("apply"),
		}
		if asked && result.imported[i].Version != "" {
			result.NotRestored = append(result.NotRestored, follows)
			continue
		}
		follows.Now = fmt.Sprintf("may follow %s, where this run's certificate may be the newest: then the gateway takes it within four hours", in)
		follows.Next = fmt.Sprintf("cartouche certificates --vault %s %s", in.vaultName(), in.Name)
		result.Unknown = append(result.Unknown, follows)
	}
}

// leaves says what stays behind of a run that went back.
func (result *Result) leaves(before State, plan Plan, gateway *cloud.Gateway) {
	for _, in := range result.imported {
		what := in.String() + ", which this run imported,"
		if in.Version == "" {
			what = "what this run imported into " + in.String() + ", if it came through,"
		}
		result.Left = append(result.Left, fmt.Sprintf("%s stays there as the newest, and whoever else follows it gets it: cartouche certificates --vault %s %s", what, in.vaultName(), in.Name))
	}
	if gateway == nil {
		return
	}
	for _, move := range plan.Moves {
		listener, _ := gateway.Listener(move.Listener)
		if move.Back != nil && strings.EqualFold(listener.CertificateName, move.Back.Entry) {
			result.Left = append(result.Left, fmt.Sprintf("listener %s is held at %s; to follow the newest version again: %s",
				move.Listener, move.Back.Secret, applyAgain(before)))
		}
	}
	if id := plan.AddIdentity; id != "" && !before.Gateway.HasIdentity(id) && gateway.HasIdentity(id) {
		result.Left = append(result.Left, "the gateway keeps the identity "+id)
	}
}

// wentBack sets the outcome of going back.
func (result *Result) wentBack(before State, proof Proof) {
	result.seen(proof)
	different, unknown := proof.Differences(before)
	result.NotRestored = append(result.NotRestored, different...)
	result.Unknown = append(result.Unknown, unknown...)
	result.settle()
}

// settle sets the outcome of a run that went back: restored only when that was
// proved, after going back. What was seen to be different weighs more than what
// was not seen: it is told that something has to be done.
func (result *Result) settle() {
	switch {
	case len(result.NotRestored) > 0:
		result.Outcome = PartlyRestored
	case len(result.Unknown) > 0 || result.Proof == nil || !result.Proof.OK:
		result.Outcome = NotKnown
	default:
		result.Outcome = Restored
	}
}
