package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// MaxPlanFile bounds a plan file; rotation has the same limit.
const MaxPlanFile = 4 << 20

// SavedPlan is a plan as a file for [ReadPlan]. It holds no secret.
func SavedPlan(plan any) ([]byte, error) {
	document, err := json.MarshalIndent(plan, "", "  ")
	return append(document, '\n'), err
}

// ReadPlan reads a plan that was saved; again is how one is saved once more.
func ReadPlan(data []byte, again string) (rotation.Plan, error) {
	plan, err := rotation.ParsePlan(data)
	if _, edited := errors.AsType[*rotation.EditedPlanError](err); err != nil && !edited {
		err = Usage(again, "%s", err)
	}
	return plan, WhileServing(err, NothingChanged, "")
}

// OfPlan is what was asked when a saved plan was made, with the file and the
// choices of now that are none of the plan's.
func (r Renewal) OfPlan(plan rotation.Plan) Renewal {
	r.Vault = VaultOfPlan(plan)
	r.AssumeTrusted, r.AllowOlder, r.AllowWeaker = plan.AssumeTrusted, plan.AllowOlder, plan.AllowWeaker
	if r.Reach.Way == "" || r.Reach.Way == ReachAuto {
		r.Reach.Way = cmp.Or(string(plan.Way), ReachNone) // a plan rests on what was looked at
	}
	return r
}

// TakeSaved takes a saved plan in the place of the one that was made just now: the
// certificate must be the same, and the world must not have moved since. What
// cannot be carried out now, and what is there already, stays as it was found: a
// file that was good when the plan was made may have expired since.
func (p *Prepared) TakeSaved(plan rotation.Plan) error {
	unchanged := Serving(p.State) + "; nothing was changed"
	if p.Plan.Certificate.SHA256 != plan.Certificate.SHA256 {
		return WhileServing(&Failure{
			Code: "other-certificate", Message: p.Plan.Source + " is not the certificate that the plan was made for",
			Hint: "name the right file with --pfx, or make the plan again", Exit: ExitPreflight,
		}, unchanged, "")
	}
	if p.Plan.Ready() != nil || p.Plan.NothingToDo() {
		return nil
	}
	if err := plan.MovedSince(p.State); err != nil {
		return WhileServing(err, unchanged, "")
	}
	if !bytes.Equal(changesOf(plan), changesOf(p.Plan)) {
		return WhileServing(&Failure{
			Code: "moved", Message: "the saved plan would change something else than a plan that is made now",
			Hint: "look at it and make the plan again: cartouche plan DEPLOYMENT --pfx FILE --save PLAN", Exit: ExitPreflight,
		}, unchanged, "")
	}
	p.Plan = plan
	return nil
}

// changesOf is what a plan changes. Its hash only tells that nothing was altered by
// mistake: whoever means to can make it anew.
func changesOf(p rotation.Plan) []byte {
	changes, _ := json.Marshal([]any{ // plain values
		p.Names, p.Certificate, p.AddIdentity, p.Imports, p.Trusting, p.Pinned, p.Returns, p.Vouched, p.Entry, p.Moves, p.Removes,
	})
	return changes
}
