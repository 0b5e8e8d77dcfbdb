package arm

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// startExtension begins what a PUT or PATCH of an extension asked for. Called
// under the lock.
//
// One that is put once more just as it was is not run again, unless its
// forceUpdateTag changes.
// Source: Azure REST reference, VirtualMachineExtension, forceUpdateTag;
// Guesses.RunsAgain turns it round.
func (s *Server) startExtension(ctx context.Context, op *operation, e errand) {
	key := strings.ToLower(e.full)
	before := s.errands[key]
	s.errands[key] = &e
	idle := before != nil && !s.o.Guesses.RunsAgain && same(before.body, e.body)
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
		if idle {
			s.end(op, key, nil)
			return
		}
		s.end(op, key, s.extend(ctx, e))
	})
}

// extend runs an extension on its machine. The world knows one: DSC.
// Source: Azure documentation, "PowerShell DSC Extension", and field reports
// of its failures for code and text.
func (s *Server) extend(ctx context.Context, e errand) *failure {
	key, name := strings.ToLower(e.full), e.full[strings.LastIndex(e.full, "/")+1:]
	properties := object(e.body, "properties")
	publisher, kind := textOf(properties, "publisher"), textOf(properties, "type")
	show := func(code, level, display, message string) {
		s.show(key, map[string]any{"name": name, "type": publisher + "." + kind, "typeHandlerVersion": properties["typeHandlerVersion"],
			"statuses": []any{map[string]any{"code": code, "level": level, "displayStatus": display, "message": message, "time": s.ground.Clock.Now().UTC().Format(time.RFC3339)}}})
	}
	succeeded := func(message string) *failure {
		show("ProvisioningState/succeeded", "Info", "Provisioning succeeded", message)
		return nil
	}
	if s.o.Configure == nil || !strings.EqualFold(publisher, "Microsoft.Powershell") || !strings.EqualFold(kind, "DSC") {
		return succeeded(notRun)
	}
	show("ProvisioningState/transitioning", "Info", "Transitioning", "DSC configuration is being applied")
	function := textOf(object(object(properties, "settings"), "configuration"), "function")
	id := textOf(e.machine.document, "id")
	if err := s.o.Configure(ctx, id, object(properties, "settings"), object(properties, "protectedSettings")); err != nil {
		message := fmt.Sprintf("DSC Configuration '%s' completed with error(s). Following are the first few: %v", function, err)
		show("ProvisioningState/failed/1", "Error", "Provisioning failed", message)
		return failExtension(name, publisher, kind, message)
	}
	return succeeded("DSC configuration was applied successfully.")
}
