package sim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Without network isolation for gateways, Azure wants a public address, which
// Cloud Builder leaves unused.
func TestAnUnusedPublicAddressHasAFrontendOfItsOwn(t *testing.T) {
	p := place{deployment: deployment{Prefix: "prv", Group: "g", Private: "10.16.0.10", UnusedPublic: "203.0.113.60"}, location: "westeurope", subscription: "s"}
	unused := "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/ip" + p.deploymentID() + "serverUnusedPublicIP"
	want := []any{
		tree{"name": "unusedAppGatewayFrontendPublicIP", "properties": tree{"privateIPAllocationMethod": "Dynamic", "publicIPAddress": tree{"id": unused}}},
		tree{"name": "prvEnterpriseAppGatewayFrontendIP", "properties": tree{"privateIPAllocationMethod": "Static", "privateIPAddress": "10.16.0.10",
			"subnet": tree{"id": p.networkID() + "/subnets/appgateway"}}},
	}
	if diff := cmp.Diff(want, p.frontendDocuments()); diff != "" {
		t.Errorf("frontends (-want +got):\n%s", diff)
	}
	if addresses := p.publicAddresses(); len(addresses) != 1 || addresses[0]["id"] != unused {
		t.Errorf("public addresses %v", addresses)
	}
}
