package cloud

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func gatewayWithPools(t *testing.T) *Gateway {
	t.Helper()
	var document Document
	text := `{"id": "` + gatewayID + `", "name": "agw-prod", "tags": {"arcgis-deployment-id": "x"}, "properties": {"backendAddressPools": [
		{"name": "server", "properties": {"backendAddresses": [{"fqdn": "s0.corp"}, {"fqdn": "s1.corp"}, {"ipAddress": "10.0.0.7"}]}},
		{"name": "portal", "properties": {"backendAddresses": [{"fqdn": "p0.corp"}]}}]}}`
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return reparsed(t, document)
}

func reparsed(t *testing.T, document Document) *Gateway {
	t.Helper()
	g, err := ParseGateway(document)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAMemberThatGoesAwayReturnsToItsPlace(t *testing.T) {
	t.Parallel()
	g := gatewayWithPools(t)
	without, changed, err := g.WithAway([]Member{{Pool: "SERVER", Address: "S0.corp"}})
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	away := reparsed(t, without)
	if diff := cmp.Diff([]string{"s1.corp", "10.0.0.7"}, away.Pools()[0].Addresses); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Member{{Pool: "SERVER", Address: "s0.corp"}}, away.Away()); diff != "" {
		t.Error(diff)
	}

	// The next goes and the first returns, in one document.
	next, changed, err := away.WithAway([]Member{{Pool: "server", Address: "10.0.0.7"}})
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if diff := cmp.Diff([]string{"s0.corp", "s1.corp"}, reparsed(t, next).Pools()[0].Addresses); diff != "" {
		t.Error(diff)
	}
	all, changed, err := reparsed(t, next).WithAway(nil)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if changes := Difference(g.Document(), all); len(changes) != 0 {
		t.Errorf("in the end there are differences: %+v", changes)
	}
}

func TestWhatIsAsWantedIsNotWritten(t *testing.T) {
	t.Parallel()
	g := gatewayWithPools(t)
	if _, changed, err := g.WithAway(nil); changed || err != nil {
		t.Error(changed, err)
	}
	member := []Member{{Pool: "server", Address: "s1.corp"}}
	document, _, err := g.WithAway(member)
	if err != nil {
		t.Fatal(err)
	}
	if _, changed, err := reparsed(t, document).WithAway(member); changed || err != nil {
		t.Error("what is away already is written again", changed, err)
	}
}

func TestAPoolIsNeverEmptied(t *testing.T) {
	t.Parallel()
	g := gatewayWithPools(t)
	for _, wanted := range [][]Member{{{Pool: "portal", Address: "p0.corp"}}, {{Pool: "server", Address: "stranger"}}, {{Pool: "nobody", Address: "s0.corp"}}} {
		document, changed, err := g.WithAway(wanted)
		if changed || err != nil || len(Difference(g.Document(), document)) != 0 {
			t.Errorf("%v: changed %t, %v", wanted, changed, err)
		}
	}
}

func TestATagThatSomebodyElseWroteBringsNobodyIn(t *testing.T) {
	t.Parallel()
	g := gatewayWithPools(t)
	for _, value := range []string{"", "server", "server;x", "server;evil.example;-1", ";x;0", "server;;0", "server;x;y"} {
		document := g.Document()
		document["tags"].(map[string]any)["cartouche-away-0"] = value
		if away := reparsed(t, document).Away(); len(away) != 0 {
			t.Errorf("%q is taken for %v", value, away)
		}
	}
}
