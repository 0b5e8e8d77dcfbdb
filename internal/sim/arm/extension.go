package arm

import (
	"context"
	"strings"
	"time"
)

// startExtension begins what a PUT or PATCH of an extension asked for. Called
// under the lock.
func (s *Server) startExtension(ctx context.Context, op *operation, e errand) {
	key := strings.ToLower(e.full)
	s.errands[key] = &e
	s.work.Go(func() {
		defer op.cancel()
		if s.ground.Clock.Wait(ctx, pollInterval/2) != nil {
			return
		}
		if e.deaf {
			_ = s.ground.Clock.Wait(ctx, agentPatience)
			s.end(op, key, agentFailure(e))
			return
		}
		properties := object(e.body, "properties")
		s.show(key, map[string]any{"name": e.full[strings.LastIndex(e.full, "/")+1:], "type": textOf(properties, "publisher") + "." + textOf(properties, "type"), "typeHandlerVersion": properties["typeHandlerVersion"],
			"statuses": []any{map[string]any{"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded", "message": notRun, "time": s.ground.Clock.Now().UTC().Format(time.RFC3339)}}})
		s.end(op, key, nil)
	})
}
