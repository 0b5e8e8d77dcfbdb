package reach_test

import (
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// place is a simulated world with what a person has who works in it.
type place struct {
	*sim.World
	t        testing.TB
	azure    *cloud.ResourceManager
	outside  *egress.Network
	inside   *egress.Network
	found    []deployment.Deployment
	variable map[string]string
}

func newPlace(t testing.TB, options sim.Options) *place {
	t.Helper()
	if options.Scale == 0 {
		options.Scale = 300
	}
	if options.Current.Key == "" {
		options.Current.Key, options.Machines.Key = "p256", "p256"
	}
	world, err := sim.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := world.Close(); err != nil {
			t.Errorf("close the world: %v", err)
		}
	})
	p := &place{World: world, t: t, variable: map[string]string{}}
	for _, v := range world.Environment() {
		p.variable[v.Name] = v.Value
	}
	inside := map[string]string{}
	for _, v := range world.InsideEnvironment() {
		inside[v.Name] = v.Value
	}
	for into, variables := range map[**egress.Network]map[string]string{&p.outside: p.variable, &p.inside: inside} {
		if *into, err = egress.FromEnvironment(func(name string) string { return variables[name] }); err != nil {
			t.Fatal(err)
		}
	}
	client := p.outside.HTTPClient(time.Minute)
	t.Cleanup(client.CloseIdleConnections)
	in, err := cloud.ByName(p.variable["CARTOUCHE_CLOUD"])
	if err != nil {
		t.Fatal(err)
	}
	credential, err := cloud.SignIn(t.Context(), cloud.SignInOptions{
		Cloud: in, Kind: cloud.ServicePrincipal, Client: client,
		TenantID: p.variable["AZURE_TENANT_ID"], ClientID: p.variable["AZURE_CLIENT_ID"],
		ClientSecret: secret.New(p.variable["AZURE_CLIENT_SECRET"]),
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.azure, err = cloud.NewResourceManager(in, credential, cloud.Options{Client: client, PollInterval: time.Second}); err != nil {
		t.Fatal(err)
	}
	found, err := deployment.Find(t.Context(), p.azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	p.found = found.Deployments
	return p
}

// deployment is the one with this name.
func (p *place) deployment(name string) deployment.Deployment {
	p.t.Helper()
	for _, d := range p.found {
		if d.Name == name {
			return d
		}
	}
	p.t.Fatalf("there is no deployment %s", name)
	return deployment.Deployment{}
}
