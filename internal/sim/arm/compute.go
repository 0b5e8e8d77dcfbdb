package arm

import (
	"context"
	"net/http"
	"strings"
)

// The kinds of what hangs on a virtual machine.
const (
	machineKind    = "microsoft.compute/virtualmachines"
	runCommandKind = machineKind + "/runcommands"
	extensionKind  = machineKind + "/extensions"
)

// notRun is what every script meets in a world without computers.
const notRun = "the simulated world keeps this command and does not run its script"

// maxRunCommands is how many managed run commands a machine may have.
// Source: Azure documentation, "Run scripts in your VM by using managed Run Commands".
const maxRunCommands = 25

// routeMachine finds the handler for what is written to or done on a virtual
// machine; reading is the same as for any other resource.
func (s *Server) routeMachine(kind, action, method string) (step string, handle func(http.ResponseWriter, call, resourceID, string) *failure) {
	child := kind == runCommandKind || kind == extensionKind
	switch {
	case kind == machineKind && action == "runcommand" && method == http.MethodPost:
		return "run-command", s.runCommand
	case child && action == "" && (method == http.MethodPut || method == http.MethodPatch):
		return "machine-child-put", s.putMachineChild
	case child && action == "" && method == http.MethodDelete:
		return "machine-child-delete", s.deleteMachineChild
	}
	return "", nil
}

// machineOf is the machine that a child hangs on; it must be there and run.
// Source: Azure REST reference, Virtual Machine Run Commands; error codes of
// the Compute provider.
func (s *Server) machineOf(id resourceID, full, step string) (*resource, *failure) {
	machine := full
	if !strings.EqualFold(id.kind, machineKind) {
		parts := strings.Split(full, "/")
		machine = strings.Join(parts[:len(parts)-2], "/")
	}
	r, ok := s.resources[strings.ToLower(machine)]
	if !ok {
		parent, _ := parseID(machine)
		f := fail(http.StatusNotFound, "ParentResourceNotFound", "Can not perform requested operation on nested resource. Parent resource '%s' not found.", parent.name)
		return nil, f
	}
	if !running(r.view) || s.ground.TakeFault("machine-off", step) {
		f := fail(http.StatusConflict, "OperationNotAllowed", "Cannot modify extensions in the VM when the VM is not running.")
		f.Inner = &inner{"CannotModifyExtensionsWhenVMNotRunning"} // guess: that it stands here; the documentation lists the code
		return nil, f
	}
	return r, nil
}

// running tells whether an instance view has the power state running; a
// machine without a view is taken to run.
func running(view map[string]any) bool {
	statuses, known := view["statuses"].([]any)
	if !known {
		return true
	}
	for _, item := range statuses {
		status, _ := item.(map[string]any)
		if code, _ := status["code"].(string); strings.HasPrefix(code, "PowerState/") {
			return code == "PowerState/running"
		}
	}
	return true
}

// writeOnly are properties that are taken and never shown.
// Source: Azure REST reference: protectedSettings, protectedParameters and
// runAsPassword are not returned.
var writeOnly = []string{"protectedSettings", "protectedParameters", "runAsPassword"}

// putMachineChild stores a run command or an extension; PATCH keeps what it
// does not name.
func (s *Server) putMachineChild(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	body, f := c.body()
	if f != nil {
		return f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.require(c.caller, id.kind+"/write", full); f != nil {
		return f
	}
	if f := s.locked(full, "ReadOnly"); f != nil {
		return f
	}
	machine, f := s.machineOf(id, full, c.step)
	if f != nil {
		return f
	}
	old, exists := s.resources[strings.ToLower(full)]
	if f := s.roomFor(id, full, exists); f != nil {
		return f
	}
	patch := c.request.Method == http.MethodPatch
	if patch && !exists {
		return notFoundResource(id)
	}
	body = s.merged(full, body, old, patch)
	document := clone(body)
	if location, _ := document["location"].(string); location == "" {
		if !patch && strings.EqualFold(id.kind, runCommandKind) {
			return fail(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
		}
		document["location"] = machine.document["location"]
	}
	properties := object(document, "properties")
	hideSecrets(properties)
	properties["provisioningState"] = "Creating"
	if exists {
		properties["provisioningState"] = "Updating"
	}
	document["id"], document["name"], document["type"] = full, full[strings.LastIndex(full, "/")+1:], id.kind
	s.put(&resource{id: id, document: document})
	op, ctx := s.newOperation(full)
	start := s.startExtension
	if strings.EqualFold(id.kind, runCommandKind) {
		start = s.startCommand
	}
	start(ctx, op, errand{full: full, machine: machine, body: body, deaf: s.deaf(machine, c.step)})
	h := w.Header()
	h.Set("Azure-Asyncoperation", s.computeURL(op, "operations", c))
	s.ground.RetryAfter(h, pollInterval/2)
	status := http.StatusCreated
	if exists {
		status = http.StatusOK
	}
	answer(w, status, clone(document))
	return nil
}

// errand is what was asked of a machine.
type errand struct {
	full    string // id of the run command or extension
	machine *resource
	body    map[string]any // with its secrets
	deaf    bool           // the machine's agent does not answer
}

// merged is what a PUT or PATCH asks for altogether, secrets included.
func (s *Server) merged(full string, body map[string]any, old *resource, patch bool) map[string]any {
	if !patch {
		return body
	}
	whole := clone(old.document)
	if before := s.errands[strings.ToLower(full)]; before != nil {
		whole = clone(before.body)
	}
	for name, value := range object(body, "properties") {
		object(whole, "properties")[name] = value
	}
	if tags, ok := body["tags"]; ok {
		whole["tags"] = tags
	}
	return whole
}

// hideSecrets takes away what is never shown: secrets, and the signatures of
// addresses of blobs.
// Source: the examples of Virtual Machine Run Commands - Create Or Update, whose
// answer has the addresses without their SAS.
func hideSecrets(properties map[string]any) {
	for _, name := range writeOnly {
		delete(properties, name)
	}
	for _, in := range []map[string]any{properties, object(properties, "source")} {
		for _, name := range []string{"outputBlobUri", "errorBlobUri", "scriptUri"} {
			if address, ok := in[name].(string); ok {
				in[name], _, _ = strings.Cut(address, "?")
			}
		}
	}
	if len(object(properties, "source")) == 0 {
		delete(properties, "source")
	}
}

// roomFor refuses one run command more than a machine takes.
func (s *Server) roomFor(id resourceID, full string, exists bool) *failure {
	if exists || !strings.EqualFold(id.kind, runCommandKind) {
		return nil
	}
	siblings, count := full[:strings.LastIndex(full, "/")+1], 0
	for key := range s.resources {
		if strings.HasPrefix(key, strings.ToLower(siblings)) {
			count++
		}
	}
	if count < maxRunCommands {
		return nil
	}
	// guess: the text is reported, status and code are not.
	return fail(http.StatusConflict, "Conflict", "The VM has reached the maximum number of managed Run commands (max=%d).", maxRunCommands)
}

// succeedSoon ends an operation after a while; effect happens under the lock.
func (s *Server) succeedSoon(ctx context.Context, op *operation, effect func()) {
	s.work.Go(func() {
		defer op.cancel()
		if s.ground.Clock.Wait(ctx, pollInterval/2) != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		op.status = "Succeeded"
		effect()
	})
}

func (s *Server) computeURL(op *operation, collection string, c call) string {
	return "https://" + s.o.Cloud.Host + "/subscriptions/" + op.subscription + "/providers/Microsoft.Compute/locations/" + op.location + "/" + collection + "/" + op.id + "?api-version=" + c.version
}
