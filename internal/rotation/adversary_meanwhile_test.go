package rotation

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// Another site on the gateway follows a vault of its own, and our write makes
// the gateway look there: that its certificate changes is no failure of ours.
func TestANeighbourThatFollowsMayChange(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	theirs, theirNext := ca.issue(20, "shop.example.com"), ca.issue(80, "shop.example.com")
	for name, follows := range map[string]bool{"it follows": true, "it does not": false} {
		document := gatewayDocument(t, certificates("frontendCert", old, "shop", theirs),
			httpsListener("https", "frontendCert", domain), httpsListener("shop", "shop", "shop.example.com"))
		for _, item := range properties(document)["sslCertificates"].([]any) {
			if entry := item.(map[string]any); entry["name"] == "shop" && follows {
				entry["properties"].(map[string]any)["keyVaultSecretId"] = "https://shopvault.vault.azure.net/secrets/shop"
			}
		}
		state := stateOf(t, document, domain)
		state.Wire = []handshake.Observation{seenAt(domain, "443", "", domain, old), seenAt(domain, "443", "", "", theirs)}
		plan, err := NewPlan(state, goalOf(ca, renewed))
		if err != nil {
			t.Fatal(err)
		}
		expected := expect(state, plan.Moves)
		for when, wanted := range map[string]struct {
			expected expectation
			leaf     *pki.Bundle
		}{"after the switch": {expected, renewed}, "gone back": {asBefore(state, expected), old}} {
			wire := []handshake.Observation{seenAt(domain, "443", "", domain, wanted.leaf), seenAt(domain, "443", "", "", theirNext)}
			if failures, _ := compare(wire, wanted.expected); len(failures) > 0 == follows {
				t.Errorf("%s, %s: %v", name, when, failures)
			}
		}
	}
}

// Cleaning and undoing write the gateway, and any write brings a renewal in Key
// Vault, which neither is about and neither could prove.
func TestARenewalThatWaitsIsNotBroughtByTheWay(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain, secondary), ca.issue(90, domain, secondary)
	w := newVaultWorld(t, old, gisSecret, renewed, old)
	list := properties(w.document)["sslCertificates"].([]any)
	copied := func(name string) map[string]any {
		return map[string]any{"name": name, "id": gatewayID + "/sslCertificates/" + name, "properties": map[string]any{
			"publicCertData": list[0].(map[string]any)["properties"].(map[string]any)["publicCertData"],
		}}
	}
	properties(w.document)["sslCertificates"] = append(list, copied("before"), copied("after"))
	properties(w.document)["httpListeners"] = append(properties(w.document)["httpListeners"].([]any), httpsListener("second", "after", secondary))
	state := stateOf(t, numbered(t, w.document), domain, secondary)
	state.Vaulted = []Vaulted{w.vaulted}

	var blocked *BlockedError
	// Without an Azure to write to, going on would panic.
	if _, err := (&Runner{}).Clean(t.Context(), state, []string{"before"}); !errors.As(err, &blocked) || !blocked.Obstacles.Has("key-vault-newer") {
		t.Errorf("Clean = %v, want it to be blocked by the renewal", err)
	}
	run := journal.Run{
		ID: "r", GatewayID: gatewayID, DeploymentID: "d1",
		Before: mustJSON(remembered{Moves: []Move{{Listener: "second", From: "before", To: "after", ToLeaf: pki.Fingerprint(old.Leaf)}}}),
	}
	plan, err := UndoPlan(state, run, goalOf(ca, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Ready(); !errors.As(err, &blocked) || !blocked.Obstacles.Has("key-vault-newer") {
		t.Errorf("UndoPlan = %v, want it to be blocked by the renewal", err)
	}
	state.Vaulted[0].chosen.Leaf = old.Leaf
	if plan, _ := UndoPlan(state, run, goalOf(ca, nil)); plan.Blocked() {
		t.Errorf("without a renewal it is blocked: %v", plan.Obstacles)
	}
}

// A run that may not go on sends nothing, neither forward nor back.
func TestARunThatMayNotGoOnSendsNothing(t *testing.T) {
	azure, runner, moves, renewed := switching(t)
	azure.put = func(_ *http.Request, sent cloud.Document) int { azure.document = sent; return http.StatusOK }
	asked := 0
	runner.May = func(context.Context) error { asked++; return errors.New("somebody else is at work") }
	for _, chances := range []int{0, secondChances} {
		done, err := runner.write(t.Context(), PhaseSwitch, gatewayID, switchTo(moves, renewed), chances)
		if err == nil || err.Error() != "somebody else is at work" || done.Writes != 0 || len(azure.ifMatches) != 0 {
			t.Errorf("write = %+v, %v, and the gateway counts %d; want nothing sent", done, err, len(azure.ifMatches))
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times, want once for each", asked)
	}
	if _, err := runner.importOne(t.Context(), Import{}, renewed); err == nil || err.Error() != "somebody else is at work" {
		t.Errorf("import: %v", err)
	}
	done := runner.atMachine(t.Context(), PhaseTrust, State{}, reach.Machine{Name: "gis-1"}, []machine.Task{{Kind: machine.Restart}})
	if done.Trouble != "somebody else is at work" || done.changed() {
		t.Errorf("at a machine: %+v", done)
	}
}
