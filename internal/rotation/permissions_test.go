package rotation

import (
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

const (
	subnetID = "/subscriptions/s/resourceGroups/network (prod)/providers/Microsoft.Network/virtualNetworks/v/subnets/gw"
	none     = `{"value":[]}`
	owner    = `{"value":[{"actions":["*"],"notActions":[]}]}`
	everyone = `"principals":[{"id":"00000000-0000-0000-0000-000000000000","type":"SystemDefined"}]`
)

// What Azure would refuse in the middle of a run is refused before it.
func TestWhatTheCallerMayNotDoIsAnObstacle(t *testing.T) {
	deny := func(properties string) string {
		return `{"value":[{"id":"/d","properties":{"denyAssignmentName":"stack","scope":"/subscriptions/s/resourceGroups/gis-rg",` + properties + `}}]}`
	}
	for name, test := range map[string]struct{ locks, permissions, denials, code, says string }{
		"all is well":        {none, owner, none, "", ""},
		"a lock on deleting": {`{"value":[{"id":"/l","name":"keep","properties":{"level":"CanNotDelete"}}]}`, owner, none, "", ""},
		"a lock on the group": {`{"value":[{"id":"/subscriptions/s/resourceGroups/gis-rg/providers/Microsoft.Authorization/locks/freeze","name":"freeze","properties":{"level":"ReadOnly","notes":"until Monday"}}]}`,
			owner, none, "gateway-locked", `the lock "freeze" (ReadOnly) on the resource group gis-rg forbids changing the gateway; its note says "until Monday"`},
		"reading only": {none, `{"value":[{"actions":["*/read"],"notActions":[]}]}`, none, "permission-missing",
			"may not do Microsoft.Network/applicationGateways/write and Microsoft.Network/applicationGateways/backendhealth/action on the gateway bmAppGateway"},
		"all but this action": {none, `{"value":[{"actions":["*"],"notActions":["Microsoft.Network/applicationGateways/write"]}]}`, none, "permission-missing",
			"may not do Microsoft.Network/applicationGateways/write on the gateway"},
		"not the subnet": {none, `{"value":[{"actions":["*"],"notActions":["*/join/action"]}]}`, none, "permission-missing",
			"may not do Microsoft.Network/virtualNetworks/subnets/join/action on the subnet gw"},
		"denied to all": {none, owner, deny(`"permissions":[{"actions":["*/write"]}],` + everyone), "denied-by-assignment",
			`the deny assignment "stack" on the resource group gis-rg forbids Microsoft.Network/applicationGateways/write on the gateway`},
		"denied to others":       {none, owner, deny(`"permissions":[{"actions":["*"]}],"principals":[{"id":"o"}]`), "", ""},
		"denied something else":  {none, owner, deny(`"permissions":[{"actions":["*/delete"]}],` + everyone), "", ""},
		"perhaps denied":         {none, owner, deny(`"permissions":[{"actions":["*/write"]}],"principals":[{"id":"g","type":"Group"}]`), "", "is about certain groups"},
		"permissions not told":   {none, `{}`, none, "permission-missing", "may not do"},
		"permissions unreadable": {none, `[]`, none, "", "permissions on the gateway bmAppGateway and the subnet gw could not be read"},
		"locks unreadable":       {`[]`, owner, none, "", "the locks on the gateway could not be read"},
		"denials unreadable":     {none, owner, `[]`, "", "the deny assignments on the gateway bmAppGateway and the subnet gw could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			azure, runner, _, _ := switching(t)
			properties(azure.document)["gatewayIPConfigurations"] = []any{map[string]any{"properties": map[string]any{"subnet": map[string]any{"id": subnetID}}}}
			gateway := mustParse(t, azure.document)
			azure.lists = map[string]string{"/locks": test.locks, "/permissions": test.permissions, "/denyAssignments": test.denials}
			access := runner.observeAccess(t.Context(), gatewayID, scopesOf(renewal(gateway)))
			access.Caller = "me"

			found := accessFindings(access, renewal(gateway))

			refused := refusals(found)
			if test.code == "" && len(refused) > 0 || test.code != "" && !refused.Has(test.code) {
				t.Errorf("refusals %v, want %q", refused, test.code)
			}
			said := slices.ContainsFunc(found, func(f pki.Finding) bool { return strings.Contains(f.Sentence, test.says) })
			if test.says != "" && !said || test.says == "" && len(found) > 0 {
				t.Errorf("findings %v, want one that says %q", found, test.says)
			}
		})
	}
}

func TestAMissingRightComesWithTheCommandThatGrantsIt(t *testing.T) {
	place := Place{Scope: subnetID}
	found := missing(place, []cloud.Right{{Action: "Microsoft.Network/virtualNetworks/subnets/join/action"}}, "11-22")
	want := `az role assignment create --assignee-object-id 11-22 --role "Network Contributor" --scope '` + subnetID + `'`
	if len(found) != 1 || found[0].Mend != want {
		t.Errorf("got %v, want %s", found, want)
	}
}

// In a vault roles decide or access policies, never both. A policy for a group
// cannot be told from here, so that a missing one is only said.
func TestAVaultIsAskedInItsOwnWay(t *testing.T) {
	const vaultID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"
	operations := []Operation{{Action: cloud.ReadCertificates, Data: true, Scope: vaultID}, {Action: cloud.ImportCertificate, Data: true, Scope: vaultID}}
	policies := []cloud.VaultPolicy{{ObjectID: "11-22", Certificates: []string{"get", "list"}}}
	for name, test := range map[string]struct {
		vault      cloud.Vault
		code, mend string
	}{
		"by role": {cloud.Vault{Name: "kv", RBAC: true, Policies: policies}, "permission-missing",
			`az role assignment create --assignee-object-id 11-22 --role "Key Vault Certificates Officer" --scope ` + vaultID},
		"by policy": {cloud.Vault{Name: "kv", Policies: policies}, "vault-policy-unknown",
			"az keyvault set-policy --name kv --object-id 11-22 --certificate-permissions import"},
	} {
		found := accessFindings(Access{Caller: "11-22", Places: []Place{{Scope: vaultID, Vault: &test.vault}}}, operations)
		if len(found) != 1 || found[0].Code != test.code || found[0].Mend != test.mend {
			t.Errorf("%s: %v, want %s with %s", name, found, test.code, test.mend)
		}
		if found.Refused() != test.vault.RBAC {
			t.Errorf("%s: refused %t", name, found.Refused())
		}
	}
}

// A plan asks for the rights of its own steps: one that has nothing to write
// needs no right to write.
func TestAPlanNeedsOnlyWhatItDoes(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	for name, test := range map[string]struct {
		configured *pki.Bundle
		blocked    bool
		actions    string
	}{
		"something to write": {old, true, "read write backendhealth/action"},
		"nothing to write":   {renewed, false, "read backendhealth/action"},
	} {
		t.Run(name, func(t *testing.T) {
			state := stateOf(t, gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": test.configured.Leaf}, httpsListener("https", "frontendCert", domain)), domain)
			azure, runner, _, _ := switching(t)
			azure.lists = map[string]string{"/locks": none, "/denyAssignments": none,
				"/permissions": `{"value":[{"actions":["*/read","*/backendhealth/action"]}]}`}
			state.Access = runner.observeAccess(t.Context(), gatewayID, scopesOf(renewal(state.Gateway)))
			state.Obstacles = accessFindings(state.Access, renewal(state.Gateway)) // as Observe does

			plan, err := NewPlan(state, goalOf(ca, renewed))
			if err != nil {
				t.Fatal(err)
			}
			var blocked *BlockedError
			if got := errors.As(plan.Ready(), &blocked); got != test.blocked {
				t.Errorf("Ready() = %v, want blocked %t", plan.Ready(), test.blocked)
			}
			var actions []string
			for _, operation := range plan.Operations {
				actions = append(actions, strings.TrimPrefix(operation.Action, "Microsoft.Network/applicationGateways/"))
			}
			if got := strings.Join(actions, " "); got != test.actions {
				t.Errorf("operations %q, want %q", got, test.actions)
			}
		})
	}
}

func TestPlacesHaveNamesForPeople(t *testing.T) {
	for scope, want := range map[string]string{
		gatewayID:                           "the gateway bmAppGateway",
		subnetID:                            "the subnet gw",
		"/subscriptions/s":                  "the subscription s",
		"/subscriptions/s/resourceGroups/g": "the resource group g",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.Odd/things/t": "Microsoft.Odd/things t",
		"": "",
	} {
		if got := placeName(scope); got != want {
			t.Errorf("%q: %q, want %q", scope, got, want)
		}
	}
}
