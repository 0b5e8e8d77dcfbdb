package sim_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// shown is the leaf that a world's address shows to a client that asks for a
// name, or for none.
func shown(t *testing.T, from *ground.Net, address, name string) *x509.Certificate {
	t.Helper()
	conn, err := from.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	secured := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	defer secured.Close()
	if err := secured.HandshakeContext(t.Context()); err != nil {
		t.Fatalf("%s as %q: %v", address, name, err)
	}
	return secured.ConnectionState().PeerCertificates[0]
}

// fetch asks for a URL from outside.
func fetch(t *testing.T, w *sim.World, address string) (status int, body string) {
	t.Helper()
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	answer, err := client(t, w).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// entries are the children of one collection of a gateway, by name.
func entries(document map[string]any, collection string) map[string]map[string]any {
	out := map[string]map[string]any{}
	list, _ := document["properties"].(map[string]any)[collection].([]any)
	for _, item := range list {
		child := item.(map[string]any)
		out[child["name"].(string)], _ = child["properties"].(map[string]any)
	}
	return out
}

func TestServerSitesOfEveryKind(t *testing.T) {
	w := start(t, sim.Options{World: "sites", Scale: 200})
	deployments := w.Deployments()
	base, alone := deployments[0], deployments[1]
	bearer := token(t, w)
	shared := get(t, w, bearer, base.GatewayID+"?api-version=2024-05-01")
	own := get(t, w, bearer, alone.GatewayID+"?api-version=2024-05-01")

	t.Run("every site answers under its name", func(t *testing.T) {
		for _, address := range []string{
			"https://gis.org.example.com/mission/rest/info/healthcheck", "https://gis.org.example.com/realtime/rest/info/healthcheck",
			"https://gis.org.example.com/geoevent/manager", "https://gis.org.example.com/workflow/rest/info/healthcheck",
			"https://open.example.com/open/rest/info/healthcheck", "https://imagery.example.com/imagery/rest/info/healthcheck",
		} {
			if status, body := fetch(t, w, address); status != http.StatusOK {
				t.Errorf("%s: %d %s", address, status, body)
			}
		}
	})
	t.Run("a site of its own name is not behind the other", func(t *testing.T) {
		for name, want := range map[string]bool{"orgEnterprisePathMap": false, "open-paths": true} {
			rules, _ := json.Marshal(entries(shared, "urlPathMaps")[name])
			if got := strings.Contains(string(rules), "open-StandAloneServerPathRule"); got != want {
				t.Errorf("%s leads there: %v", name, got)
			}
		}
	})
	t.Run("two names on one address show two certificates", func(t *testing.T) {
		address := base.PublicIP + ":443"
		for _, name := range []string{"gis.org.example.com", "open.example.com"} {
			if err := shown(t, w.Ground().Outside, address, name).VerifyHostname(name); err != nil {
				t.Error(err)
			}
		}
		listener := entries(shared, "httpListeners")["open-https"]
		if listener["requireServerNameIndication"] != true {
			t.Errorf("listener %v", listener)
		}
	})
	t.Run("roles bring settings and probes", func(t *testing.T) {
		settings, probes := entries(shared, "backendHttpSettingsCollection"), entries(shared, "probes")
		for _, want := range []struct {
			setting string
			port    float64
			probe   string
			path    string
		}{
			{"mission-FederatedServerHttpsSetting", 20443, "mission-FederatedServerProbeName", "/arcgis/rest/info/healthcheck"},
			{"mission-FederatedWSMissionServerHttpsSetting", 20301, "mission-FederatedServerProbeName", "/arcgis/rest/info/healthcheck"},
			{"geoevent-FederatedGeoeventServerHttpsSetting", 6143, "geoevent-FederatedGeoeventServerProbeName", "/geoevent/manager"},
			{"geoevent-FederatedWSGeoeventServerHttpsSetting", 6143, "geoevent-FederatedGeoeventServerProbeName", "/geoevent/manager"},
			{"workflow-FederatedWFMServerWorkflowHttpsSetting", 13443, "workflow-FederatedServerProbeName", "/arcgis/rest/info/healthcheck"},
			{"open-StandAloneServerHttpsSetting", 6443, "open-StandAloneServerProbeName", "/arcgis/rest/info/healthcheck"},
		} {
			got := settings[want.setting]
			probe, _ := got["probe"].(map[string]any)
			id, _ := probe["id"].(string)
			if got["port"] != want.port || !strings.HasSuffix(id, "/probes/"+want.probe) || probes[want.probe]["path"] != want.path {
				t.Errorf("%s: %v, probe %v", want.setting, got, probes[want.probe])
			}
		}
	})
	t.Run("the records", func(t *testing.T) {
		var sites []string
		for key := range shared["tags"].(map[string]any) {
			if parts := strings.Split(key, "@"); parts[0] == "FS" {
				sites = append(sites, parts[1]+" "+parts[2])
			}
		}
		for _, want := range []string{"MissionServer mission,", "GeoEventServer realtime,geoevent", "WorkflowManagerServer workflow,", "GeneralPurposeServer open,"} {
			if !strings.Contains(strings.Join(sites, "|")+"|", want+"|") {
				t.Errorf("no record of %q in %q", want, sites)
			}
		}
		tags := own["tags"].(map[string]any)
		info, _ := tags["arcgis-deployment-info"].(string)
		if tags["arcgis-deployment-server-role"] != "ImageServer" || !strings.HasPrefix(info, "img@img-vnet@gis-imagery@default@imagery,@") {
			t.Errorf("tags of the site that stands alone: %v", tags)
		}
		if entries(own, "httpListeners")["imgHttpsStandAloneServerDeploymentListner"] == nil || entries(own, "backendAddressPools")["imagery-StandAloneServerBackendPool"] == nil {
			t.Errorf("names of the site that stands alone: %v", own["properties"])
		}
	})
}

func TestManyListenersOnOneGateway(t *testing.T) {
	w := start(t, sim.Options{World: "multi", Scale: 200})
	deployment := w.Deployments()[0]
	inside, outside := w.Ground().Inside, w.Ground().Outside

	t.Run("each side has its own address, and the same certificate", func(t *testing.T) {
		if at := outside.Lookup(deployment.Domain); len(at) != 1 || at[0] != deployment.PublicIP {
			t.Errorf("outside %v", at)
		}
		if at := inside.Lookup(deployment.Domain); len(at) != 1 || at[0] != deployment.PrivateIP {
			t.Errorf("inside %v", at)
		}
		public := shown(t, outside, deployment.PublicIP+":443", deployment.Domain)
		private := shown(t, inside, deployment.PrivateIP+":443", deployment.Domain)
		if !public.Equal(private) {
			t.Errorf("outside %s, inside %s", public.SerialNumber, private.SerialNumber)
		}
		if conn, err := outside.DialContext(context.Background(), "tcp", deployment.PrivateIP+":443"); err == nil {
			conn.Close()
			t.Error("the private address is reached from outside")
		}
	})
	t.Run("a pattern of host names leads to the deployment", func(t *testing.T) {
		if status, body := fetch(t, w, "https://stories.apps.city.example.com/portal/portaladmin/healthCheck?f=json"); status != http.StatusOK {
			t.Errorf("%d %s", status, body)
		}
		issued, _, _ := w.NewCertificate()
		for _, name := range []string{"gis.city.example.com", "gis.corp.example.com", "anything.apps.city.example.com"} {
			if err := issued.Leaf.VerifyHostname(name); err != nil {
				t.Errorf("the renewed certificate: %v", err)
			}
		}
	})
	t.Run("the shop is the other team's", func(t *testing.T) {
		if status, body := fetch(t, w, "https://shop.example.net/"); status != http.StatusOK || !strings.Contains(body, "This is shop.example.net.") {
			t.Errorf("%d %s", status, body)
		}
		before := shown(t, outside, deployment.PublicIP+":443", "shop.example.net")
		if before.VerifyHostname(deployment.Domain) == nil {
			t.Error("the shop's certificate is good for the deployment")
		}
	})
	t.Run("a gateway without tags", func(t *testing.T) {
		bare := w.BareGateways()[0]
		if status, body := fetch(t, w, "https://"+bare.Domain+"/"); status != http.StatusOK || !strings.Contains(body, "This is www.example.net.") {
			t.Errorf("%d %s", status, body)
		}
		document := get(t, w, token(t, w), bare.GatewayID+"?api-version=2024-05-01")
		if tags, there := document["tags"].(map[string]any); there && len(tags) > 0 {
			t.Errorf("tags %v", tags)
		}
		if hosts := entries(document, "httpListeners")["https"]["hostNames"]; len(hosts.([]any)) != 0 {
			t.Errorf("the basic listener has hosts %v", hosts)
		}
	})
}
