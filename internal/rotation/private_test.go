package rotation

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
)

// frontends is a gateway with one HTTPS listener for each frontend, all of the
// same certificate entry.
func frontends(t *testing.T, hosts map[string]string, frontends ...map[string]any) *cloud.Gateway {
	t.Helper()
	const id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/agw"
	var listeners, list []any
	for _, frontend := range frontends {
		name := frontend["name"].(string)
		list = append(list, frontend)
		properties := map[string]any{
			"protocol": "Https", "frontendIPConfiguration": map[string]any{"id": id + "/frontendIPConfigurations/" + name},
			"sslCertificate": map[string]any{"id": id + "/sslCertificates/cert"},
		}
		if host := hosts[name]; host != "" {
			properties["hostName"] = host
		}
		listeners = append(listeners, map[string]any{"name": name, "properties": properties})
	}
	gateway, err := cloud.ParseGateway(cloud.Document{"id": id, "properties": map[string]any{"httpListeners": listeners, "frontendIPConfigurations": list}})
	if err != nil {
		t.Fatal(err)
	}
	return gateway
}

func frontend(name string, properties map[string]any) map[string]any {
	return map[string]any{"name": name, "properties": properties}
}

func private(name string) map[string]any {
	return frontend(name, map[string]any{"privateIPAddress": "10.2.0.10", "subnet": map[string]any{
		"id": "/subscriptions/s/resourceGroups/net-rg/providers/Microsoft.Network/virtualNetworks/hub/subnets/gateways"}})
}

func public(name string) map[string]any {
	return frontend(name, map[string]any{"publicIPAddress": map[string]any{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/pip"}})
}

func TestAPrivateGatewaySaysWhereItIsEntered(t *testing.T) {
	state := State{
		Gateway:    frontends(t, nil, private("a")),
		Deployment: deployment.Deployment{Domain: "gis.corp.example.com"},
		Listeners:  []Listener{{Name: "a"}},
		Wire:       []handshake.Observation{{Target: "gis.corp.example.com:443", Failure: "no such host"}},
	}
	found := wireObstacles(state)
	if !found.Has("endpoint-private") || !found.Refused() {
		t.Fatalf("found %v, want the refusal endpoint-private", found)
	}
	for _, want := range []string{"10.2.0.10", "virtual network hub", "subnet gateways", "net-rg", "no such host"} {
		if !strings.Contains(found[0].Sentence, want) {
			t.Errorf("sentence %q, want %q in it", found[0].Sentence, want)
		}
	}
	if !strings.Contains(found[0].Mend, "az network bastion tunnel") || !strings.Contains(found[0].Mend, "HTTPS_PROXY") {
		t.Errorf("mend %q, want the ways in", found[0].Mend)
	}

	state.Gateway, state.Listeners = frontends(t, nil, private("a"), public("b")), []Listener{{Name: "a"}, {Name: "b"}}
	if found := wireObstacles(state); !found.Has("endpoint-unreachable") {
		t.Errorf("with a public listener too: %v, want endpoint-unreachable", found)
	}
}

func TestAListenerOfTheSameEntryThatIsLeftBehind(t *testing.T) {
	state := State{
		Gateway:   frontends(t, map[string]string{"a": "gis.example.com", "b": "*.apps.example.com"}, public("a"), public("b")),
		Listeners: []Listener{{Name: "a", Entry: "cert"}},
	}
	ca := newTestCA(t)
	for name, covered := range map[string]bool{"gis.example.com": false, "*.apps.example.com": true} {
		found := leftBehind(state, ca.issue(90, name).Leaf)
		if !found.Has("listener-left-behind") || found.Refused() || !strings.Contains(found[0].Sentence, "*.apps.example.com") {
			t.Errorf("found %v, want a warning of the other listener", found)
		} else if told := strings.Contains(found[0].Sentence, "for its names as well"); told != covered {
			t.Errorf("a certificate for %s: %s", name, found[0].Sentence)
		}
	}
	state.Listeners[0].Entry = "other"
	if found := leftBehind(state, ca.issue(90, "gis.example.com").Leaf); len(found) != 0 {
		t.Errorf("found %v where the listener has an entry of its own", found)
	}
}

// A private address that was not reached before would cost a timeout at each look.
func TestAddressesWithoutExpectationAreNotLookedAt(t *testing.T) {
	const target = "gis.example.com:443"
	listeners := []Listener{
		{Names: []string{"gis.example.com"}, Port: 443, Addresses: []string{"203.0.113.5"}},
		{Names: []string{"gis.example.com"}, Port: 443, Addresses: []string{"10.2.0.10"}},
	}
	expected := expectation{{target, "203.0.113.5:443", "gis.example.com"}: {}}
	var got []string
	for _, target := range expected.worthALook(targetsOf(listeners)) {
		got = append(got, way{target: target}.String())
	}
	want := target + " as its name resolves, " + target + " at 203.0.113.5"
	if strings.Join(got, ", ") != want {
		t.Errorf("looked at %v, want %s", got, want)
	}
}

// A neighbour's machine that goes down in the middle is not our failure.
func TestBackendsOfANeighbourAreNotOurs(t *testing.T) {
	const id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/agw"
	ref := func(list, name string) map[string]any { return map[string]any{"id": id + "/" + list + "/" + name} }
	rule := func(listener, pool string) any {
		return map[string]any{"properties": map[string]any{"httpListener": ref("httpListeners", listener), "backendAddressPool": ref("backendAddressPools", pool)}}
	}
	gateway, err := cloud.ParseGateway(cloud.Document{"id": id, "properties": map[string]any{
		"httpListeners":       []any{map[string]any{"name": "gis"}, map[string]any{"name": "shop"}},
		"backendAddressPools": []any{map[string]any{"name": "server"}, map[string]any{"name": "web"}},
		"requestRoutingRules": []any{rule("gis", "server"), rule("shop", "web")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	all := []cloud.BackendServer{{Pool: "Server", Address: "a"}, {Pool: "web", Address: "b"}}
	state := State{Gateway: gateway, Listeners: []Listener{{Name: "gis"}}}
	if got := state.ownBackends(all); len(got) != 1 || got[0].Address != "a" {
		t.Errorf("own backends %v, want only that of the own pool", got)
	}
	state.Listeners = nil
	if got := state.ownBackends(all); len(got) != 2 {
		t.Errorf("own backends %v where no route is known, want all", got)
	}
}
