package vault_test

import (
	"errors"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

func TestWhatAGatewayFetches(t *testing.T) {
	b := setUp(t)
	first := b.put("site", vault.Seed{})
	b.put("site", vault.Seed{Disabled: true})
	b.put("off", vault.Seed{Disabled: true})
	b.put("fixed", vault.Seed{NotExportable: true})
	b.put("text", vault.Seed{PEM: true})
	b.put("file", vault.Seed{Value: b.pfx(b.issue(), "")})
	b.put("locked", vault.Seed{Value: b.pfx(b.issue(), "secret")})
	b.put("gone", vault.Seed{})
	b.server.Delete("kv", "gone")
	fetch := func(principal, id string, newest bool) vault.Problem {
		t.Helper()
		pair, err := b.server.Fetch(t.Context(), principal, "https://kv.vault.azure.net"+id, newest)
		var refused *vault.FetchError
		if errors.As(err, &refused) {
			return refused.Problem
		}
		if err != nil || pair.PrivateKey == nil || len(pair.Certificate) != 2 {
			t.Errorf("%s: %d certificates: %v", id, len(pair.Certificate), err)
		}
		return ""
	}
	for _, row := range []struct {
		id     string
		newest bool
		want   vault.Problem
	}{
		{id: "/secrets/site"}, {id: "/secrets/SITE/"}, {id: "/secrets/site/" + first}, {id: "/secrets/file"},
		{"/secrets/site", true, vault.Disabled},
		{"/secrets/off", false, vault.Disabled},
		{"/secrets/fixed", false, vault.NotPFX},
		{"/secrets/text", false, vault.NotPFX},
		{"/secrets/locked", false, vault.NotPFX},
		{"/secrets/gone", false, vault.Missing},
		{"/secrets/none", false, vault.Missing},
		{"/secrets/site/0123", false, vault.Missing},
		{"/certificates/site", false, vault.Missing},
	} {
		if got := fetch(operator, row.id, row.newest); got != row.want {
			t.Errorf("%s: %q, want %q", row.id, got, row.want)
		}
	}
	if got := fetch("somebody", "/secrets/site", false); got != vault.NoPermission {
		t.Errorf("another principal: %q", got)
	}
	b.properties()["networkAcls"] = map[string]any{"defaultAction": "Deny", "bypass": "None"}
	if got := fetch(operator, "/secrets/site", false); got != vault.Restricted {
		t.Errorf("behind the firewall: %q", got)
	}
	delete(b.properties(), "networkAcls")
	for fault, want := range map[string]vault.Problem{"unavailable": vault.Unreachable, "reset": vault.Unreachable, "throttle": vault.Unreachable, "forbidden": vault.NoPermission, "slow": ""} {
		b.ground.Faults.Add(ground.Fault{Name: fault, Step: vault.StepFetch})
		if got := fetch(operator, "/secrets/site", false); got != want {
			t.Errorf("%s: %q, want %q", fault, got, want)
		}
	}
}
