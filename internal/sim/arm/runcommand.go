package arm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// command is what runs, or ran, of a managed run command.
type command struct {
	stop  context.CancelCauseFunc
	ended chan struct{}
}

// errCanceled is why a script was ended that had time left.
var errCanceled = errors.New("canceled")

// agentPatience is how long Azure waits for the agent of a machine.
// guess: reported are from a quarter of an hour to an hour and a half.
const agentPatience = 15 * time.Minute

// maxTail is how much of each stream the instance view holds.
// Source: Azure/run-command-handler-linux, internal/cmds (maxTailLen).
const maxTail = 4096

// startCommand begins what a PUT or PATCH of a run command asked for. Called
// under the lock.
//
// A command with the same name that still runs is ended first. One that is
// asked for again just as it was does not run again. guess: reports say so
// (bicep-types-az#1525); Guesses.RunsAgain turns it round.
func (s *Server) startCommand(ctx context.Context, op *operation, e errand) {
	key := strings.ToLower(e.full)
	before, old := s.errands[key], s.commands[key]
	r := s.resources[key]
	s.errands[key] = &e
	if before != nil && !s.o.Guesses.RunsAgain && same(before.body, e.body) {
		s.succeedSoon(ctx, op, func() { s.provisioned(key, "Succeeded") })
		return
	}
	// Source: the overview of managed Run Commands: an empty script cancels.
	if old != nil && scriptOf(e.body) == "" && textOf(object(object(e.body, "properties"), "source"), "scriptUri") == "" {
		old.stop(errCanceled)
		s.work.Go(func() {
			defer op.cancel()
			<-old.ended
			s.end(op, key, nil)
		})
		return
	}
	r.view = view("Pending", "", computer.Outcome{}, time.Time{}, time.Time{})
	life, stop := context.WithCancelCause(s.ctx)
	now := &command{stop: stop, ended: make(chan struct{})}
	s.commands[key] = now
	s.work.Go(func() {
		defer op.cancel()
		defer stop(nil)
		defer close(now.ended)
		if old != nil {
			old.stop(errCanceled)
			<-old.ended
		}
		s.runErrand(life, op, e, now)
	})
}

// runErrand takes a command through its life.
func (s *Server) runErrand(ctx context.Context, op *operation, e errand, now *command) {
	key := strings.ToLower(e.full)
	if s.ground.Clock.Wait(ctx, pollInterval/2) != nil {
		s.show(key, view("Canceled", "", computer.Outcome{}, time.Time{}, s.ground.Clock.Now()))
		s.end(op, key, nil)
		return
	}
	if e.deaf {
		_ = s.ground.Clock.Wait(ctx, agentPatience)
		s.end(op, key, agentFailure(e))
		return
	}
	properties := object(e.body, "properties")
	began := s.ground.Clock.Now()
	s.show(key, view("Running", "Execution in progress", computer.Outcome{}, began, time.Time{}))
	if async, _ := properties["asyncExecution"].(bool); async {
		s.end(op, key, nil)
	}
	if limit := number(properties["timeoutInSeconds"]); limit > 0 {
		timer, stopTimer := context.WithCancel(ctx)
		defer stopTimer()
		s.work.Go(func() {
			if s.ground.Clock.Wait(timer, time.Duration(limit)*time.Second) == nil {
				now.stop(computer.ErrTimedOut)
			}
		})
	}
	out, err := s.runScript(ctx, e, properties)
	state, message := s.verdict(ctx, &out, err)
	s.show(key, view(state, message, out, began, s.ground.Clock.Now()))
	// Source: REST reference, treatFailureAsDeploymentFailure: without it the
	// provisioning state tells only whether the command was run.
	var f *failure
	if strict, _ := properties["treatFailureAsDeploymentFailure"].(bool); strict && state != "Succeeded" {
		// guess: it is told as of any extension whose handler reports an error.
		f = failExtension(e.full[strings.LastIndex(e.full, "/")+1:], "Microsoft.CPlat.Core", "RunCommandHandler", message)
	}
	s.end(op, key, f)
}

// verdict is the execution state and message for the end of a script.
// Source: Azure/run-command-handler-linux, internal/commandProcessor and
// internal/exec, for the messages.
func (s *Server) verdict(ctx context.Context, out *computer.Outcome, err error) (state, message string) {
	var refusal *computer.Refusal
	cause := context.Cause(ctx)
	switch {
	case errors.As(err, &refusal):
		out.ExitCode = refusal.ExitCode
		if strings.HasPrefix(refusal.Message, "Script cannot") { // Windows says no more
			return "Failed", refusal.Message
		}
		return "Failed", "Execution failed: " + refusal.Message
	case err != nil && errors.Is(cause, computer.ErrTimedOut) && !s.o.Guesses.TimeoutIsFailed:
		// guess: the state has this value in the REST reference; the handler for
		// Linux reports Failed when it kills the script.
		out.ExitCode = -1
		return "TimedOut", "Execution timed out"
	case err != nil && errors.Is(cause, computer.ErrTimedOut), err == nil && out.ExitCode != 0:
		return "Failed", fmt.Sprintf("Execution failed: failed to execute command: command terminated with exit status=%d", out.ExitCode)
	case err != nil:
		return "Canceled", "Execution canceled" // guess: the text
	}
	return "Succeeded", "Execution completed"
}

// runScript runs the script at the machine's computer, and puts its output
// into blobs where that was asked for. Azure's handler appends while the
// script runs; here all of it comes at the end.
func (s *Server) runScript(ctx context.Context, e errand, properties map[string]any) (computer.Outcome, error) {
	id, _ := e.machine.document["id"].(string)
	var at *computer.Computer
	if s.o.Computer != nil {
		at = s.o.Computer(id)
	}
	if at == nil {
		return computer.Outcome{Stderr: notRun}, &computer.Refusal{Message: notRun, ExitCode: -1}
	}
	script := computer.Script{Text: scriptOf(e.body), Parameters: append(parametersOf(properties["parameters"]), parametersOf(properties["protectedParameters"])...),
		User: textOf(properties, "runAsUser"), Password: textOf(properties, "runAsPassword"),
		KeepEnvironment: s.o.Guesses.SudoKeeps, Direct: s.o.Guesses.DirectParameters, Unstoppable: s.o.Guesses.CancelLeavesRunning, Full: s.ground.TakeFault("disk-full", stepScript)}
	if address := textOf(object(properties, "source"), "scriptUri"); script.Text == "" && address != "" {
		text, err := fetchBlob(ctx, at, address)
		if err != nil {
			return computer.Outcome{}, &computer.Refusal{Message: "File downloads failed. Use either a public script URI that points to .sh file, Azure storage blob SAS URI or storage blob accessible by a managed identity and retry. If managed identity is used, make sure it has been given access to container of storage blob '" + withoutQuery(address) + "' with 'Storage Blob Data Reader' role assignment.", ExitCode: -100}
		}
		script.Text = text
	}
	blobs := []string{textOf(properties, "outputBlobUri"), textOf(properties, "errorBlobUri")}
	for _, address := range blobs {
		if address == "" {
			continue
		}
		if err := createAppendBlob(ctx, at, address); err != nil {
			return computer.Outcome{}, &computer.Refusal{Message: "Error creating AppendBlob '" + withoutQuery(address) + "' using SAS token or Managed identity. Please use a valid blob SAS URI with [read, append, create, write] permissions OR managed identity.", ExitCode: -101}
		}
	}
	out, err := at.Run(ctx, script)
	if s.ground.TakeFault("script-hangs", stepScript) {
		<-ctx.Done()
		err = ctx.Err()
	}
	// Source: azure-powershell#22255 and azure-docs#108621, both of 2023.
	silent := s.o.Guesses.RunAsIsSilent && script.User != "" && at.OS() == computer.Windows
	if silent || s.ground.TakeFault("output-lost", stepScript) {
		out.Stdout, out.Stderr = "", ""
	}
	if s.ctx.Err() == nil { // not when the world ends
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		for i, text := range []string{out.Stdout, out.Stderr} {
			if blobs[i] != "" && text != "" {
				if err := appendToBlob(late, at, blobs[i], text); err != nil { // the handler only logs it
					s.ground.Log.Debug("append to the blob of a run command", "error", err)
				}
			}
		}
	}
	out.Stdout, out.Stderr = tail(out.Stdout), tail(out.Stderr)
	return out, err
}

// end finishes the operation of a run command or an extension, unless it has
// ended before, and the provisioning with it.
func (s *Server) end(op *operation, key string, f *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op.status != "InProgress" {
		return
	}
	op.status, op.failure = "Succeeded", f
	if f != nil {
		op.status = "Failed"
	}
	s.provisioned(key, op.status)
}

// provisioned is called under the lock.
func (s *Server) provisioned(key, state string) {
	if r, ok := s.resources[key]; ok {
		if properties := object(r.document, "properties"); properties["provisioningState"] != "Deleting" {
			properties["provisioningState"] = state
		}
	}
}

func (s *Server) show(key string, view map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.resources[key]; ok {
		r.view = view
	}
}

// view is VirtualMachineRunCommandInstanceView.
// Source: Azure REST reference.
func view(state, message string, out computer.Outcome, began, ended time.Time) map[string]any {
	v := map[string]any{"executionState": state, "executionMessage": message, "exitCode": out.ExitCode, "output": out.Stdout, "error": out.Stderr}
	if !began.IsZero() {
		v["startTime"] = began.UTC().Format(time.RFC3339)
	}
	if !ended.IsZero() {
		v["endTime"] = ended.UTC().Format(time.RFC3339)
	}
	return v
}

// failExtension is how an operation ends when the machine reports a failure.
// Source: Azure documentation, "Understand common error messages when you
// manage virtual machines", VMExtensionProvisioningError; field reports.
func failExtension(name, publisher, kind, message string) *failure {
	return fail(http.StatusOK, "VMExtensionProvisioningError", "VM has reported a failure when processing extension '%s' (publisher '%s' and type '%s'). Error message: '%s'.", name, publisher, kind, message)
}

// agentFailure is how an operation ends whose machine does not answer.
// Source: Azure documentation, "Understand common error messages when you
// manage virtual machines", VMAgentStatusCommunicationError.
func agentFailure(e errand) *failure {
	return fail(http.StatusOK, "VMAgentStatusCommunicationError", "VM '%s' has not reported status for VM agent or extensions. Please verify the VM has a running VM agent, and can establish outbound connections to Azure storage.", e.machine.id.name)
}

func scriptOf(body map[string]any) string {
	return textOf(object(object(body, "properties"), "source"), "script")
}

func textOf(of map[string]any, name string) string {
	text, _ := of[name].(string)
	return text
}

// parametersOf reads [{"name": …, "value": …}].
func parametersOf(list any) []computer.Parameter {
	items, _ := list.([]any)
	var out []computer.Parameter
	for _, item := range items {
		one, _ := item.(map[string]any)
		out = append(out, computer.Parameter{Name: textOf(one, "name"), Value: textOf(one, "value")})
	}
	return out
}

// tail is the end of a stream; a letter that was cut is left out.
func tail(text string) string {
	if len(text) > maxTail {
		text = text[len(text)-maxTail:]
	}
	return strings.ToValidUTF8(text, "")
}

func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}
