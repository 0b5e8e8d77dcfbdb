package arm_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

func (b *bench) query(query string, options map[string]any) answer {
	b.t.Helper()
	return b.call(http.MethodPost, "/providers/Microsoft.ResourceGraph/resources"+version, map[string]any{"query": query, "options": options})
}

func TestGraphFindsGatewaysByTag(t *testing.T) {
	got := setUp(t).query("Resources | where type =~ 'Microsoft.Network/applicationGateways' and isnotempty(tags['arcgis-deployment-id']) | project id, name, resourceGroup, tags", nil)
	data, _ := got.body["data"].([]any)
	if len(data) != 1 || text(data[0].(map[string]any), "tags", "arcgis-deployment-id") != "abc" || got.body["resultTruncated"] != "false" {
		t.Errorf("%s", got.raw)
	}
}

func TestGraphPagesWithASkipToken(t *testing.T) {
	b := setUp(t)
	for i := range 7 {
		b.add(map[string]any{"id": fmt.Sprintf("%s/providers/Microsoft.Network/publicIPAddresses/p%d", groupID, i), "location": "westeurope"})
	}
	seen, token, pages := map[string]bool{}, "", 0
	for {
		options := map[string]any{"$top": 3}
		if token != "" {
			options["$skipToken"] = token
		}
		got := b.query("resources | where type == 'microsoft.network/publicipaddresses' | project id", options)
		if got.body["totalRecords"] != 8.0 {
			t.Fatalf("%s", got.raw)
		}
		for _, row := range got.body["data"].([]any) {
			seen[text(row.(map[string]any), "id")] = true
		}
		pages++
		if token = text(got.body, "$skipToken"); token == "" {
			break
		}
	}
	if len(seen) != 8 || pages != 3 {
		t.Errorf("%d rows on %d pages, want 8 on 3", len(seen), pages)
	}
}

func TestGraphWithoutIDTruncatesInsteadOfPaging(t *testing.T) {
	got := setUp(t).query("resources | project name", map[string]any{"$top": 1})
	if got.body["resultTruncated"] != "true" || got.body["$skipToken"] != nil {
		t.Errorf("%s", got.raw)
	}
}

func TestGraphAsTable(t *testing.T) {
	got := setUp(t).query("resources | where name == 'agw' | project name, tags", map[string]any{"resultFormat": "table"})
	if !strings.Contains(got.raw, `"columns":[{"name":"name","type":"string"},{"name":"tags","type":"object"}],"rows":[["agw",{`) {
		t.Errorf("%s", got.raw)
	}
}

func TestGraphRefusesWhatItDoesNotUnderstand(t *testing.T) {
	got := setUp(t).query("resources | join kind=inner (resources) on id", nil)
	setUp(t).wantError(got, 400, "BadRequest")
	if !strings.Contains(got.raw, "InvalidQuery") || !strings.Contains(got.raw, "ParserFailure") {
		t.Errorf("no details: %s", got.raw)
	}
}

func TestGraphShowsOnlyWhatMayBeRead(t *testing.T) {
	b := setUp(t)
	b.manager.SetGrants(arm.RoleGrant(operator, publicID, "Reader"))
	if got := b.query("resources", nil); got.body["totalRecords"] != 1.0 {
		t.Errorf("%s", got.raw)
	}
	b.manager.SetGrants()
	b.wantError(b.query("resources", nil), 400, "BadRequest")
}
