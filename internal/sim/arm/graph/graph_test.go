package graph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/sim/arm/graph"
)

var rows = map[string][]graph.Row{
	graph.Resources: {
		{"id": "/1", "name": "agw-Prod", "type": "microsoft.network/applicationgateways", "resourceGroup": "gis", "location": "westeurope",
			"tags":       map[string]any{"arcgis-deployment-id": "abc", "env": "Prod"},
			"properties": map[string]any{"sku": map[string]any{"capacity": 2.0}, "ids": []any{map[string]any{"name": "first"}}}},
		{"id": "/2", "name": "vm1", "type": "microsoft.compute/virtualmachines", "resourceGroup": "gis", "tags": map[string]any{"arcgis-vm-roles": "Server,Portal", "arcgis-deployment-id": "abc"}},
		{"id": "/3", "name": "vm2", "type": "microsoft.compute/virtualmachines", "resourceGroup": "other", "tags": nil},
	},
	graph.Containers: {{"id": "/g", "name": "gis", "type": "microsoft.resources/subscriptions/resourcegroups"}},
}

func ids(t *testing.T, query string) string {
	t.Helper()
	parsed, err := graph.Parse(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var out []string
	for _, row := range parsed.Run(rows).Rows {
		id, _ := row["id"].(string)
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

func TestWhere(t *testing.T) {
	for condition, want := range map[string]string{
		`type == 'microsoft.compute/virtualmachines'`: "/2 /3",
		`type == 'Microsoft.Compute/virtualMachines'`: "",
		`type =~ 'Microsoft.Compute/virtualMachines'`: "/2 /3",
		`type !~ 'Microsoft.Compute/virtualMachines'`: "/1",
		`name != "vm1"`:                                                 "/1 /3",
		`name in ('vm1', 'vm2')`:                                        "/2 /3",
		`name !in ('vm1', 'vm2')`:                                       "/1",
		`name in~ ('VM1')`:                                              "/2",
		`name !in~ ('VM1')`:                                             "/1 /3",
		`name contains 'PROD'`:                                          "/1",
		`name contains_cs 'PROD'`:                                       "",
		`name !contains 'prod'`:                                         "/2 /3",
		`name startswith 'VM'`:                                          "/2 /3",
		`name endswith '1'`:                                             "/2",
		`tostring(tags['arcgis-vm-roles']) has 'portal'`:                "/2",
		`tostring(tags['arcgis-vm-roles']) has 'port'`:                  "",
		`isnotnull(tags['arcgis-deployment-id'])`:                       "/1 /2",
		`isnull(tags.env)`:                                              "/2 /3",
		`isempty(tags['arcgis-deployment-id'])`:                         "/3",
		`isnotempty(tags["env"])`:                                       "/1",
		`tags.env =~ 'prod'`:                                            "/1",
		`tags.ENV =~ 'prod'`:                                            "", // keys keep their case
		`tolower(tags.env) == 'prod' or name == 'vm2'`:                  "/1 /3",
		`not(name == 'vm1')`:                                            "/1 /3",
		`properties.sku.capacity > 1`:                                   "/1",
		`properties.sku.capacity == 2`:                                  "/1",
		`properties.ids[0].name == 'first'`:                             "/1",
		`name == 'vm1' or name == 'vm2' and resourceGroup == 'nope'`:    "/2",
		`(name == 'vm1' or name == 'vm2') and resourceGroup == 'other'`: "/3",
		`name matches regex @'^vm\d$'`:                                  "/2 /3",
		`strcat(name, '-', resourceGroup) == 'vm1-gis' // a remark at the end`: "/2",
		`array_length(bag_keys(tags)) == 2`:                                    "/1 /2",
	} {
		if got := ids(t, "Resources | where "+condition); got != want {
			t.Errorf("where %s: %q, want %q", condition, got, want)
		}
	}
}

func TestStages(t *testing.T) {
	for query, want := range map[string]string{
		"resources | order by name asc":                  "/1 /2 /3",
		"resources | sort by name":                       "/3 /2 /1",
		"resources | order by name desc | take 1":        "/3",
		"resources | limit 2":                            "/1 /2",
		"resourcecontainers | where name == 'gis'":       "/g",
		"Resources\n| where name == 'vm1'\n| project id": "/2",
	} {
		if got := ids(t, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestComputedRows(t *testing.T) {
	for query, want := range map[string][]graph.Row{
		"resources | where id == '/1' | project name, env = tostring(tags.env), tags.env":                  {{"name": "agw-Prod", "env": "Prod", "tags_env": "Prod"}},
		"resources | where id == '/2' | extend d = tostring(tags['arcgis-deployment-id']) | project d, id": {{"d": "abc", "id": "/2"}},
		"resources | count":                                                   {{"Count": 3.0}},
		"resources | summarize count() by type":                               {{"type": "microsoft.network/applicationgateways", "count_": 1.0}, {"type": "microsoft.compute/virtualmachines", "count_": 2.0}},
		"resources | summarize n = count()":                                   {{"n": 3.0}},
		"resources | distinct resourceGroup":                                  {{"resourceGroup": "gis"}, {"resourceGroup": "other"}},
		"resources | where id == '/3' | project id, name | project-away name": {{"id": "/3"}},
	} {
		parsed, err := graph.Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if diff := cmp.Diff(want, parsed.Run(rows).Rows); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	for query, want := range map[string]string{
		"":                                                       "begins with the name of a table",
		"nothing":                                                "no table",
		"resources where name == 'a'":                            "want |",
		"resources | where":                                      "want a value",
		"resources | where nosuch == 'a'":                        "no column",
		"resources | where name == 'a":                           "no end",
		"resources | where (name == 'a'":                         "want )",
		"resources | where name !like 'a'":                       "no such operator",
		"resources | mv-expand tags":                             "not supported",
		"resources | where geo(name) == 'a'":                     "not supported",
		"resources | order by tags.env":                          "explicit cast",
		"resources | summarize count() by tags":                  "explicit cast",
		"resources | summarize max(name)":                        "count()",
		"resources | take many":                                  "number of rows",
		"resources | project name | where id == 'x'":             "no column",
		"resources | where " + strings.Repeat("(", 200) + "name": "too deeply",
	} {
		_, err := graph.Parse(query)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", query, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"Resources | where type =~ 'a' and isnotempty(tags['x']) | project id, n = tostring(properties.a[0].b) | order by n desc | take 5",
		"resources | summarize c = count() by type | where c > 1", "resources | where name !in~ ('a',\"b\") // x", "resources | where a matches regex @'('",
		"resources | distinct name, location | count", "resources | where !", "resources | project-",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		parsed, err := graph.Parse(query)
		if err == nil {
			parsed.Run(rows)
		}
	})
}
