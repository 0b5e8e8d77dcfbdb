package cli

import (
	"context"
	"encoding/json"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// foundLater shows how a run that was cut off was found.
func (u *ui) foundLater(run journal.Run) {
	var found rotation.Aftermath
	if !journal.WasFound(run.Outcome) || json.Unmarshal(run.Summary, &found) != nil {
		return
	}
	u.fields(
		field{"found", words(found.Sentence)},
		field{"looked at", words(app.Minute(run.FinishedAt), faint(": the run itself has no end"))},
		field{"proof", words("none: the same command again ends with one")},
	)
}

// inDoubt says of a run without an end what that means and what to do.
func (a *program) inDoubt(ctx context.Context, run journal.Run) {
	if a.IsGoingOn(ctx, run) {
		a.ui.say(caution("it is going on at this moment"))
		return
	}
	a.ui.say(caution(app.CutOff(run)))
	a.ui.advice(a.ui.out, a.ui.outStyle, 0, "see what came of it: ", "cartouche show "+app.Quote(run.DeploymentName))
}
