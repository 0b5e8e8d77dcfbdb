package arm_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

func TestAReaderCannotWrite(t *testing.T) {
	b := setUp(t)
	b.manager.SetGrants(arm.RoleGrant(operator, "/subscriptions/"+subscription, "Reader"))
	body := b.get(gatewayID + version).body
	b.wantError(b.call(http.MethodPut, gatewayID+version, body), 403, "AuthorizationFailed")
	b.wantError(b.call(http.MethodPatch, gatewayID+version, map[string]any{"tags": map[string]any{}}), 403, "AuthorizationFailed")
	b.wantError(b.call(http.MethodPost, gatewayID+"/backendhealth"+version, nil), 403, "AuthorizationFailed")
}

func TestAWriteChecksLinkedPermissions(t *testing.T) {
	b := setUp(t)
	b.manager.SetGrants(arm.Grant{Principal: operator, Scope: groupID, Role: "custom",
		Actions: []string{"*/read", "Microsoft.Network/applicationGateways/*", "Microsoft.Network/publicIPAddresses/join/action"}})
	body := b.get(gatewayID + version).body
	got := b.call(http.MethodPut, gatewayID+version, body)
	b.wantError(got, 403, "LinkedAuthorizationFailed")
	if !strings.Contains(got.raw, "virtualNetworks/subnets/join/action") {
		t.Errorf("the missing action is not named: %s", got.raw)
	}
}

func TestNotActionsTakeAwayFromTheirOwnRoleOnly(t *testing.T) {
	b := setUp(t)
	b.manager.SetGrants(
		arm.Grant{Principal: operator, Scope: groupID, Role: "all but gateways", Actions: []string{"*"}, NotActions: []string{"Microsoft.Network/applicationGateways/*"}})
	b.wantError(b.get(gatewayID+version), 403, "AuthorizationFailed")
	b.manager.SetGrants(
		arm.Grant{Principal: operator, Scope: groupID, Role: "all but gateways", Actions: []string{"*"}, NotActions: []string{"Microsoft.Network/applicationGateways/*"}},
		arm.RoleGrant(operator, groupID, "Reader"))
	if got := b.get(gatewayID + version); got.StatusCode != http.StatusOK {
		t.Errorf("the second role allows it: %s", got.raw)
	}
}

func TestListsShowOnlyWhatMayBeRead(t *testing.T) {
	b := setUp(t)
	b.manager.SetGrants(arm.RoleGrant(operator, publicID, "Reader"))
	got := b.get("/subscriptions/" + subscription + "/resources" + version)
	if value, _ := got.body["value"].([]any); len(value) != 1 {
		t.Errorf("%d resources, want the one: %s", len(value), got.raw)
	}
}

func TestPermissionsOfTheCaller(t *testing.T) {
	got := setUp(t).get(gatewayID + "/providers/Microsoft.Authorization/permissions" + version)
	value, _ := got.body["value"].([]any)
	if len(value) != 2 || !strings.Contains(got.raw, "Microsoft.Authorization/*/Write") {
		t.Errorf("want Reader's and Contributor's: %s", got.raw)
	}
}

func TestALockForbidsTheWrite(t *testing.T) {
	b := setUp(t)
	b.manager.SetLocks(arm.Lock{Scope: groupID, Name: "frozen", Level: "ReadOnly", Notes: "until Monday"})
	body := b.get(gatewayID + version).body
	b.wantError(b.call(http.MethodPut, gatewayID+version, body), 409, "ScopeLocked")
	if got := b.get(gatewayID + "/providers/Microsoft.Authorization/locks" + version); !strings.Contains(got.raw, "frozen") {
		t.Errorf("the lock of the group is not listed at the gateway: %s", got.raw)
	}
	b.manager.SetLocks(arm.Lock{Scope: groupID, Name: "keep", Level: "CanNotDelete"})
	if got := b.call(http.MethodPut, gatewayID+version, body); got.StatusCode != http.StatusOK {
		t.Errorf("a lock against deletion forbids nothing else: %s", got.raw)
	}
}
