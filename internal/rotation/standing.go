package rotation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// standing says how the listeners are after a write back that failed: which do
// not point to where they did, or that nobody can tell. It tells whether it is
// worth the while to prove what is served.
//
// That a write failed does not say that nothing came of it, so the gateway is
// asked; and somebody else may have moved a listener meanwhile, whose it is.
func (r *Runner) standing(ctx context.Context, before State, moves []Move, failed error, result *Result) (provable bool) {
	gateway, err := r.lastLook(ctx, before)
	for _, move := range reversed(moves) {
		entry := Difference{What: "listener " + move.Listener, Was: "pointed to " + move.To, Next: result.again(before)}
		if err != nil {
			entry.Now, entry.Next = "the gateway cannot be asked: "+err.Error(), before.Command("verify")
			result.Unknown = append(result.Unknown, entry)
			continue
		}
		listener, there := gateway.Listener(move.Listener)
		switch {
		case !there:
			entry.Now = "is gone"
		case strings.EqualFold(listener.CertificateName, move.To):
			continue
		default:
			entry.Now = "points to " + listener.CertificateName + ", since going back failed: " + failed.Error()
		}
		result.NotRestored = append(result.NotRestored, entry)
	}
	if err == nil && gateway.ProvisioningState() != "Succeeded" && before.Gateway.ProvisioningState() == "Succeeded" {
		result.NotRestored = append(result.NotRestored, Difference{
			What: "gateway " + gateway.Name(), Now: "its last change ended as " + gateway.ProvisioningState(), Was: "Succeeded", Next: result.again(before),
		})
	}
	moved := (*MovedError)(nil)
	return errors.As(failed, &moved) || err == nil && len(result.NotRestored) == 0
}

// GatewayUnwell says that the gateway's last change was not carried out, which it
// was before, or that nobody can tell.
func (r *Runner) GatewayUnwell(ctx context.Context, before State) (different, unknown []Difference) {
	entry := Difference{What: "gateway " + before.Gateway.Name(), Was: "Succeeded", Next: carryOutOnceMore(before.Gateway.ID())}
	gateway, err := r.lastLook(ctx, before)
	switch {
	case before.Gateway.ProvisioningState() != "Succeeded":
	case err != nil:
		entry.Now = "it cannot be asked whether its last change was carried out: " + err.Error()
		unknown = append(unknown, entry)
	case gateway.ProvisioningState() != "Succeeded":
		entry.Now = "its last change ended as " + gateway.ProvisioningState()
		different = append(different, entry)
	}
	return different, unknown
}

// StillOut says which machines are out of their pools after putting them back
// has failed, and of which nobody can tell.
func (r *Runner) StillOut(ctx context.Context, before State, out []cloud.Member, failed error) (different, unknown []Difference) {
	gateway, err := r.lastLook(ctx, before)
	for _, member := range out {
		entry := Difference{What: "machine " + member.Address, Was: "in pool " + member.Pool, Next: before.Command("clean") + " --internal"}
		switch {
		case err != nil:
			entry.Now = "the gateway cannot be asked whether it is in its pool: " + err.Error()
			unknown = append(unknown, entry)
		case containsMember(gateway.Away(), member):
			entry.Now = "out of its pool, since putting it back failed: " + failed.Error()
			different = append(different, entry)
		}
	}
	return different, unknown
}

func containsMember(members []cloud.Member, member cloud.Member) bool {
	for _, other := range members {
		if strings.EqualFold(other.Pool, member.Pool) && strings.EqualFold(other.Address, member.Address) {
			return true
		}
	}
	return false
}

// lastLook reads the gateway once more, however long everything took.
func (r *Runner) lastLook(ctx context.Context, before State) (*cloud.Gateway, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(answerTimeout, r.Patience.withDefaults().Proof))
	defer cancel()
	gateway, err := r.settled(ctx, PhaseUndo, before.Gateway.ID())
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("a change of it is still under way")
	}
	return gateway, err
}

// again is the command that goes back once more.
func (result *Result) again(before State) string {
	if result.RunID == "" {
		return before.Command("verify")
	}
	return "cartouche undo " + result.RunID
}
