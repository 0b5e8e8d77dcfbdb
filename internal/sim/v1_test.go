package sim_test

import (
	"net/http"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

func TestV1HasNothingToUpdate(t *testing.T) {
	w := start(t, sim.Options{World: "v1"})
	deployment := w.Deployments()[0]
	if deployment.GatewayID != "" {
		t.Errorf("gateway %s", deployment.GatewayID)
	}
	t.Run("the web proxies serve its certificate, with and without a name", func(t *testing.T) {
		for _, name := range []string{deployment.Domain, ""} {
			leaf := shown(t, w.Ground().Outside, deployment.Domain+":443", name)
			if err := leaf.VerifyHostname(deployment.Domain); err != nil {
				t.Error(err)
			}
		}
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, deployment.URL, nil)
		answer, err := client(t, w).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Header.Get("Server") != "Microsoft-IIS/10.0" {
			t.Errorf("served by %q", answer.Header.Get("Server"))
		}
	})
	t.Run("the record is on the public address, and there is no gateway", func(t *testing.T) {
		bearer := token(t, w)
		group := "/subscriptions/" + variable(w, "AZURE_SUBSCRIPTION_ID") + "/resourceGroups/" + deployment.ResourceGroup
		kinds := map[string]int{}
		list, _ := get(t, w, bearer, group+"/resources?api-version=2021-04-01")["value"].([]any)
		for _, item := range list {
			kinds[item.(map[string]any)["type"].(string)]++
		}
		if kinds["Microsoft.Network/applicationGateways"] != 0 || kinds["Microsoft.Network/loadBalancers"] != 3 || kinds["Microsoft.Compute/virtualMachines"] != 6 {
			t.Errorf("resources %v", kinds)
		}
		address := get(t, w, bearer, group+"/providers/Microsoft.Network/publicIPAddresses/legPublicIP?api-version=2024-05-01")
		tags := address["tags"].(map[string]any)
		if tags["arcgis-deployment-version"] != "10.7.1" || tags["arcgis-deployment-domain"] != deployment.Domain || tags["arcgis-deployment-cloud-stg"] != "legacy@legdeploystg.blob.core.windows.net@gis-legacy@False" {
			t.Errorf("tags %v", tags)
		}
	})
}
