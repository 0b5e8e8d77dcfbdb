package rollout

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// notBack says of a port that did not go back what it serves now, or that nobody
// can see it.
func (r *run) notBack(ctx context.Context, place int, err error) {
	port := r.plan.Ports[place]
	report, _ := r.do(ctx, port.Machine) // what cannot be looked at is in no report
	r.refreshed(report, port.Machine)
	changed := r.result.Machines[place]
	why := strings.TrimPrefix(err.Error(), port.called()+" ")
	entry := rotation.Difference{What: port.called(), Now: why, Next: r.look()}
	if port.Before != "" {
		entry.Was = "served " + brief(port.Before)
	}
	if changed.After == "" { // nobody could look
		r.result.Unknown = append(r.result.Unknown, entry)
		return
	}
	entry.Now = "serves " + brief(changed.After) + ": " + why
	if r.result.RunID != "" && port.How == ByAlias {
		entry.Next = "cartouche undo " + r.result.RunID
	}
	r.result.NotRestored = append(r.result.NotRestored, entry)
}

// stillOut says which machines are out of their pools after putting them back
// has failed, or that nobody can tell.
func (r *run) stillOut(ctx context.Context, failed error) {
	different, unknown := r.Rotation.StillOut(ctx, r.before, r.out, failed)
	r.result.NotRestored = append(r.result.NotRestored, different...)
	r.result.Unknown = append(r.result.Unknown, unknown...)
}

// unwell says that the gateway's last change was not carried out, or that nobody
// can tell.
func (r *run) unwell(ctx context.Context) {
	different, unknown := r.Rotation.GatewayUnwell(ctx, r.before)
	r.result.NotRestored = append(r.result.NotRestored, different...)
	r.result.Unknown = append(r.result.Unknown, unknown...)
}

// worseNow says what a validation said that is not as well as before, or that
// nobody could ask.
func (r *run) worseNow(err error) {
	entry := rotation.Difference{What: "the federation and the data stores", Now: err.Error(), Was: "validated", Next: r.look()}
	if worse := (*worseError)(nil); errors.As(err, &worse) {
		r.result.NotRestored = append(r.result.NotRestored, entry)
		return
	}
	r.result.Unknown = append(r.result.Unknown, entry)
}

// look is the command that looks at the machines.
func (r *run) look() string {
	return r.before.Command("show") + " --reach " + string(cmp.Or(r.plan.Way, r.way().Kind()))
}

func brief(fingerprint string) string { return fingerprint[:min(len(fingerprint), 16)] + "…" }
