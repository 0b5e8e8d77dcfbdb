package machine_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// A deployment with every product: all that listens on its machines is seen,
// what each is configured to serve, whom the portal knows, and what the hosting
// server has registered; and both validate what they know.
func TestEveryProductOfADeployment(t *testing.T) {
	t.Parallel()
	world, err := sim.Start(t.Context(), sim.Options{World: "roles", Scale: fast})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.Close() })
	variables := map[string]string{}
	for _, v := range world.InsideEnvironment() {
		variables[v.Name] = v.Value
	}
	network, err := egress.FromEnvironment(func(name string) string { return variables[name] })
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	seen := map[machine.Product][]machine.Seen{}
	var validated []machine.TaskResult
	var work sync.WaitGroup
	for _, s := range world.Sites() {
		job := machine.Job{
			Format: machine.Format, Admin: variables["CARTOUCHE_SITE_ADMIN"], Password: secret.New(variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
			Components: componentsOf(s.Product()),
		}
		for _, anchor := range s.TrustAnchors() {
			job.Pins = append(job.Pins, pki.Fingerprint(anchor))
		}
		switch s.Product() {
		case site.Portal:
			job.Tasks = []machine.Task{{Kind: machine.ValidateFederation, Port: 7443}}
		case site.Server:
			job.Tasks = []machine.Task{{Kind: machine.ValidateStores, Port: 6443}}
		}
		for _, host := range s.Machines() {
			job := job
			job.Host = host
			work.Go(func() {
				report := (&machine.Worker{Network: network}).Do(t.Context(), job)
				mu.Lock()
				defer mu.Unlock()
				validated = append(validated, report.Tasks...)
				for _, c := range report.Components {
					if len(c.Chain) > 0 { // not every server has every port
						seen[c.Product] = append(seen[c.Product], c)
					}
				}
			})
		}
	}
	work.Wait()

	for product, want := range map[machine.Product]int{
		machine.Portal: 2, machine.Server: 6, machine.Notebook: 1, machine.Mission: 1, machine.Video: 1,
		machine.DataStore: 2, machine.GeoEvent: 1, machine.WorkflowManager: 1, machine.WebAdaptor: 1,
	} {
		if got := len(seen[product]); got != want {
			t.Errorf("%d of %s are seen, want %d", got, product, want)
		}
		for _, c := range seen[product] {
			if !c.Healthy || c.Trouble != "" {
				t.Errorf("%s %s: healthy %v, %s", product, c.MachineName, c.Healthy, c.Trouble)
			}
			if c.HasKeystore() && entryOf(t, c, strings.ToLower(c.Alias)).SHA256 != served(t, c) {
				t.Errorf("%s %s serves another certificate than %s", product, c.MachineName, c.Alias)
			}
		}
	}
	for _, portal := range seen[machine.Portal] {
		if len(portal.Federated) < 6 || len(portal.Peers) != 2 {
			t.Errorf("portal %s of %v: %d servers", portal.MachineName, portal.Peers, len(portal.Federated))
		}
	}
	if portals := seen[machine.Portal]; len(portals) == 2 && portals[0].Role == portals[1].Role {
		t.Errorf("both portals are %s", portals[0].Role)
	}
	for _, server := range seen[machine.Server] {
		if server.Settings["Protocol"] != "HTTPS" || server.Settings["HSTSEnabled"] == "" {
			t.Errorf("server %s: %v", server.MachineName, server.Settings)
		}
	}
	hosting := slices.DeleteFunc(slices.Clone(seen[machine.Server]), func(c machine.Seen) bool { return len(c.Stores) == 0 })
	if len(hosting) != 2 || len(hosting[0].Stores) != 2 {
		t.Errorf("%d servers have data stores, want the two hosting ones with two each", len(hosting))
	}
	federation, stores := 0, 0
	for _, result := range validated {
		federation += len(result.Federation)
		stores += len(result.Stores)
		for _, v := range append(result.Federation, result.Stores...) {
			if v.Status != "success" {
				t.Errorf("%s: %s %v", v.Name, v.Status, v.Messages)
			}
		}
		if result.State != machine.TaskDone {
			t.Errorf("%+v", result)
		}
	}
	if federation < 12 || stores != 4 {
		t.Errorf("%d validations of servers and %d of data stores", federation, stores)
	}
}

func componentsOf(product string) []machine.Component {
	if product == "datastore" {
		return []machine.Component{{Product: machine.DataStore, Port: 2443}}
	}
	list := []machine.Component{{Product: machine.Product(product), Port: ports[product]}}
	switch product {
	case site.Server:
		list = append(list, machine.Component{Product: machine.GeoEvent, Port: 6143}, machine.Component{Product: machine.WorkflowManager, Port: 13443})
	case site.Notebook:
		list = append(list, machine.Component{Product: machine.WebAdaptor, Port: 443})
	}
	return list
}
