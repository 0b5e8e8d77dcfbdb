package deployment

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/sim/arm/graph"
)

const subscription = "11111111-1111-4111-8111-111111111111"

// What Cartouche really uses must stay a Source.
var _ Source = (*cloud.ResourceManager)(nil)

type bag = map[string]any

func id(group, kind, name string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers/" + kind + "/" + name
}

// row is a resource as Resource Graph gives it: type and group in lower case.
func row(group, kind, name string, tags, properties bag) cloud.Document {
	return cloud.Document{
		"id": id(group, kind, name), "name": name, "type": kind, "location": "westeurope",
		"resourceGroup": group, "subscriptionId": subscription, "tags": tags, "properties": properties,
	}
}

func machine(name string, tags bag) cloud.Document {
	return row("rg", "microsoft.compute/virtualmachines", name, tags, bag{"vmId": name})
}

func set(name string, tags bag) cloud.Document {
	return row("rg", "microsoft.compute/availabilitysets", name, tags, nil)
}

func publicIP(name string, tags, properties bag) cloud.Document {
	return row("rg", "microsoft.network/publicipaddresses", name, tags, properties)
}

// listener is an HTTPS listener of the gateway agw that serves a certificate
// on port 443 of the frontend "front".
func listener(name, certificate string, hosts ...any) bag {
	gateway := id("rg", kindGateway, "agw")
	return bag{"name": name, "properties": bag{
		"protocol": "Https", "hostNames": hosts,
		"sslCertificate":          bag{"id": gateway + "/sslCertificates/" + certificate},
		"frontendIPConfiguration": bag{"id": gateway + "/frontendIPConfigurations/front"},
		"frontendPort":            bag{"id": gateway + "/frontendPorts/port443"},
	}}
}

// gateway is the gateway agw with pools of the named machines.
func gateway(tags bag, listeners []any, machines ...string) cloud.Document {
	var addresses []any
	for _, m := range machines {
		addresses = append(addresses, bag{"fqdn": m + ".internal.cloudapp.net"})
	}
	return row("rg", kindGateway, "agw", tags, bag{
		"httpListeners":            listeners,
		"frontendPorts":            []any{bag{"name": "port443", "properties": bag{}}},
		"frontendIPConfigurations": []any{bag{"name": "front", "properties": bag{"publicIPAddress": bag{"id": id("rg", kindAddress, "bmPublicIP")}}}},
		"backendAddressPools":      []any{bag{"name": "pool", "properties": bag{"backendAddresses": addresses}}},
	})
}

// record are the tags of a sound base deployment.
func record() bag {
	return bag{
		"arcgis-deployment-id":                               "dep1",
		"arcgis-deployment-version":                          "11.4",
		"arcgis-deployment-info":                             "bm@vnet@netrg@default@server,portal@20241119T101500Z",
		"arcgis-deployment-domain":                           "gis.example.com",
		"arcgis-deployment-secondary-domain":                 "gis.internal.example.com",
		"arcgis-deployment-server-role":                      "HostingServer",
		"arcgis-deployment-datastore-types":                  "Relational,CloudProvidedObjectStore, GraphStore",
		"arcgis-deployment-cloud-stg":                        "gis@bmstore.blob.core.windows.net@storerg@True@AccessKey",
		"arcgis-deployment-userprovidedinternalcertificates": "False",
		"arcgis-deployment-autovmshutdown":                   "True,2300",
		"arcgis-deployment-rdp-endpoint":                     "",
	}
}

// with is a copy of tags with some changed; nil removes one.
func with(tags bag, changes bag) bag {
	changed := bag{}
	for name, value := range tags {
		changed[name] = value
	}
	for name, value := range changes {
		delete(changed, name)
		if value != nil {
			changed[name] = value
		}
	}
	return changed
}

// sound is a deployment without a fault: gateway, address, two machines.
func sound() []cloud.Document {
	return []cloud.Document{
		gateway(record(), []any{listener("https", "frontendCert", "gis.example.com", "gis.internal.example.com")}, "bmServer-0", "bmPortal-0"),
		publicIP("bmPublicIP", nil, bag{
			"ipAddress": "203.0.113.5", "dnsSettings": bag{"fqdn": "bm.westeurope.cloudapp.azure.com"},
			"ipConfiguration": bag{"id": id("rg", kindGateway, "agw") + "/frontendIPConfigurations/front"},
		}),
		machine("bmServer-0", bag{"arcgis-deployment-id": "dep1", "arcgis-vm-roles": "Server,DataStore", "displayName": "bmServer-0"}),
		machine("bmPortal-0", bag{"arcgis-deployment-id": "DEP1", "arcgis-vm-roles": "Portal"}),
	}
}

// azure is a Source over rows. Its Resource Graph is the simulator's: a second
// reading of the query language.
type azure struct {
	rows []cloud.Document
	// queryErr is Resource Graph's answer instead of rows; errs are the
	// answers to other requests, by subscription or resource id.
	queryErr error
	errs     map[string]error

	mu      sync.Mutex
	queries int
	lists   int
	gets    int
}

func (a *azure) Query(_ context.Context, kql string, _ []string) ([]cloud.Document, error) {
	a.queries++
	if a.queryErr != nil {
		return nil, a.queryErr
	}
	parsed, err := graph.Parse(kql)
	if err != nil {
		return nil, err
	}
	var table []graph.Row
	for _, r := range a.rows {
		table = append(table, graph.Row(r))
	}
	var rows []cloud.Document
	for _, r := range parsed.Run(map[string][]graph.Row{graph.Resources: table}).Rows {
		rows = append(rows, cloud.Document(r))
	}
	return rows, nil
}

func (a *azure) Subscriptions(context.Context) ([]cloud.Subscription, error) {
	return []cloud.Subscription{{ID: subscription}, {ID: "other"}}, a.errs["subscriptions"]
}

// ListTagged gives what a list gives: no properties.
func (a *azure) ListTagged(_ context.Context, subscriptionID string, names ...string) ([]cloud.Document, error) {
	a.lists++
	if err := a.errs[subscriptionID]; err != nil || subscriptionID != subscription {
		return nil, err
	}
	var rows []cloud.Document
	for _, r := range a.rows {
		tags, _ := r["tags"].(bag)
		for _, name := range names {
			if _, ok := tags[name]; ok {
				rows = append(rows, cloud.Document{"id": r["id"], "name": r["name"], "type": r["type"], "location": r["location"], "tags": tags})
				break
			}
		}
	}
	return rows, nil
}

func (a *azure) Get(_ context.Context, id, _ string) (cloud.Document, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gets++
	if err := a.errs[id]; err != nil {
		return nil, err
	}
	for _, r := range a.rows {
		if r["id"] == id {
			return r, nil
		}
	}
	return nil, errors.New("no such resource: " + id)
}

// find finds in rows and fails the test on an error.
func find(t testing.TB, rows ...cloud.Document) Found {
	t.Helper()
	f, err := Find(context.Background(), &azure{rows: rows}, Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// findOne expects exactly one deployment.
func findOne(t testing.TB, rows ...cloud.Document) Deployment {
	t.Helper()
	f := find(t, rows...)
	if len(f.Deployments) != 1 {
		t.Fatalf("%d deployments, want 1: %+v", len(f.Deployments), f.Deployments)
	}
	return f.Deployments[0]
}

func codes(problems []Problem) []string {
	list := []string{}
	for _, p := range problems {
		list = append(list, p.Code)
	}
	return list
}

// certificate is an sslCertificates entry whose leaf ends at a time.
func certificate(t testing.TB, name string, end time.Time) bag {
	t.Helper()
	return bag{"name": name, "id": id("rg", kindGateway, "agw") + "/sslCertificates/" + name, "properties": bag{"publicCertData": base64.StdEncoding.EncodeToString(selfSigned(t, end))}}
}

func tomorrow() time.Time { return time.Now().AddDate(0, 0, 1) }

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// selfSigned is the DER of a certificate for names.
func selfSigned(t testing.TB, end time.Time, names ...string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end, DNSNames: names}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
