package web

import (
	"regexp"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/deployment"
)

func TestPathIDTellsSitesOfAGatewayApart(t *testing.T) {
	t.Parallel()
	gateway := "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/applicationGateways/agw"
	seen := map[string]bool{}
	for _, d := range []deployment.Deployment{
		{GatewayID: gateway, ID: "a"},
		{GatewayID: gateway, ID: "b"},
		{SubscriptionID: "1", ResourceGroup: "rg", ID: "a"},
		{SubscriptionID: "1", ResourceGroup: "other", ID: "a"},
		{GatewayID: gateway + "<script>/..", ID: "a"},
	} {
		id := PathID(d)
		if seen[id] {
			t.Errorf("two deployments are called %s", id)
		}
		if seen[id] = true; !regexp.MustCompile(`^[a-z2-7]{16}$`).MatchString(id) {
			t.Errorf("%q is not safe in a path", id)
		}
	}
	if a, b := PathID(deployment.Deployment{GatewayID: gateway}), PathID(deployment.Deployment{GatewayID: "/SUBSCRIPTIONS" + gateway[14:]}); a != b {
		t.Errorf("%s and %s: the case of a resource's id matters", a, b)
	}
}
