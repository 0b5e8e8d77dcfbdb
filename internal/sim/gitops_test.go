package sim_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

const manager = "https://management.azure.com"

func TestAnEnterpriseOfTerraform(t *testing.T) {
	w := start(t, sim.Options{World: "gitops", Scale: 200})
	deployment := w.Deployments()[0]
	inside, outside := w.Ground().Inside, w.Ground().Outside
	bearer := token(t, w)
	document := get(t, w, bearer, deployment.GatewayID+"?api-version=2024-05-01")

	t.Run("names and places", func(t *testing.T) {
		group := "/subscriptions/" + variable(w, "AZURE_SUBSCRIPTION_ID") + "/resourceGroups/"
		if want := group + "arcgis-enterprise-ingress-rg/providers/Microsoft.Network/applicationGateways/arcgis-enterprise-ingress"; deployment.GatewayID != want {
			t.Errorf("gateway %s, want %s", deployment.GatewayID, want)
		}
		for _, path := range []string{
			"arcgis-enterprise-ingress-rg/providers/Microsoft.Network/publicIPAddresses/arcgis-enterprise-ingress-pip",
			"arcgis-enterprise-ingress-rg/providers/Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/arcgis-enterprise-ingress-waf",
			"arcgis-enterprise-ingress-rg/providers/Microsoft.Network/privateDnsZones/gis.example.org",
			"arcgis-infrastructure-core/providers/Microsoft.Network/virtualNetworks/arcgis",
			"arcgis-infrastructure-core/providers/Microsoft.ManagedIdentity/userAssignedIdentities/vm-identity",
			"arcgis-enterprise-base-rg/providers/Microsoft.Compute/virtualMachines/primary",
		} {
			get(t, w, bearer, group+path+"?api-version=2024-05-01")
		}
		properties := document["properties"].(map[string]any)
		if sku := properties["sku"].(map[string]any); sku["name"] != "WAF_v2" || sku["capacity"] != nil || properties["autoscaleConfiguration"] == nil || properties["firewallPolicy"] == nil {
			t.Errorf("sku %v, scale %v, firewall %v", sku, properties["autoscaleConfiguration"], properties["firewallPolicy"])
		}
		for _, name := range []string{"public-443", "private-443"} {
			listener := entries(document, "httpListeners")[name]
			reference, _ := listener["sslCertificate"].(map[string]any)
			if id, _ := reference["id"].(string); !strings.HasSuffix(id, "/sslCertificates/cert") || len(listener["hostNames"].([]any)) != 0 {
				t.Errorf("%s: %v", name, listener)
			}
		}
		identity := document["identity"].(map[string]any)["userAssignedIdentities"].(map[string]any)
		for id := range identity {
			if !strings.HasSuffix(id, "/arcgis-infrastructure-core/providers/Microsoft.ManagedIdentity/userAssignedIdentities/vm-identity") {
				t.Errorf("identity %s", id)
			}
		}
	})
	t.Run("tags are Terraform's and nobody else's", func(t *testing.T) {
		tags := document["tags"].(map[string]any)
		if len(tags) != 2 || tags["ArcGISEnterpriseID"] != "arcgis" || tags["ArcGISIngressID"] != "enterprise-ingress" {
			t.Errorf("gateway %v", tags)
		}
		count := func(part string) any {
			answer := raw{}
			query := map[string]any{"query": "resources | where tostring(tags) contains '" + part + "' | count"}
			if err := unmarshal(send(t, pipeline(t, w), http.MethodPost, manager+"/providers/Microsoft.ResourceGraph/resources", query), &answer); err != nil {
				t.Fatal(err)
			}
			rows, _ := answer["data"].([]any)
			return rows[0].(map[string]any)["Count"]
		}
		if builder, terraform := count("arcgis-deployment"), count("ArcGISEnterpriseID"); builder != 0.0 || terraform == 0.0 {
			t.Errorf("%v resources with a tag of Cloud Builder, %v with one of Terraform", builder, terraform)
		}
	})
	t.Run("the certificate is in the vault", func(t *testing.T) {
		second := get(t, w, bearer, w.Deployments()[1].GatewayID+"?api-version=2024-05-01")
		follows, _ := entries(document, "sslCertificates")["cert"]["keyVaultSecretId"].(string)
		stays, _ := entries(second, "sslCertificates")["cert"]["keyVaultSecretId"].(string)
		if follows != "https://arcgis5f0c1d7e9a2b4c68.vault.azure.net/secrets/gis-example-org" {
			t.Errorf("the first refers to %s", follows)
		}
		if start := "https://lab81d3b6a0c4e7f259.vault.azure.net/secrets/lab-example-org/"; !strings.HasPrefix(stays, start) || len(stays) != len(start)+32 {
			t.Errorf("the second refers to %s, want a version", stays)
		}
	})
	t.Run("the modules' secrets are in the vault", func(t *testing.T) {
		_, secrets := vaultClients(t, w, "arcgis5f0c1d7e9a2b4c68")
		for name, want := range map[string]string{
			"enterprise-ingress-ingress-fqdn":   "gis.example.org",
			"enterprise-ingress-ca-root-cert":   "-----BEGIN CERTIFICATE-----",
			"enterprise-ingress-ca-private-key": "-----BEGIN RSA PRIVATE KEY-----",
			"enterprise-base-deployment-url":    "https://gis.example.org/portal",
			"vm-identity-id":                    "/subscriptions/" + variable(w, "AZURE_SUBSCRIPTION_ID") + "/resourceGroups/arcgis-infrastructure-core/",
		} {
			got, err := secrets.GetSecret(t.Context(), name, "", nil)
			if err != nil || !strings.HasPrefix(*got.Value, want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("both sides serve one certificate", func(t *testing.T) {
		public, private := shown(t, outside, deployment.Domain+":443", ""), shown(t, inside, deployment.Domain+":443", "")
		if !public.Equal(private) || public.VerifyHostname(deployment.Domain) != nil {
			t.Errorf("outside %s, inside %s", public.Subject, private.Subject)
		}
		if at := inside.Lookup(deployment.Domain); len(at) != 1 || at[0] != deployment.PrivateIP {
			t.Errorf("inside the name is %v", at)
		}
		if status, body := fetch(t, w, "https://gis.example.org/portal/portaladmin/healthCheck?f=json"); status != http.StatusOK {
			t.Errorf("%d %s", status, body)
		}
	})
	t.Run("machines have certificates of the internal authority, by address", func(t *testing.T) {
		data, _ := entries(document, "trustedRootCertificates")["trusted-root"]["data"].(string)
		text, _ := base64.StdEncoding.DecodeString(data)
		block, _ := pem.Decode(text)
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if root.Subject.CommonName != "Internal Root CA" || root.NotAfter.Sub(root.NotBefore) < 19*365*24*time.Hour {
			t.Errorf("root %s until %s", root.Subject, root.NotAfter)
		}
		pool := x509.NewCertPool()
		pool.AddCert(root)
		for _, at := range []string{"10.5.128.4:6443", "10.5.128.4:7443", "10.5.128.5:7443"} {
			address, _, _ := strings.Cut(at, ":")
			leaf := shown(t, inside, at, "")
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: address}); err != nil || leaf.Subject.CommonName != address {
				t.Errorf("%s serves %s: %v", at, leaf.Subject, err)
			}
		}
	})
	t.Run("the portal trusts what the name serves", func(t *testing.T) {
		if status := validate(t, w, w.Authority().Roots()); status != "success" {
			t.Errorf("federation is %q", status)
		}
	})
}

// The pool of a gateway shows the interfaces that say they are in it, whatever
// a client writes there.
func TestAPoolKeepsItsInterfaces(t *testing.T) {
	w := start(t, sim.Options{World: "gitops", Scale: 200})
	gateway, p := manager+w.Deployments()[0].GatewayID, pipeline(t, w)
	members := func(document map[string]any) string {
		text, _ := json.Marshal(entries(document, "backendAddressPools")["enterprise-base"]["backendIPConfigurations"])
		return string(text)
	}
	document := raw{}
	if err := unmarshal(send(t, p, http.MethodGet, gateway, nil), &document); err != nil {
		t.Fatal(err)
	}
	before := members(document)
	if !strings.Contains(before, "/networkInterfaces/primary-nic/ipConfigurations/internal") || !strings.Contains(before, "/networkInterfaces/standby-nic/") {
		t.Errorf("members %s", before)
	}
	delete(entries(document, "backendAddressPools")["enterprise-base"], "backendIPConfigurations")
	poller, err := runtime.NewPoller[raw](send(t, p, http.MethodPut, gateway, document), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	after, err := poller.PollUntilDone(t.Context(), &runtime.PollUntilDoneOptions{Frequency: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if got := members(after); got != before {
		t.Errorf("members %s, were %s", got, before)
	}
	healthy(t, p, gateway)
}

// A new version reaches the gateway that refers to the certificate at its next
// look, and never the one that refers to a version.
func TestOnlyAVersionlessReferenceFollows(t *testing.T) {
	w := start(t, sim.Options{World: "gitops", Scale: 200})
	for _, row := range []struct {
		vault, name, domain string
		follows             bool
	}{
		{"arcgis5f0c1d7e9a2b4c68", "gis-example-org", "gis.example.org", true},
		{"lab81d3b6a0c4e7f259", "lab-example-org", "lab.example.org", false},
	} {
		issued, err := w.Authority().Issue(authority.Spec{Names: []string{row.domain}, Key: "p256"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Vault().Put(row.vault, row.name, vault.Seed{Pair: issued.TLS()}); err != nil {
			t.Fatal(err)
		}
		before := shown(t, w.Ground().Outside, row.domain+":443", row.domain)
		advance(t, w)
		after := shown(t, w.Ground().Outside, row.domain+":443", row.domain)
		if got := after.Equal(issued.Leaf); got != row.follows || !row.follows && !after.Equal(before) {
			t.Errorf("%s serves the new leaf: %v, want %v", row.domain, got, row.follows)
		}
	}
}
