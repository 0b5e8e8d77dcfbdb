package sim_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// refer makes the deployment's listener use a secret of a vault, with the
// world's identity, as a person would.
func refer(t *testing.T, w *sim.World, secret string) error {
	t.Helper()
	p, id := pipeline(t, w), w.Deployments()[0].GatewayID
	document := raw{}
	if err := runtime.UnmarshalAsJSON(send(t, p, http.MethodGet, id, nil), &document); err != nil {
		t.Fatal(err)
	}
	document["identity"] = map[string]any{"type": "UserAssigned", "userAssignedIdentities": map[string]any{w.Identities()[0].ID: map[string]any{}}}
	document["properties"].(map[string]any)["sslCertificates"].([]any)[0].(map[string]any)["properties"] = map[string]any{"keyVaultSecretId": secret}
	poller, err := runtime.NewPoller[raw](send(t, p, http.MethodPut, id, document), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = poller.PollUntilDone(t.Context(), &runtime.PollUntilDoneOptions{Frequency: time.Second})
	return err
}

// advance is what a client of any language does.
func advance(t *testing.T, w *sim.World) {
	t.Helper()
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://world.invalid/advance?by=4h", nil)
	answer, err := client(t, w).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
}

func TestAGatewayFollowsItsVault(t *testing.T) {
	w := start(t, sim.Options{World: "ha", Scale: 600})
	const versionless = "https://entvault.vault.azure.net/secrets/maps"
	renew := func() string {
		t.Helper()
		issued, err := w.Authority().Issue(authority.Spec{Names: []string{w.Deployments()[0].Domain}, Key: "p256"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Vault().Put("entvault", "maps", vault.Seed{Pair: issued.TLS()}); err != nil {
			t.Fatal(err)
		}
		return issued.Leaf.SerialNumber.String()
	}
	before := served(t, w)
	if err := refer(t, w, versionless); err != nil {
		t.Fatal(err)
	}
	first := served(t, w)
	if first == before {
		t.Fatal("the gateway did not read the vault")
	}
	second := renew()
	if got := served(t, w); got != first {
		t.Errorf("serves %s before it looked, want %s", got, first)
	}
	advance(t, w)
	if got := served(t, w); got != second {
		t.Errorf("serves %s after four hours, want the new version %s", got, second)
	}

	pinned := versionless + "/" + w.Vault().Versions("entvault", "maps")[0]
	if err := refer(t, w, pinned); err != nil {
		t.Fatal(err)
	}
	third := renew()
	advance(t, w)
	if got := served(t, w); got != first {
		t.Errorf("a versioned reference serves %s, want its own %s", got, first)
	}
	if err := refer(t, w, versionless); err != nil {
		t.Fatal(err)
	}
	if got := served(t, w); got != third {
		t.Errorf("serves %s after a write, want the newest %s", got, third)
	}
	w.Vault().SetEnabled("entvault", "maps", "", false)
	if err := refer(t, w, versionless); err != nil {
		t.Fatal(err)
	}
	if got := served(t, w); got != second {
		t.Errorf("serves %s after the newest was disabled, want the one before, %s", got, second)
	}

	w.Ground().Faults.Add(ground.Fault{Name: "unavailable", Step: "gateway-fetch"})
	advance(t, w)
	if got := served(t, w); got != second {
		t.Errorf("serves %s when the vault is not to be reached, want %s", got, second)
	}
	w.Manager().SetGrants(w.Grants()[:1]...) // the identity has lost its role
	advance(t, w)
	if err := handshake(t, w); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a listener without access to its vault: %v", err)
	}
	w.Manager().SetGrants(w.Grants()...)
	advance(t, w)
	if err := handshake(t, w); err != nil {
		t.Errorf("after the role came back: %v", err)
	}
}

func handshake(t *testing.T, w *sim.World) error {
	t.Helper()
	name := w.Deployments()[0].Domain
	conn, err := w.Ground().Outside.DialContext(t.Context(), "tcp", name+":443")
	if err != nil {
		return err
	}
	defer conn.Close()
	return tls.Client(conn, &tls.Config{ServerName: name, RootCAs: w.Authority().Roots()}).Handshake()
}

func TestAGatewayRefusesWhatItCannotUse(t *testing.T) {
	w := start(t, sim.Options{World: "ha", Scale: 2000})
	before := served(t, w)
	for secret, want := range map[string]string{
		"entvault/maps-disabled": "ApplicationGatewayKeyVaultSecretAccessDenied",
		"entvault/maps-gone":     "ApplicationGatewayKeyVaultSecretAccessDenied",
		"entvault/maps-fixed":    "ApplicationGatewaySslCertificateInvalidData",
		"entvault/maps-text":     "ApplicationGatewaySslCertificateInvalidData",
		"othersvault/maps":       "ApplicationGatewayKeyVaultSecretAccessDenied",
		"novault/maps":           "ApplicationGatewayKeyVaultSecretAccessDenied",
		"entvault/maps-file":     "",
		"oldvault/maps":          "",
		"shutvault/maps":         "", // a gateway is a trusted service
	} {
		vault, name, _ := strings.Cut(secret, "/")
		err := refer(t, w, "https://"+vault+".vault.azure.net/secrets/"+name)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", secret, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", secret, err, want)
		}
	}
	if served(t, w) == before {
		t.Error("none of the good ones was taken over")
	}
}
