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
}

var table = []example{
	{"network/armnetwork/v9", "applicationgateways_client", "ExampleApplicationGatewaysClient_BeginCreateOrUpdate"},
	{"network/armnetwork/v9", "applicationgateways_client", "ExampleApplicationGatewaysClient_Get"},
	{"network/armnetwork/v9", "applicationgateways_client", "ExampleApplicationGatewaysClient_UpdateTags"},
	{"network/armnetwork/v9", "applicationgateways_client", "ExampleApplicationGatewaysClient_NewListPager"},
	{"network/armnetwork/v9", "applicationgateways_client", "ExampleApplicationGatewaysClient_NewListAllPager"},
	{"network/armnetwork/v9", "applicationgateways_client", "ExampleApplicationGatewaysClient_BeginBackendHealth"},
	{"compute/armcompute/v8", "virtualmachineruncommands_client", "ExampleVirtualMachineRunCommandsClient_BeginCreateOrUpdate"},
	{"compute/armcompute/v8", "virtualmachineruncommands_client", "ExampleVirtualMachineRunCommandsClient_GetByVirtualMachine"},
	{"compute/armcompute/v8", "virtualmachineruncommands_client", "ExampleVirtualMachineRunCommandsClient_NewListByVirtualMachinePager"},
	{"compute/armcompute/v8", "virtualmachineruncommands_client", "ExampleVirtualMachineRunCommandsClient_BeginUpdate"},
	{"compute/armcompute/v8", "virtualmachineruncommands_client", "ExampleVirtualMachineRunCommandsClient_BeginDelete"},
	{"compute/armcompute/v8", "virtualmachines_client", "ExampleVirtualMachinesClient_BeginRunCommand"},
	{"compute/armcompute/v8", "virtualmachineextensions_client", "ExampleVirtualMachineExtensionsClient_BeginCreateOrUpdate_virtualMachineExtensionCreateOrUpdateMaximumSetGen"},
	{"resources/armsubscriptions/v2", "tenants_client", "ExampleTenantsClient_NewListPager"},
	{"authorization/armauthorization/v2", "permissions_client", "ExamplePermissionsClient_NewListForResourceGroupPager"},
	{"resourcegraph/armresourcegraph", "client", "ExampleClient_Resources_basicQuery"},
	{"resourcegraph/armresourcegraph", "client", "ExampleClient_Resources_filterResources"},
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
	rows.WriteString("| module | example | what the simulator's answer lacks |\n| --- | --- | --- |\n")
	for _, example := range table {
		lacks := "nothing"
		if differences := found[example.function]; len(differences) > 0 {
			lacks = "`" + strings.Join(differences, "`<br>`") + "`"
		}
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", example.module, strings.TrimPrefix(example.function, "Example"), lacks)
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
