package examples

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// example is one published example. They run in the order of the table: what
// one writes, a later one reads.
type example struct {
	module, file, function string
	// fill are further placeholders, each followed by what it stands for;
	// {group} and the like are the world's own.
	fill []string
}

// reasons are why an answer lacks what the example shows.
var reasons = map[string]string{
	"ApplicationGateways":    "the example answers with what its own request does not have",
	"VirtualMachineRunCo":    "the request of the example has no tags",
	"VirtualMachineExtensio": "protected settings are never shown, as the reference says; the script reports nothing in between",
	"Tenants":                "one page; nobody has a logo",
	"Client_":                "one page; no subscription of the world is managed by another tenant or has tags",
	"Vaults":                 "no vault of the world gives rights to keys or lives in a pool of HSMs",
}

const unexplained = "not explained"

func reason(function string, differences []string) string {
	if len(differences) == 0 {
		return ""
	}
	for start, why := range reasons {
		if strings.HasPrefix(strings.TrimPrefix(function, "Example"), start) {
			return why
		}
	}
	return unexplained
}

const (
	network        = "network/armnetwork/v9"
	compute        = "compute/armcompute/v8"
	authorization  = "authorization/armauthorization/v2"
	subscriptions  = "resources/armsubscriptions/v2"
	graph          = "resourcegraph/armresourcegraph"
	keyVault       = "keyvault/armkeyvault"
	managed        = "msi/armmsi"
	gateways       = "applicationgateways_client"
	runCommands    = "virtualmachineruncommands_client"
	identities     = "userassignedidentities_client"
	sampleVault    = `"sample-resource-group", "sample-vault"`
	sampleIdentity = `"rgName", "resourceName"`
)

var table = []example{
	{network, gateways, "ExampleApplicationGatewaysClient_BeginCreateOrUpdate", nil},
	{network, gateways, "ExampleApplicationGatewaysClient_Get", nil},
	{network, gateways, "ExampleApplicationGatewaysClient_UpdateTags", []string{`"AppGw"`, `"appgw"`}},
	{network, gateways, "ExampleApplicationGatewaysClient_NewListPager", nil},
	{network, gateways, "ExampleApplicationGatewaysClient_NewListAllPager", nil},
	{network, gateways, "ExampleApplicationGatewaysClient_BeginBackendHealth", []string{`"appgw", "appgw"`, `"{group}", "{gateway}"`}},
	{compute, runCommands, "ExampleVirtualMachineRunCommandsClient_BeginCreateOrUpdate", nil},
	{compute, runCommands, "ExampleVirtualMachineRunCommandsClient_BeginUpdate", nil},
	{compute, runCommands, "ExampleVirtualMachineRunCommandsClient_GetByVirtualMachine", nil},
	{compute, runCommands, "ExampleVirtualMachineRunCommandsClient_NewListByVirtualMachinePager", nil},
	{compute, runCommands, "ExampleVirtualMachineRunCommandsClient_BeginDelete", nil},
	{compute, "virtualmachines_client", "ExampleVirtualMachinesClient_BeginRunCommand", nil},
	{compute, "virtualmachineextensions_client", "ExampleVirtualMachineExtensionsClient_BeginCreateOrUpdate_virtualMachineExtensionCreateOrUpdateMaximumSetGen", nil},
	{compute, "virtualmachineextensions_client", "ExampleVirtualMachineExtensionsClient_Get_virtualMachineExtensionGetMaximumSetGen",
		[]string{`"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaa"`, `"aaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaa"`, `to.Ptr("aaaaaa")`, `to.Ptr("instanceView")`}},
	{subscriptions, "tenants_client", "ExampleTenantsClient_NewListPager", nil},
	{subscriptions, "client", "ExampleClient_NewListPager", nil},
	{subscriptions, "client", "ExampleClient_Get", []string{"291bba3f-e0a5-47bc-a099-3bdcb2a50a05", "{subscription}"}},
	{authorization, "permissions_client", "ExamplePermissionsClient_NewListForResourceGroupPager", nil},
	{authorization, "roleassignments_client", "ExampleRoleAssignmentsClient_NewListForScopePager", nil},
	{authorization, "roledefinitions_client", "ExampleRoleDefinitionsClient_NewListPager", []string{`"scope"`, `"/subscriptions/{subscription}"`}},
	{authorization, "denyassignments_client", "ExampleDenyAssignmentsClient_NewListForScopePager", []string{"subscriptions/subId", "subscriptions/{subscription}"}},
	{keyVault, "vaults_client", "ExampleVaultsClient_Get", []string{sampleVault, `"{vault-group}", "{vault}"`}},
	{keyVault, "vaults_client", "ExampleVaultsClient_NewListBySubscriptionPager", nil},
	{keyVault, "vaults_client", "ExampleVaultsClient_UpdateAccessPolicy", []string{`"sample-group", "sample-vault"`, `"{vault-group}", "{vault}"`}},
	{managed, identities, "ExampleUserAssignedIdentitiesClient_Get", []string{sampleIdentity, `"{identity-group}", "{identity}"`}},
	{managed, identities, "ExampleUserAssignedIdentitiesClient_NewListBySubscriptionPager", nil},
	{graph, "client", "ExampleClient_Resources_basicQuery", nil},
	{graph, "client", "ExampleClient_Resources_filterResources", nil},
}

const (
	document = "../../../docs/simulator.md"
	begin    = "<!-- examples: begin -->\n"
	end      = "<!-- examples: end -->\n"
)

// checkDocument holds the table in the document against what was found.
func checkDocument(t *testing.T, found map[string][]string) {
	t.Helper()
	var rows strings.Builder
	rows.WriteString("| module | example | what the simulator's answer lacks | why |\n| --- | --- | --- | --- |\n")
	for _, example := range table {
		if len(found[example.function]) > 0 && reason(example.function, found[example.function]) == unexplained {
			t.Errorf("%s: nobody says why the answer lacks %q", example.function, found[example.function])
		}
		lacks := "nothing"
		if differences := found[example.function]; len(differences) > 0 {
			lacks = "`" + strings.Join(differences, "`<br>`") + "`"
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", example.module, strings.TrimPrefix(example.function, "Example"), lacks,
			reason(example.function, found[example.function]))
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	have, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", document)
	}
	if *update {
		if err := os.WriteFile(document, []byte(before+begin+rows.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != rows.String() {
		t.Errorf("the table of %s is not what was found; go test -update writes it:\n%s", document, rows.String())
	}
}
