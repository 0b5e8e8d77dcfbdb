package arm_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

const (
	secretID    = "https://kv.vault.azure.net/secrets/gis"
	identityID  = groupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader"
	principalID = "44444444-4444-4444-8444-444444444444"
)

// shelf is a vault that has one certificate, or one problem.
type shelf struct {
	mu      sync.Mutex
	pair    *authority.Issued
	problem vault.Problem
	fetched int
}

func (s *shelf) fetch(_ context.Context, principal, id string, _ bool) (tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched++
	switch {
	case s.problem != "":
		return tls.Certificate{}, &vault.FetchError{Problem: s.problem, ID: id}
	case principal != principalID || id != secretID:
		return tls.Certificate{}, &vault.FetchError{Problem: vault.NoPermission, ID: id}
	}
	return s.pair.TLS(), nil
}

func (s *shelf) put(pair *authority.Issued, problem vault.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pair, s.problem = pair, problem
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched
}

// withShelf is a bench whose gateway has an identity, and a body that refers
// to the shelf.
func withShelf(t *testing.T, change ...func(*arm.Options)) (*bench, *shelf, map[string]any) {
	t.Helper()
	s := &shelf{}
	b := setUp(t, append(change, func(o *arm.Options) { o.Fetch = s.fetch })...)
	s.put(b.issue(), "")
	b.add(map[string]any{"id": identityID, "location": "westeurope", "properties": map[string]any{"principalId": principalID, "clientId": "c"}})
	body := b.get(gatewayID + version).body
	body["identity"] = map[string]any{"type": "UserAssigned", "userAssignedIdentities": map[string]any{identityID: map[string]any{}}}
	list(body, "sslCertificates")[0]["properties"] = map[string]any{"keyVaultSecretId": secretID}
	return b, s, body
}

// ends follows an accepted write to its end and answers the operation's
// status with the codes of its details.
func (b *bench) ends(body map[string]any) string {
	b.t.Helper()
	ended := b.poll(b.call(http.MethodPut, gatewayID+version, body))
	out, _ := ended["status"].(string)
	of, _ := ended["error"].(map[string]any)
	details, _ := of["details"].([]any)
	for _, item := range details {
		out += " " + of["code"].(string) + "/" + item.(map[string]any)["code"].(string)
	}
	return out
}

func TestAReferenceIsReadByTheOperation(t *testing.T) {
	b, s, body := withShelf(t)
	if got := b.ends(body); got != "Succeeded" {
		t.Fatal(got)
	}
	if got, want := b.plane.serves("frontendCert"), s.pair.Leaf.SerialNumber.String(); got != want {
		t.Errorf("serves %s, want the vault's %s", got, want)
	}
	after := b.get(gatewayID + version).body
	properties := list(after, "sslCertificates")[0]["properties"].(map[string]any)
	if public, _ := properties["publicCertData"].(string); properties["keyVaultSecretId"] != secretID || !strings.HasPrefix(public, "MII") {
		t.Errorf("entry %v", properties)
	}
	assigned := after["identity"].(map[string]any)["userAssignedIdentities"].(map[string]any)[identityID].(map[string]any)
	if assigned["principalId"] != principalID {
		t.Errorf("identity %v", assigned)
	}
}

func TestAReferenceThatCannotBeReadFailsTheOperation(t *testing.T) {
	const denied, invalid = "Failed ApplicationGatewayKeyVaultSecretException/ApplicationGatewayKeyVaultSecretAccessDenied", "Failed ApplicationGatewayKeyVaultSecretException/ApplicationGatewaySslCertificateInvalidData"
	for problem, want := range map[vault.Problem]string{vault.NoPermission: denied, vault.Restricted: denied, vault.Disabled: denied, vault.Missing: denied, vault.VaultMissing: denied, vault.NotPFX: invalid,
		vault.Unreachable: "Succeeded"} { // it keeps what the entry has
		b, s, body := withShelf(t)
		s.put(nil, problem)
		if got := b.ends(body); got != want {
			t.Errorf("%s: %s, want %s", problem, got, want)
		}
		if got, want := b.plane.serves("frontendCert"), b.old.Leaf.SerialNumber.String(); got != want {
			t.Errorf("%s: the data plane lost the last good certificate", problem)
		}
	}
}

func TestAnUnreachableVaultFailsANewEntry(t *testing.T) {
	b, s, body := withShelf(t)
	s.put(nil, vault.Unreachable)
	properties := body["properties"].(map[string]any)
	properties["sslCertificates"] = append(properties["sslCertificates"].([]any), map[string]any{"name": "new", "properties": map[string]any{"keyVaultSecretId": secretID}})
	if got := b.ends(body); got != "Failed" {
		t.Error(got)
	}
	s.put(b.issue(), "")
	if got := b.ends(b.get(gatewayID + version).body); got != "Succeeded" {
		t.Errorf("the next write after that: %s", got)
	}
}

func TestAReferenceNeedsAnIdentityThatExists(t *testing.T) {
	b, _, body := withShelf(t)
	body["identity"].(map[string]any)["userAssignedIdentities"] = map[string]any{identityID + "x": map[string]any{}}
	b.wantError(b.call(http.MethodPut, gatewayID+version, body), 400, "FailedIdentityOperation")
	delete(body, "identity")
	b.wantError(b.call(http.MethodPut, gatewayID+version, body), 400, "ApplicationGatewayKeyVaultSecretRequiresIdentity")
}

func TestThePollFollowsAndDisables(t *testing.T) {
	b, s, body := withShelf(t)
	if got := b.ends(body); got != "Succeeded" {
		t.Fatal(got)
	}
	served := func() string { return b.plane.serves("frontendCert") }
	first, second := s.pair, b.issue()
	advance := func() {
		t.Helper()
		b.ground.Clock.Advance(4 * time.Hour)
		if err := b.manager.AwaitPolls(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	etag := text(b.get(gatewayID+version).body, "etag")
	s.put(second, "")
	if served() != first.Leaf.SerialNumber.String() {
		t.Fatal("the gateway followed without a poll")
	}
	advance()
	if served() != second.Leaf.SerialNumber.String() {
		t.Error("the poll did not take the new certificate over")
	}
	s.put(nil, vault.Unreachable)
	advance()
	if b.plane.rules() != 1 {
		t.Error("a vault that cannot be reached disabled the listener")
	}
	for _, problem := range []vault.Problem{vault.NoPermission, vault.Disabled, vault.Missing} {
		s.put(nil, problem)
		advance()
		if b.plane.rules() != 0 {
			t.Errorf("%s: the listener is not disabled", problem)
		}
		s.put(second, "")
		advance()
		if b.plane.rules() != 1 || served() != second.Leaf.SerialNumber.String() {
			t.Errorf("%s: the listener did not come back", problem)
		}
	}
	if n := b.ground.Ledger.Count(ground.ListenerState); n != 6 {
		t.Errorf("the ledger tells %d changes of listeners, want 6", n)
	}
	if got := text(b.get(gatewayID+version).body, "etag"); got != etag {
		t.Error("a poll moved the ETag")
	}
	b.manager.Remove(identityID)
	advance()
	if b.plane.rules() != 0 {
		t.Error("the listener answers although the identity is gone")
	}
}

func TestAPollIsAboutWhatIsServed(t *testing.T) {
	b, s, body := withShelf(t)
	s.put(nil, vault.NoPermission)
	if got := b.ends(body); !strings.HasPrefix(got, "Failed") {
		t.Fatal(got)
	}
	b.ground.Clock.Advance(4 * time.Hour)
	if err := b.manager.AwaitPolls(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.plane.rules() != 1 || b.plane.serves("frontendCert") != b.old.Leaf.SerialNumber.String() {
		t.Error("a poll after a failed write took the last good configuration away")
	}
}

func TestWhichWritesLook(t *testing.T) {
	for _, row := range []struct {
		name       string
		noOp, tags bool // what does not look
		want       [2]bool
	}{
		{name: "believed", want: [2]bool{true, true}},
		{name: "NoOpDoesNotLook", noOp: true, want: [2]bool{false, true}},
		{name: "TagsDoNotLook", tags: true, want: [2]bool{true, false}},
	} {
		b, s, body := withShelf(t, func(o *arm.Options) { o.Guesses.NoOpDoesNotLook, o.Guesses.TagsDoNotLook = row.noOp, row.tags })
		if got := b.ends(body); got != "Succeeded" || s.count() == 0 {
			t.Fatalf("%s: a write that changes something: %s, %d looks", row.name, got, s.count())
		}
		before := s.count()
		if got := b.ends(b.get(gatewayID + version).body); got != "Succeeded" {
			t.Fatalf("%s: %s", row.name, got)
		}
		if got := s.count() > before; got != row.want[0] {
			t.Errorf("%s: a PUT of the same document looks: %v, want %v", row.name, got, row.want[0])
		}
		before = s.count()
		b.call(http.MethodPatch, gatewayID+version, map[string]any{"tags": map[string]any{"a": "b"}})
		b.manager.Close() // waits for what goes on
		if got := s.count() > before; got != row.want[1] {
			t.Errorf("%s: a PATCH of tags looks: %v, want %v", row.name, got, row.want[1])
		}
	}
}

func TestGuessVaultsOfSubscription(t *testing.T) {
	for _, row := range []struct{ subscription, want string }{
		{subscription, "Succeeded"},
		{"55555555-5555-4555-8555-555555555555", "Failed ApplicationGatewayKeyVaultSecretException/ApplicationGatewayKeyVaultSecretAccessDenied"},
	} {
		b, _, body := withShelf(t, func(o *arm.Options) { o.Guesses.VaultsOfSubscription = true })
		b.add(map[string]any{"id": "/subscriptions/" + row.subscription + "/resourceGroups/gis/providers/Microsoft.KeyVault/vaults/kv", "location": "westeurope"})
		if got := b.ends(body); got != row.want {
			t.Errorf("vault in %s: %s, want %s", row.subscription, got, row.want)
		}
	}
}
