package cloud

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const routedGateway = `{
 "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/agw",
 "properties": {
  "httpListeners": [{"name": "https"}, {"name": "other"}, {"name": "http"}],
  "backendAddressPools": [
   {"name": "gis", "properties": {"backendIPConfigurations": [
     {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/primary-nic/ipConfigurations/internal"}]}},
   {"name": "web", "properties": {"backendAddresses": [{"fqdn": "web.example.com"}]}}],
  "backendHttpSettingsCollection": [
   {"name": "portal", "properties": {"port": 7443, "probe": {"id": "ID/probes/portal"}}},
   {"name": "web", "properties": {"port": 443, "probe": {"id": "ID/probes/web"}}}],
  "probes": [
   {"name": "portal", "properties": {"path": "/arcgis/portaladmin/healthCheck"}},
   {"name": "web", "properties": {"path": "/", "host": "WWW.example.com"}}],
  "urlPathMaps": [{"name": "map", "properties": {
    "defaultBackendAddressPool": {"id": "ID/backendAddressPools/web"}, "defaultBackendHttpSettings": {"id": "ID/backendHttpSettingsCollection/web"},
    "pathRules": [{"name": "portal", "properties": {"paths": ["/portal", "/portal/*"],
      "backendAddressPool": {"id": "ID/backendaddresspools/GIS"}, "backendHttpSettings": {"id": "ID/backendHttpSettingsCollection/portal"}}}]}}],
  "requestRoutingRules": [
   {"name": "a", "properties": {"httpListener": {"id": "ID/httpListeners/https"}, "urlPathMap": {"id": "ID/urlPathMaps/map"}}},
   {"name": "b", "properties": {"httpListener": {"id": "ID/httpListeners/other"}, "backendAddressPool": {"id": "ID/backendAddressPools/web"}}},
   {"name": "c", "properties": {"httpListener": {"id": "ID/httpListeners/http"}, "redirectConfiguration": {"id": "ID/redirectConfigurations/r"}}}]
 }}`

func routed(t *testing.T) *Gateway {
	t.Helper()
	const id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/agw"
	var document Document
	if err := json.Unmarshal([]byte(strings.ReplaceAll(routedGateway, "\"ID/", `"`+id+`/`)), &document); err != nil {
		t.Fatal(err)
	}
	gateway, err := ParseGateway(document)
	if err != nil {
		t.Fatal(err)
	}
	return gateway
}

func TestRoutesFollowRulesAndPaths(t *testing.T) {
	want := []Route{
		{Listener: "https", Pool: "gis", Setting: "portal", Paths: []string{"/portal", "/portal/*"}, Port: 7443, Probe: "/arcgis/portaladmin/healthCheck"},
		{Listener: "https", Pool: "web", Setting: "web", Port: 443, Probe: "/", ProbeHost: "www.example.com"},
		{Listener: "other", Pool: "web"},
	}
	if diff := cmp.Diff(want, routed(t).Routes()); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

func TestPoolsKnowTheirNetworkInterfaces(t *testing.T) {
	want := []string{"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/primary-nic"}
	if diff := cmp.Diff(want, routed(t).Pools()[0].Interfaces); diff != "" {
		t.Errorf("interfaces (-want +got):\n%s", diff)
	}
}
