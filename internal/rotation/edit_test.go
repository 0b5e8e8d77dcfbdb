package rotation

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// TestSwitchingAndGoingBackTouchNothingElse holds for gateways of any shape:
// the switch changes the entry and the listeners' references and nothing else;
// making it twice changes nothing more; going back restores every reference.
func TestSwitchingAndGoingBackTouchNothingElse(t *testing.T) {
	ca := newTestCA(t)
	old, theirs, renewed := ca.issue(9, domain), ca.issue(50, "shop.example.com"), ca.issue(90, domain)
	leaves := map[string]*pki.Bundle{"frontendCert": old, "theirs": theirs}

	rapid.Check(t, func(rt *rapid.T) {
		document := drawGateway(t, rt, leaves)
		before := mustParse(t, document)
		state := stateOf(t, document, domain)
		plan, err := NewPlan(state, goalOf(ca, renewed))
		if err != nil {
			rt.Fatal(err)
		}
		if plan.NothingToDo() {
			return
		}
		moving := map[string]bool{}
		for _, move := range plan.Moves {
			moving[strings.ToLower(move.Listener)] = true
		}

		switched := edited(rt, before, switchTo(plan.Moves, renewed))
		for _, change := range cloud.WithoutServerMade(cloud.Difference(before.Document(), switched.Document())) {
			if !isEntry(change.Path, plan.Entry) && !isReference(change.Path, moving) {
				rt.Fatalf("%s changed from %q to %q", change.Path, change.Before, change.After)
			}
		}
		for name := range moving {
			if listener, _ := switched.Listener(name); listener.CertificateName != plan.Entry {
				rt.Fatalf("listener %s points to %s", name, listener.CertificateName)
			}
		}
		if _, err := switchTo(plan.Moves, renewed)(switched, 0); !errors.Is(err, ErrNothingToEdit) {
			rt.Fatalf("switching again: %v, want nothing to edit", err)
		}

		back := edited(rt, switched, switchTo(reversed(plan.Moves), nil))
		for _, change := range cloud.WithoutServerMade(cloud.Difference(before.Document(), back.Document())) {
			if !isEntry(change.Path, plan.Entry) && !strings.EqualFold(change.Before, change.After) { // ids have no case
				rt.Fatalf("after going back %s is %q, was %q", change.Path, change.After, change.Before)
			}
		}
	})
}

func TestAListenerThatSomebodyElseMovedIsNotTouched(t *testing.T) {
	ca := newTestCA(t)
	document := gatewayDocument(t, certificates("frontendCert", ca.issue(9, domain), "byHand", ca.issue(50, domain)), httpsListener("https", "byHand", domain))
	moves := []Move{{Listener: "https", From: "frontendCert", To: "cartouche-x"}}

	_, err := switchTo(moves, ca.issue(90, domain))(mustParse(t, document), 0)

	var moved *MovedError
	if !errors.As(err, &moved) || !strings.Contains(err.Error(), "byHand") {
		t.Errorf("edit = %v, want it to say that the listener points to byHand", err)
	}
}

func drawGateway(t *testing.T, rt *rapid.T, leaves map[string]*pki.Bundle) cloud.Document {
	var listeners []map[string]any
	for i := range rapid.IntRange(1, 6).Draw(rt, "listeners") {
		hosts := rapid.SampledFrom([][]string{{domain}, {strings.ToUpper(domain)}, {"*.example.com"}, {"shop.example.com"}, {}, nil}).Draw(rt, "hosts")
		entry := rapid.SampledFrom([]string{"frontendCert", "theirs", "FRONTENDCERT"}).Draw(rt, "entry")
		listener := httpsListener(fmt.Sprintf("listener%d", i), entry, hosts...)
		if rapid.Bool().Draw(rt, "strange") {
			properties := listener["properties"].(map[string]any)
			properties["strange"] = map[string]any{"kept": []any{rapid.Int64().Draw(rt, "number"), rapid.String().Draw(rt, "text")}}
			properties["sslCertificate"].(map[string]any)["strange"] = true
		}
		listeners = append(listeners, listener)
	}
	var pairs []any
	for _, name := range []string{"frontendCert", "theirs"} {
		pairs = append(pairs, name, leaves[name])
	}
	return gatewayDocument(t, certificates(pairs...), listeners...)
}

func edited(rt *rapid.T, gateway *cloud.Gateway, edit edit) *cloud.Gateway {
	document, err := edit(gateway, 0)
	if err != nil {
		rt.Fatalf("edit: %v", err)
	}
	after, err := cloud.ParseGateway(document)
	if err != nil {
		rt.Fatalf("read the edited gateway: %v", err)
	}
	return after
}

func isEntry(path, entry string) bool {
	return strings.HasPrefix(path, "properties.sslCertificates["+entry+"]")
}

func isReference(path string, moving map[string]bool) bool {
	name, ok := strings.CutPrefix(path, "properties.httpListeners[")
	name, isID := strings.CutSuffix(name, "].properties.sslCertificate.id")
	return ok && isID && moving[strings.ToLower(name)]
}
