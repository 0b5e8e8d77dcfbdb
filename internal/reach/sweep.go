package reach

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

const (
	// most is how many managed run commands a machine may have.
	// Source: "Run scripts in your VM by using managed Run Commands".
	most = 25
	// settled is how long ago a run command must have ended before another run
	// takes it for left behind: the one that started it reads it in seconds.
	settled = 15 * time.Minute
	// abandoned is the same for one that never ended. None of ours may run for
	// more than an hour.
	abandoned = 4 * time.Hour
)

// sweepMachine removes run commands that an earlier run of ours left on a
// machine, and says when there is no room for another one.
func (a *agentWay) sweepMachine(ctx context.Context, at Machine) error {
	list, err := a.options.Azure.RunCommands(ctx, at.ID)
	if err != nil {
		return ofAzure(ctx, err, "The run commands of the machine could not be listed.")
	}
	left := len(list)
	for _, command := range list {
		if !strings.HasPrefix(strings.ToLower(command.Name), prefix) || command.Tags[marked] == "" {
			continue
		}
		if !orphaned(command.Tags[ownedBy]) {
			view, err := a.options.Azure.RunCommand(ctx, at.ID, command.Name)
			if err != nil || !dead(view, time.Now()) {
				continue
			}
		}
		a.tell(fmt.Sprintf("%s: removing %s, which an earlier run left", at.Name, command.Name))
		if err := a.options.Azure.DeleteRunCommand(ctx, at.ID, command.Name); err == nil {
			left--
		}
	}
	if left >= most {
		return &Error{Code: RunCommandsFull, Sentence: fmt.Sprintf("The machine has %d run commands of others, and Azure allows no more than %d.", left, most),
			Mend: "Delete those that are no longer needed: az vm run-command list --ids " + cloud.ShellWord(at.ID)}
	}
	return nil
}

// dead tells whether nobody waits for a run command any more.
func dead(view cloud.RunCommandView, now time.Time) bool {
	switch {
	case view.Ended() && !view.End.IsZero():
		return now.Sub(view.End) > settled
	case !view.Start.IsZero():
		return now.Sub(view.Start) > abandoned
	}
	return view.ProvisioningState == "Failed"
}
