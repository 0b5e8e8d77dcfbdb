package sim_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func TestExtraResourcesAreFoundByResourceGraph(t *testing.T) {
	var extra []map[string]any
	for i := range 1000 {
		extra = append(extra, map[string]any{
			"id":       fmt.Sprintf("/subscriptions/{subscription}/resourceGroups/g%d/providers/Microsoft.Network/applicationGateways/agw%d", i, i),
			"location": "westeurope", "tags": map[string]any{"arcgis-deployment-id": fmt.Sprint("extra", i)},
		})
	}
	w := start(t, sim.Options{World: "single", Extra: extra})
	answer := raw{}
	body := map[string]any{"query": "resources | where type =~ 'microsoft.network/applicationgateways' | where isnotempty(tags['arcgis-deployment-id']) | count"}
	p := pipeline(t, w)
	response := send(t, p, http.MethodPost, "/providers/Microsoft.ResourceGraph/resources", body)
	if err := unmarshal(response, &answer); err != nil {
		t.Fatal(err)
	}
	if rows, _ := answer["data"].([]any); len(rows) != 1 || rows[0].(map[string]any)["Count"] != 1001.0 {
		t.Errorf("%v", answer["data"])
	}
	if extra[0]["id"] != "/subscriptions/{subscription}/resourceGroups/g0/providers/Microsoft.Network/applicationGateways/agw0" {
		t.Error("the caller's resources were changed")
	}
}

func TestACutConnectionGivesTheClientNoAnswer(t *testing.T) {
	for _, fault := range []string{"reset", "lost-response"} {
		for _, where := range []struct{ step, url string }{
			{"tenants", "https://management.azure.com/tenants?api-version=2022-12-01"}, {"token", "https://login.microsoftonline.com/common/oauth2/v2.0/token"}} {
			w := start(t, sim.Options{World: "single", Faults: []ground.Fault{{Name: fault, Step: where.step}}})
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, where.url, nil)
			if answer, err := client(t, w).Do(request); err == nil {
				t.Errorf("%s@%s: %s over %s", fault, where.step, answer.Status, answer.Proto)
			}
		}
	}
}
