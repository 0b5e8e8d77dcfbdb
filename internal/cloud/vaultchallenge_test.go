package cloud

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// asked remembers for what tokens were asked.
type asked struct{ scopes []string }

func (a *asked) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	a.scopes = append(a.scopes, options.Scopes...)
	return credential{}.GetToken(ctx, options)
}

// Whatever a vault demands, no token is asked for anything but vaults, and the
// SDK survives it.
func FuzzWhatAVaultDemands(f *testing.F) {
	good := newFakeVault(nil).challenge
	f.Add(good)
	f.Add(good + `, error="insufficient_claims", claims="e30="`)
	f.Add(strings.Replace(good, "resource", "scope", 1))
	f.Add(`authBearer orization="x", resource="https://net"`)
	f.Fuzz(func(t *testing.T, challenge string) {
		if strings.ContainsAny(challenge, "\r\n\x00") {
			t.Skip("HTTP does not carry it")
		}
		vault, who := newFakeVault(t), &asked{}
		vault.challenge = challenge
		vault.on("GET /", 404, notThere)
		c, err := NewVaultClient(Public(), vaultAddress, who, Options{Client: &http.Client{Transport: vault}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.bundle(t.Context(), "web", "")
		for _, scope := range who.scopes {
			if scope != "https://vault.azure.net/.default" {
				t.Errorf("%q made it ask for %s", challenge, scope)
			}
		}
	})
}
