package arm

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// stepScript is where faults strike that happen on the machine.
const stepScript = "script"

// SetPower changes the power state of a virtual machine: running, stopped,
// deallocated.
func (s *Server) SetPower(id, state string) {
	s.editView(id, func(view map[string]any) {
		statuses := []any{}
		list, _ := view["statuses"].([]any)
		for _, item := range list {
			status, _ := item.(map[string]any)
			if !strings.HasPrefix(textOf(status, "code"), "PowerState/") {
				statuses = append(statuses, item)
			}
		}
		view["statuses"] = append(statuses, map[string]any{"code": "PowerState/" + state, "level": "Info", "displayStatus": "VM " + state})
	})
}

// SetAgentReady says whether the agent of a virtual machine answers.
// Source: instance views in Azure's troubleshooting documentation.
func (s *Server) SetAgentReady(id string, ready bool) {
	status := map[string]any{"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready", "message": "GuestAgent is running and processing the extensions."}
	if !ready {
		status = map[string]any{"code": "ProvisioningState/Unavailable", "level": "Warning", "displayStatus": "Not Ready", "message": "VM status blob is found but not yet populated."}
	}
	s.editView(id, func(view map[string]any) {
		view["vmAgent"] = map[string]any{"vmAgentVersion": "Unknown", "statuses": []any{status}}
	})
}

func (s *Server) editView(id string, change func(map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.resources[strings.ToLower(id)]; ok {
		view := maps.Clone(r.view) // answers may be under way
		if view == nil {
			view = map[string]any{}
		}
		change(view)
		r.view = view
	}
}

// deaf tells whether the agent of a machine does not answer.
func (s *Server) deaf(machine *resource, step string) bool {
	if s.ground.TakeFault("agent-not-ready", step) {
		return true
	}
	agent, _ := machine.view["vmAgent"].(map[string]any)
	statuses, _ := agent["statuses"].([]any)
	for _, item := range statuses {
		status, _ := item.(map[string]any)
		if strings.EqualFold(textOf(status, "displayStatus"), "Not Ready") {
			return true
		}
	}
	return false
}

// same tells whether two requests ask for the same.
func same(a, b map[string]any) bool { return reflect.DeepEqual(a["properties"], b["properties"]) }

// deleteMachineChild takes a run command or an extension away. A script that
// runs is ended, with everything that it started.
// Source: the overview of managed Run Commands: deleting cancels.
func (s *Server) deleteMachineChild(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.require(c.caller, id.kind+"/delete", full); f != nil {
		return f
	}
	for _, level := range []string{"ReadOnly", "CanNotDelete"} {
		if f := s.locked(full, level); f != nil {
			return f
		}
	}
	key := strings.ToLower(full)
	r, exists := s.resources[key]
	if !exists {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	// Source: Azure documentation of the error
	// CannotModifyExtensionsWhenVMNotRunning. guess: it is the same for run commands.
	if _, f := s.machineOf(id, full, c.step); f != nil {
		return f
	}
	object(r.document, "properties")["provisioningState"] = "Deleting"
	op, ctx := s.newOperation(full)
	running := s.commands[key]
	s.work.Go(func() {
		defer op.cancel()
		if running != nil {
			running.stop(errCanceled)
			<-running.ended
		}
		if s.ground.Clock.Wait(ctx, pollInterval/2) != nil {
			return
		}
		s.mu.Lock()
		again := s.commands[key] != running
		if !again {
			delete(s.commands, key)
			delete(s.errands, key)
		}
		s.mu.Unlock()
		if !again { // else somebody put it once more meanwhile
			s.remove(full, false)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		op.status = "Succeeded"
	})
	s.accepted(w, c, op)
	return nil
}

// accepted answers 202 and says where the result will be.
func (s *Server) accepted(w http.ResponseWriter, c call, op *operation) {
	h := w.Header()
	h.Set("Azure-Asyncoperation", s.computeURL(op, "operations", c))
	h.Set("Location", s.computeURL(op, "operationResults", c))
	s.ground.RetryAfter(h, pollInterval/2)
	w.WriteHeader(http.StatusAccepted)
}

// Types of resources, for IDs.
const (
	RunCommands     = runCommandKind
	Extensions      = extensionKind
	StorageAccounts = storageKind
)

// IDs are the ids of all resources of a type, in the order of their making.
func (s *Server) IDs(kind string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, r := range s.order {
		if strings.EqualFold(r.id.kind, kind) {
			ids = append(ids, textOf(r.document, "id"))
		}
	}
	return ids
}

// Holding lists the documents, instance views and results of operations in
// which any of the texts stands: to look for secrets.
func (s *Server) Holding(texts ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	holds := func(v any) bool {
		encoded, _ := json.Marshal(v)
		return slices.ContainsFunc(texts, func(text string) bool {
			quoted, _ := json.Marshal(text)
			return text != "" && strings.Contains(string(encoded), strings.Trim(string(quoted), `"`))
		})
	}
	var found []string
	for _, r := range s.order {
		id := textOf(r.document, "id")
		if holds(r.document) {
			found = append(found, "document "+id)
		}
		if holds(r.view) {
			found = append(found, "instance view of "+id)
		}
	}
	for _, op := range s.operations {
		if holds(op.result) || op.failure != nil && holds(op.failure) {
			found = append(found, "operation of "+op.object)
		}
	}
	return found
}
