package sim_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// through is a person behind one of the world's doors, with roots of their own.
func through(t *testing.T, environment []sim.Variable, roots *x509.CertPool) *http.Client {
	t.Helper()
	proxy, err := url.Parse(environment[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestAPrivateGatewayIsEnteredFromInsideOnly(t *testing.T) {
	w := start(t, sim.Options{World: "private"})
	deployment := w.Deployments()[0]
	company := x509.NewCertPool()
	company.AddCert(w.PrivateRoot())
	address := "https://" + deployment.Domain + "/portal/portaladmin/healthCheck?f=json"

	t.Run("the outside has no such name", func(t *testing.T) {
		_, err := through(t, w.Environment(), company).Get(address)
		if err == nil || !strings.Contains(err.Error(), "Bad Gateway") {
			t.Errorf("got %v, want the proxy's refusal", err)
		}
		if found := w.Ground().Outside.Lookup(deployment.Domain); len(found) != 0 {
			t.Errorf("%s is %v outside", deployment.Domain, found)
		}
	})
	t.Run("the inside reaches the portal", func(t *testing.T) {
		answer, err := through(t, w.InsideEnvironment(), company).Get(address)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK {
			t.Error(answer.Status)
		}
	})
	t.Run("the world's CA file does not vouch for it", func(t *testing.T) {
		_, err := through(t, w.InsideEnvironment(), w.Authority().Roots()).Get(address)
		var unknown x509.UnknownAuthorityError
		if !errors.As(err, &unknown) {
			t.Errorf("got %v, want an unknown authority", err)
		}
	})
	t.Run("its machines do", func(t *testing.T) {
		if status := validate(t, w, company); status != "success" {
			t.Errorf("federation is %q", status)
		}
	})
	t.Run("the record and the gateway say so", func(t *testing.T) {
		document := get(t, w, token(t, w), deployment.GatewayID+"?api-version=2024-05-01")
		tags := document["tags"].(map[string]any)
		if tags["arcgis-deployment-privateip-info"] != "10.16.0.10@appgateway@prv-vnet@gis-private@westeurope" || tags["arcgis-deployment-publicip-info"] != "" {
			t.Errorf("tags %v", tags)
		}
		frontends := document["properties"].(map[string]any)["frontendIPConfigurations"].([]any)
		properties := frontends[0].(map[string]any)["properties"].(map[string]any)
		if len(frontends) != 1 || properties["privateIPAddress"] != "10.16.0.10" || properties["privateIPAllocationMethod"] != "Static" || properties["publicIPAddress"] != nil {
			t.Errorf("frontends %v", frontends)
		}
	})
	t.Run("the renewed certificate is the company's too", func(t *testing.T) {
		issued, _, _ := w.NewCertificate()
		intermediates := x509.NewCertPool()
		for _, ca := range issued.Chain {
			intermediates.AddCert(ca)
		}
		if _, err := issued.Leaf.Verify(x509.VerifyOptions{DNSName: deployment.Domain, Roots: company, Intermediates: intermediates}); err != nil {
			t.Error(err)
		}
	})
	t.Run("the files", func(t *testing.T) {
		dir := t.TempDir()
		if err := w.WriteDir(dir); err != nil {
			t.Fatal(err)
		}
		root := x509.NewCertPool()
		if text, err := os.ReadFile(filepath.Join(dir, "private-root.pem")); err != nil || !root.AppendCertsFromPEM(text) || !root.Equal(company) {
			t.Errorf("private-root.pem: %v, %s", err, text)
		}
		ca, _ := os.ReadFile(filepath.Join(dir, "ca.pem"))
		public := x509.NewCertPool()
		if public.AppendCertsFromPEM(ca); !public.Equal(w.Authority().Roots()) {
			t.Error("ca.pem holds something else than the world's own roots")
		}
		inside, err := os.ReadFile(filepath.Join(dir, "env-inside"))
		if err != nil || !strings.Contains(string(inside), "HTTPS_PROXY="+w.InsideEnvironment()[0].Value+"\n") {
			t.Errorf("env-inside: %v\n%s", err, inside)
		}
	})
}

// validate asks the portal, through the gateway, whether its federated server
// can be reached and trusted.
func validate(t *testing.T, w *sim.World, roots *x509.CertPool) string {
	t.Helper()
	client := through(t, w.InsideEnvironment(), roots)
	base := w.Deployments()[0].URL + "portal/"
	post := func(path string, form url.Values) map[string]any {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Referer", base)
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		out := map[string]any{}
		body, _ := io.ReadAll(answer.Body)
		if err := json.Unmarshal(body, &out); err != nil {
			t.Fatalf("%s: %s %s", path, answer.Status, body)
		}
		return out
	}
	login := post("sharing/rest/generateToken", url.Values{"f": {"json"}, "username": {variable(w, "CARTOUCHE_SITE_ADMIN")}, "password": {variable(w, "CARTOUCHE_SITE_ADMIN_PASSWORD")},
		"client": {"referer"}, "referer": {base}})
	token, _ := login["token"].(string)
	answer := post("portaladmin/federation/servers/validate", url.Values{"f": {"json"}, "token": {token}})
	status, _ := answer["status"].(string)
	if status != "success" {
		t.Logf("%v", answer)
	}
	return status
}
