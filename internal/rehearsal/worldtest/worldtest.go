// Package worldtest lets tests into a simulated world as its environment says,
// with nothing but what any user of it has.
package worldtest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// Visitor is somebody in a world, signed in as its service principal.
type Visitor struct {
	Variables  map[string]string
	Network    *egress.Network
	Client     *http.Client
	Cloud      cloud.Cloud
	Credential azcore.TokenCredential
	Azure      *cloud.ResourceManager
}

// Start starts a world that ends with the test.
func Start(t testing.TB, options sim.Options) *sim.World {
	t.Helper()
	world, err := sim.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := world.Close(); err != nil {
			t.Errorf("close the world: %v", err)
		}
	})
	return world
}

// Network is the one that the variables of a world lead into.
func Network(t testing.TB, variables []sim.Variable) (*egress.Network, map[string]string) {
	t.Helper()
	values := map[string]string{}
	for _, variable := range variables {
		values[variable.Name] = variable.Value
	}
	network, err := egress.FromEnvironment(func(name string) string { return values[name] })
	if err != nil {
		t.Fatal(err)
	}
	return network, values
}

// Enter signs in with the variables of a world, those of outside or of inside
// its virtual network.
func Enter(t testing.TB, variables []sim.Variable, options cloud.Options) *Visitor {
	t.Helper()
	return EnterBy(t, nil, nil, variables, options)
}

// EnterBy is Enter into a world in memory: dial is its World.Dial, or somebody
// who stands in between. wrap, unless it is nil, stands in between of the
// visitor and all requests to Azure.
func EnterBy(t testing.TB, dial egress.Dialer, wrap func(http.RoundTripper) http.RoundTripper, variables []sim.Variable, options cloud.Options) *Visitor {
	t.Helper()
	v := &Visitor{}
	v.Network, v.Variables = Network(t, variables)
	v.Network = v.Network.WithDialer(dial)
	v.Client = v.Network.HTTPClient(time.Minute)
	t.Cleanup(v.Client.CloseIdleConnections)
	if wrap != nil {
		v.Client.Transport = wrap(v.Client.Transport)
	}
	var err error
	if v.Cloud, err = cloud.ByName(v.Variables["CARTOUCHE_CLOUD"]); err != nil {
		t.Fatal(err)
	}
	v.Credential, err = cloud.SignIn(t.Context(), cloud.SignInOptions{
		Cloud: v.Cloud, Kind: cloud.ServicePrincipal, Client: v.Client,
		TenantID: v.Variables["AZURE_TENANT_ID"], ClientID: v.Variables["AZURE_CLIENT_ID"],
		ClientSecret: secret.New(v.Variables["AZURE_CLIENT_SECRET"]),
	})
	if err != nil {
		t.Fatal(err)
	}
	if dial != nil {
		v.Credential = oneByOne{v.Credential, make(chan struct{}, 1)}
	}
	options.Client = v.Client
	if v.Azure, err = cloud.NewResourceManager(v.Cloud, v.Credential, options); err != nil {
		t.Fatal(err)
	}
	return v
}

// oneByOne lets one ask for a token at a time. The SDK does so too, but with a
// mutex, and a goroutine that waits for one stops virtual time.
type oneByOne struct {
	azcore.TokenCredential
	turn chan struct{}
}

// Renew makes the next token a new one, as the credential itself can.
func (o oneByOne) Renew() {
	if renewable, ok := o.TokenCredential.(interface{ Renew() }); ok {
		renewable.Renew()
	}
}

func (o oneByOne) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
		return o.TokenCredential.GetToken(ctx, options)
	case <-ctx.Done():
		return azcore.AccessToken{}, ctx.Err()
	}
}
