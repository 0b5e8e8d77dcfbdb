package app

import (
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// OutcomeText says for people how a run ended.
func OutcomeText(outcome rotation.Outcome) string {
	return outcomeText(outcome, map[rotation.Outcome]string{
		rotation.Verified:       "verified: every endpoint serves the certificate, and that was proved",
		rotation.NothingToDo:    "nothing to do: every endpoint serves this certificate already, and that was proved",
		rotation.Cleaned:        "cleaned: the unused entries are gone, and clients are served as before",
		rotation.Unchanged:      "unchanged: the run ended before anything was changed",
		rotation.Restored:       "restored: what was served before is back, and that was proved",
		rotation.PartlyRestored: "partly restored: not everything is as it was",
		rotation.NotKnown:       "unknown: nobody can say whether everything is as it was",
		NotRestored:             "not restored: not everything is as it was, or nobody could say so",
	})
}

// outcomeText is the text of an outcome. One that a newer version wrote into the
// journal has none, and stands for itself.
func outcomeText(outcome rotation.Outcome, texts map[rotation.Outcome]string) string {
	if text, known := texts[outcome]; known {
		return text
	}
	return string(outcome)
}

// OutcomeOf says it of a result, which may be that of taking another run back.
func OutcomeOf(result rotation.Result) string {
	return Undone(result.Outcome, result.UndoOf, OutcomeText(result.Outcome))
}

// NotRestored is what runs before version 0.2 wrote for both.
const NotRestored rotation.Outcome = "not-restored"

// Undone is the sentence of an outcome, where the run was to take another back.
func Undone(outcome rotation.Outcome, run, text string) string {
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

// ResultFailure is the failure of a run that did not reach its goal, nil when it did.
func ResultFailure(result rotation.Result, name string) *Failure {
	status := statusOf(result)
	if status == ExitDone {
		return nil
	}
	f := &Failure{Code: string(result.Outcome), Message: result.Failure, Exit: status}
	if f.Message == "" {
		f.Message = OutcomeText(result.Outcome)
	}
	if result.Interrupted {
		f.Message = "interrupted; " + OutcomeText(result.Outcome)
	}
	if result.After != nil {
		f.Serving = result.Endpoint + " serves " + SummaryText(*result.After)
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

// objects are the objects that differ; what is the matter with each is in the result.
func objects(differences []rotation.Difference) []string {
	var names []string
	for _, d := range differences {
		names = append(names, d.What)
	}
	return names
}

// ProofText says what a proof consists of.
func ProofText(proof *rotation.Proof) string {
	if proof == nil {
		return ""
	}
	text := fmt.Sprintf("%s in each of %s", Count(proof.Handshakes, "handshake"), Count(proof.Looks, "look"))
	if up := upBackends(*proof); len(proof.Backends) > 0 {
		text += fmt.Sprintf(", %d of %d backends up", up, len(proof.Backends))
	}
	if n := len(proof.Sites.Federation); n > 0 {
		text += ", " + Count(n, "federated server") + " validated"
	}
	return text
}

// upBackends counts the backends that answer the gateway.
func upBackends(proof rotation.Proof) int {
	up := 0
	for _, backend := range proof.Backends {
		if backend.Up() {
			up++
		}
	}
	return up
}
