package site

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// storeRoutes are the little that a Data Store answers over HTTPS (S30): its
// configuration wizard's state, which clients take as a sign of life.
// Source: DSCResources/ArcGIS_DataStore and ArcGIS.Common of
// Esri/arcgis-powershell-dsc.
func (m *machine) storeRoutes() {
	m.handle("/arcgis/datastoreadmin/configure", faulty("datastore-health", storeConfigure))
	m.handle("/arcgis/datastoreadmin", redirectTo("/datastoreadmin/configure"))
}

// storeConfigure answers the version, and to a site administrator which stores
// are registered. guess: the wording of the refusal.
func storeConfigure(c *call) (any, error) {
	answer := map[string]any{"currentVersion": c.site.fullVersion()}
	if c.r.Method != http.MethodPost {
		return answer, nil
	}
	if !c.signedIn(c.body.Get("username"), c.body.Get("password")) {
		return nil, &failure{code: 401, message: "Invalid username or password"}
	}
	for _, kind := range []string{"Relational", "TileCache", "SpatioTemporal", "GraphStore", "ObjectStore"} {
		name := strings.ToLower(kind[:1]) + kind[1:]
		answer[name] = map[string]any{"registered": slices.Contains(c.site.spec.StoreTypes, kind)}
	}
	return answer, nil
}

// storeItem is a registered data store as the hosting Server lists it.
type storeItem struct{ kind, name, provider, feature string }

func (i storeItem) path() string { return "/" + i.kind + "/" + i.name }

// features by type of store. Source: DSCResources/ArcGIS_DataStore;
// guess: the names behind the path, which contain random letters.
var features = map[string]storeItem{
	"Relational":     {"enterpriseDatabases", "AGSDataStore_ds_r1", "egdb", "feature.egdb"},
	"TileCache":      {"nosqlDatabases", "AGSDataStore_nosqldb_tcs_t1", "nosql", "feature.nosqldb"},
	"SpatioTemporal": {"nosqlDatabases", "AGSDataStore_bigdata_bds_s1", "nosql", "feature.bigdata"},
	"GraphStore":     {"nosqlDatabases", "AGSDataStore_graphstore_g1", "nosql", "feature.graphstore"},
	"ObjectStore":    {"cloudStores", "AGSDataStore_objectstore_o1", "cloudStore", "feature.ozobjectstore"},
}

func (s *Site) items() []storeItem {
	var list []storeItem
	if s.spec.Stores == nil {
		return nil
	}
	for _, kind := range s.spec.StoreTypes {
		if item, ok := features[kind]; ok {
			list = append(list, item)
		}
	}
	return list
}

// findItems lists the registered stores of the wanted types.
func findItems(c *call) (any, error) {
	list := []any{}
	for _, item := range c.site.items() {
		wanted := c.param("types")
		if wanted != "" && !strings.Contains(wanted, item.provider) {
			continue
		}
		list = append(list, map[string]any{
			"path": item.path(), "type": item.provider, "provider": "ArcGIS Data Store",
			"info": map[string]any{"dsFeature": item.feature, "storeRelease": c.site.fullVersion(), "isManaged": true},
		})
	}
	return map[string]any{"items": list}, nil
}

// onStore finds the registered store that the path names.
func onStore(h func(*call, storeItem) (any, error)) handler {
	return func(c *call) (any, error) {
		path := "/" + c.r.PathValue("kind") + "/" + c.r.PathValue("store")
		for _, item := range c.site.items() {
			if item.path() == path {
				return h(c, item)
			}
		}
		return nil, notFound(path)
	}
}

func storeMachines(c *call, _ storeItem) (any, error) {
	list := []any{}
	for i, m := range c.site.spec.Stores.machines {
		role := []string{"PRIMARY", "STANDBY"}[min(i, 1)]
		list = append(list, map[string]any{"name": m.host, "adminURL": fmt.Sprintf("https://%s:2443/arcgis/datastoreadmin", m.host), "role": role})
	}
	return map[string]any{"machines": list}, nil
}

// validateStore really asks the machine of the Data Store.
func validateStore(c *call, item storeItem) (any, error) {
	store := c.site.spec.Stores.machine(c.r.PathValue("machine"))
	if store == nil {
		return nil, notFound(c.r.PathValue("machine"))
	}
	healthy := c.machine.asks(c.r.Context(), store) && !c.takeFault("store-sick", "store-validate")
	answer := map[string]any{"isHealthy": healthy, "overallhealth": map[bool]string{true: "Healthy", false: "Unhealthy"}[healthy]}
	if item.provider == "nosql" {
		answer["nodes"] = []any{map[string]any{"name": store.host}}
	}
	return answer, nil
}

// asks tells whether a machine of the Data Store answers a machine of the
// hosting Server.
func (m *machine) asks(ctx context.Context, store *machine) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	dial := m.dialTLS
	if !m.site.spec.Options.StoresVerified {
		dial = func(ctx context.Context, _, address string) (net.Conn, error) {
			raw, err := m.site.ground.Inside.DialContext(ctx, "tcp", address)
			if err != nil {
				return nil, err
			}
			secure := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
			return secure, secure.HandshakeContext(ctx)
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialTLSContext: dial}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://%s:2443/arcgis/datastoreadmin/configure?f=json", store.host), nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// webAdaptors are registered ones. Source: portal/web-adaptors
func webAdaptors(c *call) (any, error) {
	list := []any{}
	for _, m := range c.site.machines {
		if adaptor := c.site.spec.Adaptor; adaptor != "" {
			list = append(list, map[string]any{"machineName": m.host, "machineIP": m.host, "webAdaptorURL": "https://" + m.host + "/" + adaptor, "id": shortName(m.host),
				"description": "", "httpPort": 80, "httpsPort": 443, "refreshServerListInterval": 1, "reconnectServerOnFailureInterval": 1})
		}
	}
	return map[string]any{"webAdaptors": list}, nil
}
