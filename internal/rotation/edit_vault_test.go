package rotation

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// lookingAgain is a world in which the listener follows a certificate that was
// renewed, and the plan for that.
func lookingAgain(t *testing.T) (*vaultWorld, Plan) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	w := newVaultWorld(t, old, gisSecret, renewed, old)
	goal := goalOf(ca, nil)
	goal.File = ""
	return w, w.plan(goal)
}

func TestLookingAgainWritesTheDocumentAsItIs(t *testing.T) {
	w, plan := lookingAgain(t)
	gateway := mustParse(t, w.document)

	document, err := switchTo(plan.Moves, nil)(gateway, 0)
	if err != nil {
		t.Fatal(err)
	}
	if changes := cloud.Difference(gateway.Document(), document); len(changes) > 0 {
		t.Errorf("it changes %v", changes)
	}
	if _, err := switchTo(plan.Moves, nil)(gateway, 1); !errors.Is(err, ErrNothingToEdit) {
		t.Errorf("after it was carried out: %v, want nothing to edit; the proof decides", err)
	}
	list := properties(w.document)["sslCertificates"].([]any)
	list[0].(map[string]any)["properties"].(map[string]any)["keyVaultSecretId"] = vaultURI + "/secrets/other"
	if _, err := switchTo(plan.Moves, nil)(mustParse(t, w.document), 0); !errors.As(err, new(*MovedError)) {
		t.Errorf("the entry refers to something else: %v, want that it moved", err)
	}
}

// What was written, or imported, the gateway looks at by itself.
func TestGoingBackHoldsAListenerThatFollows(t *testing.T) {
	for _, state := range []string{"Succeeded", "Failed"} {
		w, plan := lookingAgain(t)
		properties(w.document)["provisioningState"] = state
		gateway := mustParse(t, w.document)
		document, err := goBack(undone{moves: plan.Moves, before: gateway})(gateway, 0)
		if err != nil {
			t.Fatal(err)
		}
		after := mustParse(t, document)
		listener, _ := after.Listener("https")
		entry, _ := after.Certificate(listener.CertificateName)
		if entry.KeyVaultSecretID != gisSecret+"/v1" || !strings.HasPrefix(entry.Name, backPrefix) {
			t.Errorf("%s: the listener is at %s (%s), want the version of before", state, entry.Name, entry.KeyVaultSecretID)
		}
		if _, err := goBack(undone{moves: plan.Moves, before: gateway})(after, 0); !errors.Is(err, ErrNothingToEdit) {
			t.Errorf("%s: going back again: %v, want nothing to edit", state, err)
		}
	}
}

// A reference that the gateway cannot read would make every later write fail.
func TestGoingBackTakesTheNewReferenceOut(t *testing.T) {
	ca := newTestCA(t)
	w := newVaultWorld(t, ca.issue(9, domain), "", ca.issue(90, domain))
	goal := goalOf(ca, nil)
	goal.File, goal.Vault = "", gisInVault
	plan := w.plan(goal)
	before := mustParse(t, w.document)
	switched, err := switchTo(plan.Moves, nil)(before, 0)
	if err != nil {
		t.Fatal(err)
	}

	document, err := goBack(undone{moves: plan.Moves, before: before})(mustParse(t, switched), 0)
	if err != nil {
		t.Fatal(err)
	}
	if changes := cloud.WithoutServerMade(cloud.Difference(before.Document(), document)); len(changes) > 0 {
		t.Errorf("after going back it differs from before: %v", changes)
	}
}

// Whatever mix of copies and references the listeners have: after the switch
// each is where the plan says, and after going back each is where it was, or
// held at the version of before, and nothing else has changed.
func TestSwitchingAndGoingBackWithReferences(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	secrets := []string{"", gisSecret, gisSecret + "/v1", vaultURI + "/secrets/unknown"}
	rapid.Check(t, func(rt *rapid.T) {
		w := newVaultWorld(t, old, "", renewed, old)
		goal := goalOf(ca, renewed)
		goal.Form = rapid.SampledFrom([]Form{FormFitting, FormReference, FormInline}).Draw(rt, "form")
		if rapid.Bool().Draw(rt, "named") {
			goal.Vault = gisInVault
		}
		list := properties(w.document)["sslCertificates"].([]any)
		var listeners []any
		for i := range rapid.IntRange(1, 4).Draw(rt, "listeners") {
			name := string(rune('a' + i))
			entry := map[string]any{"name": "e" + name, "id": gatewayID + "/sslCertificates/e" + name, "properties": map[string]any{
				"publicCertData": list[0].(map[string]any)["properties"].(map[string]any)["publicCertData"],
			}}
			if secret := rapid.SampledFrom(secrets).Draw(rt, name); secret != "" {
				entry["properties"].(map[string]any)["keyVaultSecretId"] = secret
			}
			list = append(list, entry)
			listeners = append(listeners, httpsListener(name, "e"+name, domain))
		}
		properties(w.document)["sslCertificates"], properties(w.document)["httpListeners"] = list, listeners
		document := numbered(t, w.document)
		state := stateOf(t, document, domain)
		state.Vaulted = []Vaulted{w.vaulted}
		plan, err := NewPlan(state, goal)
		if err != nil {
			rt.Fatal(err)
		}
		before := mustParse(t, document)
		switched := before
		document, err = switchTo(plan.Moves, renewed)(before, 0)
		switch {
		case errors.Is(err, ErrNothingToEdit) && plan.NothingToDo():
			return
		case err != nil:
			rt.Fatal(err)
		}
		switched = mustParse(t, document)
		for _, move := range plan.Moves {
			listener, _ := switched.Listener(move.Listener)
			entry, _ := switched.Certificate(listener.CertificateName)
			if listener.CertificateName != move.To || !holds(entry, move) && move.Secret != "" {
				rt.Fatalf("listener %s is at %s, want %s", move.Listener, listener.CertificateName, move.To)
			}
		}
		document, err = goBack(undone{moves: plan.Moves, before: before})(switched, 0)
		if err != nil && !errors.Is(err, ErrNothingToEdit) {
			rt.Fatal(err)
		}
		if err != nil {
			document = switched.Document()
		}
		back := mustParse(t, document)
		for _, was := range before.HTTPSListeners() {
			is, _ := back.Listener(was.Name)
			entry, _ := back.Certificate(is.CertificateName)
			held := entry.KeyVaultSecretID == gisSecret+"/v1"
			if is.CertificateName != was.CertificateName && !held {
				rt.Fatalf("listener %s is at %s, was at %s", was.Name, is.CertificateName, was.CertificateName)
			}
		}
		for _, change := range cloud.WithoutServerMade(cloud.Difference(before.Document(), document)) {
			ours := strings.HasPrefix(change.Path, "properties.sslCertificates["+entryPrefix)
			reference := strings.HasSuffix(change.Path, ".properties.sslCertificate.id")
			if !ours && !reference {
				rt.Fatalf("%s changed from %q to %q", change.Path, change.Before, change.After)
			}
		}
	})
}

// Where Azure does not show what a reference gives, only a write can tell.
func TestAReferenceThatShowsNothing(t *testing.T) {
	w, plan := lookingAgain(t)
	entry := properties(w.document)["sslCertificates"].([]any)[0].(map[string]any)
	delete(entry["properties"].(map[string]any), "publicCertData")
	gateway := mustParse(t, w.document)
	if _, err := switchTo(plan.Moves, nil)(gateway, 0); err != nil {
		t.Errorf("before a write: %v, want the document", err)
	}
	state := w.state()
	state.Wire = stateOf(t, newVaultWorld(t, w.old, gisSecret).document, domain).Wire
	if now := state.now(state.Listeners[0]); now.SHA256 != pki.Fingerprint(w.old.Leaf) {
		t.Errorf("what is seen and in the vault counts: got %s", now.SHA256)
	}
}
