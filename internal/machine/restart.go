package machine

import (
	"context"
	"strings"
)

// restart does a Restart task: it assigns the alias that is active already,
// which restarts the web server. That the component went down is seen on the
// wire, or at a Server by the time at which it says that it started.
func (v *visit) restart(ctx context.Context, task Task) TaskResult {
	k, err := v.admin.Keystore(ctx, v.machine.Name)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	r := task.result(TaskDone)
	r.Before, r.BeforeLeaf = strings.ToLower(k.Active), v.leaf(ctx)
	aim := aim{patience: v.patience(), restarted: func(ctx context.Context) bool {
		now, err := v.admin.Keystore(ctx, v.machine.Name)
		return err == nil && k.Started != 0 && now.Started != 0 && now.Started != k.Started
	}}
	return v.assign(ctx, k.Active, k, r, aim.impatient())
}
