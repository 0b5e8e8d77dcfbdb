package cloud

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteNeeds(t *testing.T) {
	const group = "/subscriptions/5e2f/resourceGroups/gis/providers/"
	gateway, err := ParseGateway(document(t, `{"id":"`+gatewayID+`",
		"identity":{"userAssignedIdentities":{"`+group+`Microsoft.ManagedIdentity/userAssignedIdentities/agw":{}}},
		"properties":{
			"gatewayIPConfigurations":[{"properties":{"subnet":{"id":"`+group+`Microsoft.Network/virtualNetworks/v/subnets/s"}}}],
			"frontendIPConfigurations":[
				{"properties":{"publicIPAddress":{"id":"`+group+`Microsoft.Network/publicIPAddresses/ip"}}},
				{"properties":{"subnet":{"id":"`+group+`Microsoft.Network/virtualNetworks/V/subnets/S"}}}],
			"httpListeners":[{"properties":{
				"firewallPolicy":{"id":"`+group+`Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/waf"},
				"sslCertificate":{"id":"`+gatewayID+`/sslCertificates/c"}}}],
			"backendAddressPools":[{"properties":{"backendIPConfigurations":[{"id":"`+group+`Microsoft.Network/networkInterfaces/n/ipConfigurations/i"}]}}],
			"odd":[{"id":7},{"id":"elsewhere"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, need := range gateway.WriteNeeds() {
		got = append(got, need.Action+" on "+strings.TrimPrefix(need.Scope, group))
	}
	want := []string{
		"Microsoft.Network/applicationGateways/read on Microsoft.Network/applicationGateways/agw-prod",
		"Microsoft.Network/applicationGateways/write on Microsoft.Network/applicationGateways/agw-prod",
		"Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/join/action on Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/waf",
		"Microsoft.Network/publicIPAddresses/read on Microsoft.Network/publicIPAddresses/ip",
		"Microsoft.Network/publicIPAddresses/join/action on Microsoft.Network/publicIPAddresses/ip",
		"Microsoft.Network/virtualNetworks/subnets/read on Microsoft.Network/virtualNetworks/v/subnets/s",
		"Microsoft.Network/virtualNetworks/subnets/join/action on Microsoft.Network/virtualNetworks/v/subnets/s",
		"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action on Microsoft.ManagedIdentity/userAssignedIdentities/agw",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
}

func TestSmallestRoles(t *testing.T) {
	const (
		write  = "Microsoft.Network/applicationGateways/write"
		read   = "Microsoft.Network/applicationGateways/read"
		assign = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
		list   = "Microsoft.KeyVault/vaults/certificates/read"
		load   = "Microsoft.KeyVault/vaults/certificates/import/action"
	)
	for name, test := range map[string]struct{ actions, data, want string }{
		"reading":                       {read, "", "Reader"},
		"reading and writing":           {read + " " + write, "", "Network Contributor"},
		"an identity":                   {assign, "", "Managed Identity Operator"},
		"two services":                  {write + " " + assign, "", "Contributor"},
		"certificates, without keys":    {"", list, "Key Vault Reader"},
		"secrets":                       {"", getSecret, "Key Vault Secrets User"},
		"certificates and their keys":   {"", list + " " + getSecret, "Key Vault Certificate User"},
		"importing":                     {"", list + " " + load, "Key Vault Certificates Officer"},
		"importing and reading the key": {"", load + " " + getSecret, "Key Vault Certificates Officer, Key Vault Secrets User"},
		"what no role here brings":      {"Microsoft.Authorization/roleAssignments/write", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var rights []Right
			for _, action := range strings.Fields(test.actions) {
				rights = append(rights, Right{Action: action})
			}
			for _, action := range strings.Fields(test.data) {
				rights = append(rights, Right{Action: action, Data: true})
			}
			var names []string
			for _, role := range SmallestRoles(rights) {
				names = append(names, role.Role)
			}
			if got := strings.Join(names, ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
