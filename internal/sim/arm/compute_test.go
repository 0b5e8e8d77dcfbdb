package arm_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

const machineID = groupID + "/providers/Microsoft.Compute/virtualMachines/vm"

// withMachine adds a machine of the given power state.
func (b *bench) withMachine(power string) *bench {
	b.t.Helper()
	b.add(map[string]any{"id": machineID, "location": "westeurope"})
	b.manager.SetInstanceView(machineID, map[string]any{"statuses": []any{map[string]any{"code": "PowerState/" + power}}})
	return b
}

func command(script string) map[string]any {
	return map[string]any{"location": "westeurope", "properties": map[string]any{
		"source": map[string]any{"script": script}, "runAsUser": "arcgis", "runAsPassword": "sesame",
		"protectedParameters": []any{map[string]any{"name": "token", "value": "sesame"}},
	}}
}

// settle polls an operation to its end.
func (b *bench) settle(r answer) {
	b.t.Helper()
	for {
		got := b.get(r.Header.Get("Azure-AsyncOperation"))
		if state := text(got.body, "status"); state != "InProgress" {
			if state != "Succeeded" {
				b.t.Fatalf("operation %s: %s", state, got.raw)
			}
			return
		}
	}
}

func TestARunCommandIsKeptAndNotRun(t *testing.T) {
	b := setUp(t).withMachine("running")
	id := machineID + "/runCommands/hello"
	created := b.call(http.MethodPut, id+version, command("echo hello"))
	if created.StatusCode != http.StatusCreated || text(created.body, "properties", "provisioningState") != "Creating" {
		t.Fatalf("%d %s", created.StatusCode, created.raw)
	}
	b.settle(created)
	got := b.get(id + version + "&$expand=instanceView")
	if strings.Contains(got.raw, "sesame") {
		t.Errorf("a secret came back: %s", got.raw)
	}
	if state := text(got.body, "properties", "provisioningState"); state != "Succeeded" {
		t.Errorf("provisioning state %s, want Succeeded", state)
	}
	if state := text(got.body, "properties", "instanceView", "executionState"); state != "Failed" {
		t.Errorf("execution state %s, want Failed: nothing ran it", state)
	}
	if plain := b.get(id + version); strings.Contains(plain.raw, "instanceView") {
		t.Errorf("the instance view comes only when it is asked for: %s", plain.raw)
	}
	if again := b.call(http.MethodPut, id+version, command("echo again")); again.StatusCode != http.StatusOK || text(again.body, "properties", "provisioningState") != "Updating" {
		t.Errorf("%d %s", again.StatusCode, again.raw)
	}
	deleted := b.call(http.MethodDelete, id+version, nil)
	if deleted.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", deleted.StatusCode, deleted.raw)
	}
	b.settle(deleted)
	b.wantError(b.get(id+version), 404, "ResourceNotFound")
	if twice := b.call(http.MethodDelete, id+version, nil); twice.StatusCode != http.StatusNoContent {
		t.Errorf("deleted again: %d, want 204", twice.StatusCode)
	}
}

func TestAMachineTakes25RunCommands(t *testing.T) {
	b := setUp(t).withMachine("running")
	for i := range 25 {
		if got := b.call(http.MethodPut, machineID+"/runCommands/c"+strconv.Itoa(i)+version, command("true")); got.StatusCode != http.StatusCreated {
			t.Fatalf("%d: %d %s", i, got.StatusCode, got.raw)
		}
	}
	b.wantError(b.call(http.MethodPut, machineID+"/runCommands/more"+version, command("true")), 409, "Conflict")
	if list := b.get(machineID + "/runCommands" + version); strings.Count(list.raw, `"provisioningState"`) != 25 {
		t.Errorf("the list has not 25: %s", list.raw)
	}
}

func TestAStoppedMachineTakesNothing(t *testing.T) {
	b := setUp(t).withMachine("deallocated")
	b.wantError(b.call(http.MethodPut, machineID+"/runCommands/hello"+version, command("true")), 409, "OperationNotAllowed")
	b.wantError(b.call(http.MethodPost, machineID+"/runCommand"+version, map[string]any{"commandId": "RunShellScript"}), 409, "OperationNotAllowed")
	b.wantError(b.call(http.MethodPut, strings.Replace(machineID, "/vm", "/none", 1)+"/extensions/x"+version, map[string]any{}), 404, "ParentResourceNotFound")
}

func TestAnExtensionIsKeptWithoutItsSecrets(t *testing.T) {
	b := setUp(t).withMachine("running")
	id := machineID + "/extensions/DSC"
	created := b.call(http.MethodPut, id+version, map[string]any{"location": "westeurope", "properties": map[string]any{
		"publisher": "Microsoft.Powershell", "type": "DSC", "typeHandlerVersion": "2.77", "settings": map[string]any{"a": "b"}, "protectedSettings": map[string]any{"p": "sesame"}}})
	b.settle(created)
	got := b.call(http.MethodPatch, id+version, map[string]any{"properties": map[string]any{"forceUpdateTag": "2"}})
	b.settle(got)
	got = b.get(id + version)
	if strings.Contains(got.raw, "sesame") || text(got.body, "properties", "publisher") != "Microsoft.Powershell" || text(got.body, "properties", "forceUpdateTag") != "2" {
		t.Errorf("%s", got.raw)
	}
}

func TestTheRunCommandActionAnswersAtItsLocation(t *testing.T) {
	b := setUp(t).withMachine("running")
	accepted := b.call(http.MethodPost, machineID+"/runCommand"+version, map[string]any{"commandId": "RunShellScript", "script": []string{"true"}})
	if accepted.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", accepted.StatusCode, accepted.raw)
	}
	b.settle(accepted)
	got := b.get(accepted.Header.Get("Location"))
	if !strings.Contains(got.raw, "ComponentStatus/StdErr/succeeded") {
		t.Errorf("%s", got.raw)
	}
}

func TestAReaderMayNotRunCommands(t *testing.T) {
	b := setUp(t).withMachine("running")
	b.manager.SetGrants(arm.RoleGrant(operator, "/subscriptions/"+subscription, "Reader"))
	b.wantError(b.call(http.MethodPut, machineID+"/runCommands/hello"+version, command("true")), 403, "AuthorizationFailed")
	b.wantError(b.call(http.MethodPost, machineID+"/runCommand"+version, map[string]any{}), 403, "AuthorizationFailed")
}
