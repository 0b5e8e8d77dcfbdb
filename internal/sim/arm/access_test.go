package arm_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
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

func TestGuessLinkedReads(t *testing.T) {
	b := setUp(t, func(o *arm.Options) { o.Guesses.LinkedReads = true })
	actions := []string{"Microsoft.Network/applicationGateways/*", "Microsoft.Network/publicIPAddresses/*", "Microsoft.Network/virtualNetworks/subnets/*"}
	grant := arm.Grant{Principal: operator, Scope: groupID, Role: "custom", Actions: actions}
	b.manager.SetGrants(grant)
	body := b.get(gatewayID + version).body
	for _, missing := range []string{"Microsoft.Network/virtualNetworks/subnets/read", "Microsoft.Network/publicIPAddresses/read"} {
		grant.NotActions = []string{missing}
		b.manager.SetGrants(grant)
		got := b.call(http.MethodPut, gatewayID+version, body)
		b.wantError(got, 403, "LinkedAuthorizationFailed")
		if !strings.Contains(got.raw, missing) {
			t.Errorf("%s is not named: %s", missing, got.raw)
		}
	}
	grant.NotActions = nil
	b.manager.SetGrants(grant)
	if got := b.call(http.MethodPut, gatewayID+version, body); got.StatusCode != http.StatusOK {
		t.Errorf("these are enough: %s", got.raw)
	}
}

func TestRequiredRemembersWhatWasAskedFor(t *testing.T) {
	b := setUp(t)
	b.get(gatewayID + "/providers/Microsoft.Authorization/locks" + version)
	b.call(http.MethodPut, gatewayID+version, b.get(gatewayID+version).body)
	b.manager.AllowsData(operator, "Microsoft.KeyVault/vaults/certificates/read", groupID)
	b.manager.AllowsData("somebody else", "Microsoft.KeyVault/vaults/secrets/getSecret/action", groupID)
	actions, dataActions := b.manager.Required(operator)
	want := []string{"Microsoft.Authorization/locks/read", "Microsoft.Network/applicationGateways/read", "Microsoft.Network/applicationGateways/write",
		"Microsoft.Network/publicIPAddresses/join/action", "Microsoft.Network/virtualNetworks/subnets/join/action"}
	if !slices.Equal(actions, want) || !slices.Equal(dataActions, []string{"Microsoft.KeyVault/vaults/certificates/read"}) {
		t.Errorf("actions %q, data actions %q", actions, dataActions)
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
	b.wantError(b.call(http.MethodPost, gatewayID+"/backendhealth"+version, nil), 409, "ScopeLocked")
	if got := b.get(gatewayID + "/providers/Microsoft.Authorization/locks" + version); !strings.Contains(got.raw, "frozen") {
		t.Errorf("the lock of the group is not listed at the gateway: %s", got.raw)
	}
	b.manager.SetLocks(arm.Lock{Scope: groupID, Name: "keep", Level: "CanNotDelete"})
	if got := b.call(http.MethodPut, gatewayID+version, body); got.StatusCode != http.StatusOK {
		t.Errorf("a lock against deletion forbids nothing else: %s", got.raw)
	}
}

func TestADenyAssignmentTakesAway(t *testing.T) {
	b := setUp(t)
	b.manager.SetDenies(arm.Deny{Scope: groupID, Name: "managed application", Actions: []string{"*/write"}})
	body := b.get(gatewayID + version).body
	got := b.call(http.MethodPut, gatewayID+version, body)
	b.wantError(got, 403, "DenyAssignmentAuthorizationFailed")
	if !strings.Contains(got.raw, "managed application") {
		t.Errorf("the deny assignment is not named: %s", got.raw)
	}
	listed := b.get(gatewayID + "/providers/Microsoft.Authorization/denyAssignments" + version + "&$filter=atScope()")
	if value, _ := listed.body["value"].([]any); len(value) != 1 || !strings.Contains(listed.raw, `"*/write"`) {
		t.Errorf("the gateway's list lacks that of its group: %s", listed.raw)
	}
	b.manager.SetDenies(arm.Deny{Scope: groupID, Name: "not for them", Actions: []string{"*/write"}, Excluded: []string{operator}},
		arm.Deny{Scope: groupID, Name: "of the group alone", Actions: []string{"*/write"}, HereOnly: true},
		arm.Deny{Scope: groupID, Name: "for another", Actions: []string{"*"}, Principals: []string{"somebody"}})
	if got := b.call(http.MethodPut, gatewayID+version, body); got.StatusCode != http.StatusOK {
		t.Errorf("none of these is about the operator at the gateway: %s", got.raw)
	}
}

func TestDataActionsAreSeparateFromActions(t *testing.T) {
	b := setUp(t)
	vault := groupID + "/providers/Microsoft.KeyVault/vaults/kv"
	const read, write = "Microsoft.KeyVault/vaults/certificates/read", "Microsoft.KeyVault/vaults/certificates/import/action"
	for role, want := range map[string][2]bool{
		"Owner": {false, false}, "Key Vault Administrator": {true, true}, "Key Vault Certificates Officer": {true, true},
		"Key Vault Certificate User": {true, false}, "Key Vault Reader": {true, false}, "Key Vault Secrets User": {false, false},
	} {
		b.manager.SetGrants(arm.RoleGrant(operator, groupID, role))
		if got := [2]bool{b.manager.AllowsData(operator, read, vault), b.manager.AllowsData(operator, write, vault)}; got != want {
			t.Errorf("%s: read and import %v, want %v", role, got, want)
		}
	}
	b.manager.SetGrants(arm.RoleGrant(operator, groupID, "Key Vault Administrator"))
	b.manager.SetDenies(arm.Deny{Scope: vault, Name: "frozen", DataActions: []string{"*"}, NotDataActions: []string{"*/read"}})
	if !b.manager.AllowsData(operator, read, vault) || b.manager.AllowsData(operator, write, vault) {
		t.Error("a deny assignment is about data actions too, less its own exceptions")
	}
}

func TestAGroupsRolesAreItsMembers(t *testing.T) {
	b := setUp(t)
	grant := arm.RoleGrant("team", groupID, "Contributor")
	grant.PrincipalType = "Group"
	b.manager.SetGrants(grant, arm.RoleGrant(operator, "/subscriptions/"+subscription, "Reader"))
	b.manager.SetMembers("team", "shift")
	b.manager.SetMembers("shift", operator)
	if got := b.call(http.MethodPut, gatewayID+version, b.get(gatewayID+version).body); got.StatusCode != http.StatusOK {
		t.Errorf("a member of a member cannot write: %s", got.raw)
	}
	list := gatewayID + "/providers/Microsoft.Authorization/roleAssignments" + version + "&$filter="
	for filter, want := range map[string]int{"atScope()": 2, "atScope()+and+assignedTo('" + operator + "')": 2, "principalId+eq+'" + operator + "'": 1, "assignedTo('stranger')": 0} {
		got := b.get(list + filter)
		if value, _ := got.body["value"].([]any); len(value) != want {
			t.Errorf("%s: %d assignments, want %d: %s", filter, len(value), want, got.raw)
		}
	}
	b.wantError(b.get(list+"what()"), 400, "UnsupportedQuery")
}

func TestAnAssignmentLeadsToItsRole(t *testing.T) {
	b := setUp(t)
	b.manager.SetGrants(arm.RoleGrant(operator, "/subscriptions/"+subscription, "Reader"), arm.Grant{Principal: operator, Scope: groupID, Role: "Renewer", Actions: []string{"Microsoft.Network/applicationGateways/*"}})
	assigned := b.get(groupID + "/providers/Microsoft.Authorization/roleAssignments" + version)
	names := map[string]bool{}
	for _, one := range assigned.body["value"].([]any) {
		got := b.get(text(one.(map[string]any)["properties"].(map[string]any), "roleDefinitionId") + version)
		properties, _ := got.body["properties"].(map[string]any)
		names[text(properties, "roleName")+" "+text(properties, "type")] = true
	}
	if len(names) != 2 || !names["Reader BuiltInRole"] || !names["Renewer CustomRole"] {
		t.Errorf("%v", names)
	}
	byName := b.get(groupID + "/providers/Microsoft.Authorization/roleDefinitions" + version + "&$filter=roleName+eq+'Key+Vault+Reader'")
	if value, _ := byName.body["value"].([]any); len(value) != 1 || !strings.Contains(byName.raw, "21090545-7ca7-4776-b22c-e363652d74d2") {
		t.Errorf("by name: %s", byName.raw)
	}
	b.wantError(b.get(groupID+"/providers/Microsoft.Authorization/roleDefinitions/nothing"+version), 404, "RoleDefinitionDoesNotExist")
}

func TestALockOfTheSubscriptionHoldsBelow(t *testing.T) {
	b := setUp(t)
	b.manager.SetLocks(arm.Lock{Scope: "/subscriptions/" + subscription, Name: "audit", Level: "ReadOnly"})
	b.wantError(b.call(http.MethodPatch, gatewayID+version, map[string]any{"tags": map[string]any{}}), 409, "ScopeLocked")
	if got := b.get(groupID + "/providers/Microsoft.Authorization/locks" + version + "&$filter=atScope()"); !strings.Contains(got.raw, "audit") {
		t.Errorf("not listed at the group: %s", got.raw)
	}
}

func TestAPersonSeesEveryTenantItIsIn(t *testing.T) {
	for bare, named := range map[bool]int{false: 2, true: 1} {
		b := setUp(t, func(o *arm.Options) {
			o.Tenants = append(o.Tenants, arm.Tenant{ID: "host", Name: "Fabrikam", Domain: "fabrikam.example"}, arm.Tenant{ID: "stranger", Name: "Tailspin"})
			o.TenantsOf = func(caller entra.Caller) []string { return []string{caller.Tenant, "host"} }
			o.Guesses.OneTenantName = bare
		})
		got := b.get("/tenants" + version)
		value, _ := got.body["value"].([]any)
		names := 0
		for _, one := range value {
			if one.(map[string]any)["displayName"] != nil {
				names++
			}
		}
		if len(value) != 2 || names != named {
			t.Errorf("%d tenants, %d with a name, want 2 and %d: %s", len(value), names, named, got.raw)
		}
	}
}
