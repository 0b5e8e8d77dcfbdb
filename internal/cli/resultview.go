package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// toneOf is how an outcome is to be taken; known tells that it is one.
func toneOf(outcome rotation.Outcome) (of tone, known bool) {
	of, known = map[rotation.Outcome]tone{
		rotation.Verified:       toneGood,
		rotation.NothingToDo:    toneGood,
		rotation.Cleaned:        toneGood,
		rotation.Unchanged:      toneCaution,
		rotation.Restored:       toneCaution,
		rotation.PartlyRestored: toneBad,
		rotation.NotKnown:       toneBad,
		app.NotRestored:         toneBad,
	}[outcome]
	return of, known
}

// differences shows what is not as before, what could not be seen, and what to
// do about each, once for those that stand together.
func (u *ui) differences(notRestored, unknown []rotation.Difference) {
	for _, list := range []struct {
		sign span
		of   []rotation.Difference
	}{{u.outStyle.cross(), notRestored}, {caution("?"), unknown}} {
		for i, d := range list.of {
			u.item(list.sign, d.String())
			if d.Next != "" && (i+1 == len(list.of) || list.of[i+1].Next != d.Next) {
				u.advice(u.out, u.outStyle, 4, "next: ", d.Next)
			}
		}
	}
}

// result shows what a run did and what came of it.
func (u *ui) result(result rotation.Result, name string, now time.Time) {
	fmt.Fprintln(u.out)
	tone, known := toneOf(result.Outcome)
	if !known {
		tone = toneBad
	}
	u.say(span{app.OutcomeOf(result), tone})
	var served line
	switch {
	case result.Before != nil && result.After != nil && result.Before.SHA256 != result.After.SHA256:
		u.certificatePair(result.Before, result.After, now)
	case result.After != nil:
		served = summary(*result.After, now)
	}
	for _, m := range result.Machines {
		if m.Trouble != "" {
			u.item(caution("!"), m.Machine, faint(": "), m.Trouble)
		}
	}
	u.differences(result.NotRestored, result.Unknown)
	for _, what := range result.Left {
		u.item(caution("!"), what)
	}
	u.unclaimed(result.Unclaimed, name)
	u.fields(
		field{"serving", served},
		field{"proof", words(app.ProofText(result.Proof))},
		field{"gateway writes", words(fmt.Sprint(result.GatewayWrites))},
		field{"restarts", words(fmt.Sprint(result.Restarts))},
		field{"removed", words(strings.Join(result.Removed, ", "))},
		field{"took", words((time.Duration(result.Seconds*1000) * time.Millisecond).String())},
		field{"run", words(result.RunID)},
	)
	if result.Outcome == rotation.Verified && result.RunID != "" {
		u.advice(u.out, u.outStyle, 0, "after a week, when all is well: ", "cartouche clean "+name)
		u.advice(u.out, u.outStyle, 0, "to go back: ", "cartouche undo "+result.RunID)
	}
}

// unclaimed says that a run had not the deployment for itself until its end.
func (u *ui) unclaimed(why, name string) {
	if why != "" {
		u.item(caution("!"), why)
		u.advice(u.out, u.outStyle, 4, "next: ", "cartouche verify "+name)
	}
}
