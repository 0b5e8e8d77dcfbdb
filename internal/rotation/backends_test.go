package rotation

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

// Whose an address is says the certificate of the one machine that serves it,
// if that machine is in a pool by its network interface.
func TestWhoseAnAddressIs(t *testing.T) {
	ca := newTestCA(t)
	nic := func(name string) string { return "/nic/" + name }
	seen := func(names ...string) machine.Seen {
		bundle := ca.issue(300, append([]string{"x.internal"}, names...)...)
		return machine.Seen{Component: machine.Component{Product: machine.Server, Port: 6443}, Chain: [][]byte{bundle.Leaf.Raw}}
	}
	for name, test := range map[string]struct {
		machines []Machine
		want     []string
	}{
		"each has its own":      {[]Machine{vm("A", "server", seen("10.0.0.4")), vm("B", "server", seen("10.0.0.5"))}, []string{"a.internal", "b.internal"}},
		"one names both":        {[]Machine{vm("A", "server", seen("10.0.0.4", "10.0.0.5")), vm("B", "server", seen("10.0.0.5"))}, []string{"a.internal", "10.0.0.5"}},
		"one names none":        {[]Machine{vm("A", "server", seen("10.0.0.4")), vm("B", "server", seen())}, []string{"a.internal", "10.0.0.5"}},
		"nobody's interface is": {[]Machine{vm("A", "server", seen("10.0.0.4")), vm("C", "server", seen("10.0.0.5"))}, []string{"a.internal", "10.0.0.5"}},
	} {
		document := behindGateway(t, gatewayDocument(t, certificates("frontendCert", ca.issue(80, domain)), httpsListener("https", "frontendCert", domain)), "",
			map[string]*x509.Certificate{"root": ca.root})
		pool := document["properties"].(map[string]any)["backendAddressPools"].([]any)[0].(map[string]any)["properties"].(map[string]any)
		pool["backendAddresses"] = []any{}
		pool["backendIPConfigurations"] = []any{map[string]any{"id": nic("A") + "/ipConfigurations/x"}, map[string]any{"id": nic("B") + "/ipConfigurations/x"}}
		state := inSites(stateOf(t, document, domain), test.machines...)
		for _, m := range test.machines {
			state.Deployment.Machines = append(state.Deployment.Machines, deployment.Machine{ID: m.ID, Name: m.Name, Interfaces: []string{nic(m.Name)}})
		}
		var got []string
		for _, server := range state.named([]cloud.BackendServer{{Pool: "pool", Address: "10.0.0.4"}, {Pool: "pool", Address: "10.0.0.5"}}) {
			got = append(got, server.Address)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
