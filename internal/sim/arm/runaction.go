package arm

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// actionLimit is how long the older form lets a script run.
// Source: Azure documentation, "Run scripts in your VM by using action Run
// Commands": 90 minutes, and a script cannot be cancelled.
const actionLimit = 90 * time.Minute

// runCommand is the older form: an action without a resource of its own, one at
// a time on a machine.
// Source: Azure REST reference, Virtual Machines - Run Command.
func (s *Server) runCommand(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	body, f := c.body()
	if f != nil {
		return f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.require(c.caller, "Microsoft.Compute/virtualMachines/runCommand/action", full); f != nil {
		return f
	}
	machine, f := s.machineOf(id, full, c.step)
	if f != nil {
		return f
	}
	key := strings.ToLower(full)
	if s.acting[key] || s.ground.TakeFault("busy", c.step) {
		// Source: azure-docs#43356 and others.
		return fail(http.StatusConflict, "Conflict", "Run command extension execution is in progress. Please wait for completion before invoking a run command.")
	}
	s.acting[key] = true
	e := errand{full: full, machine: machine, body: body, deaf: s.deaf(machine, c.step)}
	op, ctx := s.newOperation(full)
	s.work.Go(func() {
		defer op.cancel()
		result, f := s.runAction(ctx, e)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.acting, key)
		op.status, op.result, op.failure = "Succeeded", result, f
		if f != nil {
			op.status = "Failed"
		}
	})
	s.accepted(w, c, op)
	return nil
}

// runAction runs the script; that it failed is seen in its output alone.
func (s *Server) runAction(ctx context.Context, e errand) (any, *failure) {
	if s.ground.Clock.Wait(ctx, pollInterval/2) != nil {
		return nil, nil
	}
	if e.deaf {
		_ = s.ground.Clock.Wait(ctx, agentPatience)
		return nil, agentFailure(e)
	}
	id, _ := e.machine.document["id"].(string)
	out, linux := computer.Outcome{Stderr: notRun}, false
	if s.o.Computer != nil {
		if at := s.o.Computer(id); at != nil {
			linux = at.OS() == computer.Linux
			if word := map[bool]string{true: "RunShellScript", false: "RunPowerShellScript"}[linux]; !strings.EqualFold(textOf(e.body, "commandId"), word) {
				// guess: status, code and text.
				return nil, fail(http.StatusOK, "InvalidParameter", "The commandId '%s' does not exist for this operating system.", textOf(e.body, "commandId"))
			}
			var lines []string
			list, _ := e.body["script"].([]any)
			for _, line := range list {
				lines = append(lines, fmt.Sprint(line))
			}
			limited, cancel := context.WithCancel(ctx)
			defer cancel()
			s.work.Go(func() {
				if s.ground.Clock.Wait(limited, actionLimit) == nil {
					cancel()
				}
			})
			var err error
			out, err = at.Run(limited, computer.Script{Text: strings.Join(lines, "\n"), Parameters: actionParameters(e.body["parameters"], linux), Full: s.ground.TakeFault("disk-full", stepScript)})
			if s.ground.TakeFault("script-hangs", stepScript) {
				<-limited.Done()
				err = limited.Err()
			}
			switch {
			case err != nil && limited.Err() != nil:
				// Source: azure-sdk-for-python#4369.
				return nil, fail(http.StatusOK, "VMExtensionProvisioningTimeout", "Provisioning of VM extension 'RunCommand%s' has timed out. Extension installation may be taking too long, or extension status could not be obtained.", at.OS())
			case err != nil:
				out.Stderr += err.Error()
			}
			if s.ground.TakeFault("output-lost", stepScript) {
				out.Stdout, out.Stderr = "", ""
			}
		}
	}
	status := func(code, message string) map[string]any {
		return map[string]any{"code": code, "level": "Info", "displayStatus": "Provisioning succeeded", "message": message}
	}
	if linux {
		// Source: Azure CLI documentation and field reports of "az vm run-command
		// invoke": one status, both streams in its message.
		return map[string]any{"value": []any{status("ProvisioningState/succeeded", "Enable succeeded: \n[stdout]\n"+tail(out.Stdout)+"\n[stderr]\n"+tail(out.Stderr))}}, nil
	}
	return map[string]any{"value": []any{status("ComponentStatus/StdOut/succeeded", tail(out.Stdout)), status("ComponentStatus/StdErr/succeeded", tail(out.Stderr))}}, nil
}

// actionParameters are those of the older form: on Linux their values follow
// the script on its command line, whatever they are called.
// Source: azure-cli, "az vm run-command invoke": its example for Linux is
// 'echo $1 $2', and it makes up names because the service demands some.
// guess: the names that were given are in the environment, too.
func actionParameters(list any, linux bool) []computer.Parameter {
	parameters := parametersOf(list)
	if !linux {
		return parameters
	}
	for _, p := range parameters {
		parameters = append(parameters, computer.Parameter{Value: p.Value})
	}
	return parameters
}
