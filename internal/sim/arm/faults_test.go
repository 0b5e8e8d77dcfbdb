package arm_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (b *bench) fault(text string) {
	b.t.Helper()
	fault, err := ground.ParseFault(text)
	if err != nil {
		b.t.Fatal(err)
	}
	b.ground.Faults.Add(fault)
}

func TestRefusingFaultsStrikeOnceAndHaveNoEffect(t *testing.T) {
	for name, status := range map[string]int{"throttle": 429, "conflict": 409, "unavailable": 503, "unauthorized": 401, "forbidden": 403} {
		b := setUp(t)
		body := b.get(gatewayID + version).body
		b.fault(name + "@gateway-put")
		got := b.call(http.MethodPut, gatewayID+version, body)
		if got.StatusCode != status {
			t.Errorf("%s: %d, want %d", name, got.StatusCode, status)
		}
		if name == "throttle" && got.Header.Get("Retry-After") == "" {
			t.Error("throttle: no Retry-After")
		}
		if name == "unauthorized" && !strings.Contains(got.Header.Get("WWW-Authenticate"), "claims=") {
			t.Errorf("unauthorized: no claims challenge in %q", got.Header.Get("WWW-Authenticate"))
		}
		if n := b.ground.Ledger.Count(ground.GatewayWrite); n != 0 {
			t.Errorf("%s: %d writes", name, n)
		}
		if again := b.call(http.MethodPut, gatewayID+version, body); again.StatusCode != http.StatusOK {
			t.Errorf("%s strikes twice: %s", name, again.raw)
		}
	}
}

func TestResetHasNoEffectAndLostResponseHas(t *testing.T) {
	for name, writes := range map[string]int{"reset": 0, "lost-response": 1} {
		b := setUp(t)
		body := b.get(gatewayID + version).body
		b.fault(name + "@gateway-put")
		if got, err := b.do(http.MethodPut, gatewayID+version, body); err == nil {
			t.Errorf("%s: an answer arrived: %s", name, got.raw)
		}
		if n := b.ground.Ledger.Count(ground.GatewayWrite); n != writes {
			t.Errorf("%s: %d writes, want %d", name, n, writes)
		}
	}
}

func TestFailedOperationLeavesTheGatewayFailedUntilTheNextGoodWrite(t *testing.T) {
	b := setUp(t)
	b.fault("failed-operation@gateway-put")
	ended := b.poll(b.call(http.MethodPut, gatewayID+version, b.renewed(b.issue())))
	if ended["status"] != "Failed" || !strings.Contains(string(mustJSON(t, ended)), "details") {
		t.Errorf("ended %v", ended)
	}
	failed := b.get(gatewayID + version)
	if text(failed.body, "properties", "provisioningState") != "Failed" || b.plane.serves("new") != "" {
		t.Errorf("state %s, serves new: %s", text(failed.body, "properties", "provisioningState"), b.plane.serves("new"))
	}
	b.poll(b.call(http.MethodPut, gatewayID+version, failed.body))
	if state := text(b.get(gatewayID+version).body, "properties", "provisioningState"); state != "Succeeded" {
		t.Errorf("state after the next write: %s", state)
	}
}

func TestSupersededPutsTheOldDocumentBack(t *testing.T) {
	b := setUp(t)
	b.fault("superseded@gateway-put")
	ended := b.poll(b.call(http.MethodPut, gatewayID+version, b.renewed(b.issue())))
	if ended["status"] != "Canceled" {
		t.Errorf("ended %v", ended)
	}
	if entries := list(b.get(gatewayID+version).body, "sslCertificates"); len(entries) != 1 {
		t.Errorf("%d certificate entries, want the old one alone", len(entries))
	}
}

func TestChangedMeanwhileMovesTheETag(t *testing.T) {
	b := setUp(t)
	before := b.get(gatewayID + version).body
	b.fault("changed-meanwhile@gateway-put")
	b.wantError(b.call(http.MethodPut, gatewayID+version, before, "If-Match", text(before, "etag")), 412, "PreconditionFailed")
	if text(b.get(gatewayID+version).body, "tags", "changed-by") == "" {
		t.Error("nobody changed a tag")
	}
}

func TestEveryStepHasItsName(t *testing.T) {
	b := setUp(t)
	b.add(map[string]any{"id": groupID + "/providers/Microsoft.Compute/virtualMachines/vm", "location": "westeurope"})
	b.manager.SetInstanceView(groupID+"/providers/Microsoft.Compute/virtualMachines/vm", map[string]any{"statuses": []any{}})
	put := b.call(http.MethodPut, gatewayID+version, b.get(gatewayID+version).body)
	for step, request := range map[string][2]string{
		"tenants": {"GET", "/tenants"}, "subscriptions": {"GET", "/subscriptions"}, "resource-groups": {"GET", "/subscriptions/" + subscription + "/resourcegroups"},
		"resource-list": {"GET", "/subscriptions/" + subscription + "/resources"}, "graph-query": {"POST", "/providers/Microsoft.ResourceGraph/resources"},
		"gateway-get": {"GET", gatewayID}, "gateway-put": {"PUT", gatewayID}, "gateway-patch": {"PATCH", gatewayID}, "backend-health": {"POST", gatewayID + "/backendHealth"},
		"operation-poll": {"GET", strings.TrimSuffix(strings.TrimPrefix(put.Header.Get("Azure-AsyncOperation"), "https://management.azure.com"), version)},
		"permissions":    {"GET", gatewayID + "/providers/Microsoft.Authorization/permissions"}, "locks": {"GET", groupID + "/providers/Microsoft.Authorization/locks"},
		"deny-assignments": {"GET", groupID + "/providers/Microsoft.Authorization/denyAssignments"}, "role-assignments": {"GET", groupID + "/providers/Microsoft.Authorization/roleAssignments"},
		"role-definitions": {"GET", groupID + "/providers/Microsoft.Authorization/roleDefinitions"},
		"public-ip":        {"GET", publicID}, "network": {"GET", groupID + "/providers/Microsoft.Network/virtualNetworks/net"},
		"machine-get":   {"GET", groupID + "/providers/Microsoft.Compute/virtualMachines/vm"},
		"machine-list":  {"GET", "/subscriptions/" + subscription + "/providers/Microsoft.Compute/virtualMachines"},
		"instance-view": {"GET", groupID + "/providers/Microsoft.Compute/virtualMachines/vm/instanceView"},
	} {
		b.fault("unavailable@" + step)
		if got := b.call(request[0], request[1]+version, map[string]any{}); got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: %s %s gives %d", step, request[0], request[1], got.StatusCode)
			b.ground.Faults.Clear()
		}
	}
}
