package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// outcomes says for people how a run ended.
func outcomes() map[rotation.Outcome]struct {
	tone tone
	text string
} {
	return map[rotation.Outcome]struct {
		tone tone
		text string
	}{
		rotation.Verified:       {toneGood, "verified: every endpoint serves the certificate, and that was proved"},
		rotation.NothingToDo:    {toneGood, "nothing to do: every endpoint serves this certificate already, and that was proved"},
		rotation.Cleaned:        {toneGood, "cleaned: the unused entries are gone, and clients are served as before"},
		rotation.Unchanged:      {toneCaution, "unchanged: the run ended before anything was changed"},
		rotation.Restored:       {toneCaution, "restored: what was served before is back, and that was proved"},
		rotation.PartlyRestored: {toneBad, "partly restored: not everything is as it was"},
		rotation.NotKnown:       {toneBad, "unknown: nobody can say whether everything is as it was"},
		notRestored:             {toneBad, "not restored: not everything is as it was, or nobody could say so"},
	}
}

// notRestored is what runs before version 0.2 wrote for both.
const notRestored rotation.Outcome = "not-restored"

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

// objects are the objects that differ; what is the matter with each is in the result.
func objects(differences []rotation.Difference) []string {
	var names []string
	for _, d := range differences {
		names = append(names, d.What)
	}
	return names
}

// result shows what a run did and what came of it.
func (u *ui) result(result rotation.Result, name string, now time.Time) {
	fmt.Fprintln(u.out)
	outcome, known := outcomes()[result.Outcome]
	if !known {
		outcome.tone, outcome.text = toneBad, string(result.Outcome)
	}
	u.say(span{undone(result.Outcome, result.UndoOf, outcome.text), outcome.tone})
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
		field{"proof", words(proofText(result.Proof))},
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

// undone is the sentence of an outcome, where the run was to take another back.
func undone(outcome rotation.Outcome, run, text string) string {
	switch {
	case run == "":
		return text
	case outcome == rotation.Verified:
		return "verified: run " + run + " is taken back, and that was proved"
	case outcome == rotation.NothingToDo:
		return "nothing to take back: everything is as it was before run " + run + ", and that was proved"
	case outcome == rotation.Restored:
		return "restored: run " + run + " is not taken back; what was served before that was tried is back, and that was proved"
	}
	return text
}

func proofText(proof *rotation.Proof) string {
	if proof == nil {
		return ""
	}
	text := fmt.Sprintf("%s in each of %s", app.Count(proof.Handshakes, "handshake"), app.Count(proof.Looks, "look"))
	if up := upBackends(*proof); len(proof.Backends) > 0 {
		text += fmt.Sprintf(", %d of %d backends up", up, len(proof.Backends))
	}
	if n := len(proof.Sites.Federation); n > 0 {
		text += ", " + app.Count(n, "federated server") + " validated"
	}
	return text
}

func upBackends(proof rotation.Proof) int {
	up := 0
	for _, backend := range proof.Backends {
		if backend.Up() {
			up++
		}
	}
	return up
}

// resultFailure is the failure of a run that did not reach its goal, nil when it did.
func resultFailure(result rotation.Result, name string) *app.Failure {
	status := app.StatusOf(result)
	if status == app.ExitDone {
		return nil
	}
	f := &app.Failure{Code: string(result.Outcome), Message: result.Failure, Exit: status}
	if f.Message == "" {
		f.Message = outcomes()[result.Outcome].text
	}
	if result.Interrupted {
		f.Message = "interrupted; " + outcomes()[result.Outcome].text
	}
	if result.After != nil {
		f.Serving = result.Endpoint + " serves " + app.SummaryText(*result.After)
	}
	switch result.Outcome {
	case rotation.PartlyRestored, rotation.NotKnown:
		f.Hint = "cartouche verify " + name
		if len(result.NotRestored) > 0 {
			f.Message += "; not restored: " + strings.Join(objects(result.NotRestored), "; ")
		}
		if len(result.Unknown) > 0 {
			f.Message += "; not known: " + strings.Join(objects(result.Unknown), "; ")
		}
	default:
		f.Hint = "cartouche verify " + name + ", then the same command again"
		if result.RunID != "" {
			f.Hint += "; what happened: cartouche history " + result.RunID
		}
	}
	for _, m := range result.Machines {
		if m.Code != "" {
			f.Cause = m.Code // the first ended the run
			break
		}
	}
	if result.Hint != "" {
		f.Hint = strings.TrimRight(result.Hint, ".") + "; then: " + f.Hint
	}
	return f
}
