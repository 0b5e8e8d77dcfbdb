package rotation

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// The tests of this file each hold a way in which a rotation could have ended
// with less than it claims.

const secondary = "gis.internal.example"

// seenAt is a completed handshake.
func seenAt(name, port, address, sni string, bundle *pki.Bundle) handshake.Observation {
	o := handshake.Observation{Target: name + ":" + port, ServerName: sni, Chain: []*x509.Certificate{bundle.Leaf}}
	if address != "" {
		o.Address = address + ":" + port
	}
	return o
}

// elsewhere puts a listener on a frontend and a port of its own.
func elsewhere(listener map[string]any, frontend, port string) map[string]any {
	properties := listener["properties"].(map[string]any)
	properties["frontendIPConfiguration"] = map[string]any{"id": gatewayID + "/frontendIPConfigurations/" + frontend}
	properties["frontendPort"] = map[string]any{"id": gatewayID + "/frontendPorts/port" + port}
	return listener
}

// withPort8443 gives a gateway a second port.
func withPort8443(t *testing.T, document cloud.Document) cloud.Document {
	ports := properties(document)["frontendPorts"].([]any)
	properties(document)["frontendPorts"] = append(ports, map[string]any{
		"name": "port8443", "id": gatewayID + "/frontendPorts/port8443", "properties": map[string]any{"port": 8443},
	})
	return numbered(t, document)
}

func fingerprints(expected expectation) map[spot]string {
	leaves := map[spot]string{}
	for at, want := range expected {
		leaves[at] = want.leaf
	}
	return leaves
}

// Two names of the deployment have listeners and certificates of their own,
// which one new certificate replaces. Without SNI the first listener answers,
// whatever name was meant.
func TestWithoutSNIALeafOfOursThatMovesIsExpectedToMove(t *testing.T) {
	ca := newTestCA(t)
	first, second, renewed := ca.issue(9, domain), ca.issue(8, secondary), ca.issue(90, domain, secondary)
	document := gatewayDocument(t, certificates("first", first, "second", second),
		httpsListener("first", "first", domain), httpsListener("second", "second", secondary))
	state := stateOf(t, document, domain, secondary)
	state.Wire = []handshake.Observation{
		seenAt(domain, "443", "", domain, first), seenAt(domain, "443", "", "", first),
		seenAt(secondary, "443", "", secondary, second), seenAt(secondary, "443", "", "", first),
	}
	plan, err := NewPlan(state, goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range expect(state, plan.Moves) {
		if want.leaf != pki.Fingerprint(renewed.Leaf) {
			t.Errorf("%+v is expected to serve %.8s, want the new leaf everywhere", at, want.leaf)
		}
	}
}

// Another site on the gateway has the same certificate (a wildcard), keeps it,
// and may be the one that answers without SNI.
func TestWithoutSNIASiteWithTheSameCertificateMayKeepIt(t *testing.T) {
	ca := newTestCA(t)
	wildcard, renewed := ca.issue(9, "*.example.com"), ca.issue(90, domain)
	document := gatewayDocument(t, certificates("wild", wildcard),
		httpsListener("shop", "wild", "shop.example.com"), httpsListener("ours", "wild", domain))
	state := stateOf(t, document, domain)
	plan, err := NewPlan(state, goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	expected := expect(state, plan.Moves)
	for _, without := range []*pki.Bundle{wildcard, renewed} {
		wire := []handshake.Observation{seenAt(domain, "443", "", domain, renewed), seenAt(domain, "443", "", "", without)}
		if failures, _ := compare(wire, expected); len(failures) > 0 {
			t.Errorf("compare = %v, want nothing", failures)
		}
		if findings := judgeWire(wire, state, plan, goalOf(ca, renewed)); findings.Refused() {
			t.Errorf("judgeWire = %v, want no refusal", findings)
		}
	}
	old := []handshake.Observation{seenAt(domain, "443", "", domain, wildcard), seenAt(domain, "443", "", "", wildcard)}
	if failures, _ := compare(old, expected); len(failures) != 1 {
		t.Errorf("compare with the old leaf under our name = %v, want one failure", failures)
	}
}

// One name has a public and a private listener with certificates of their own,
// and going back leads each to its own.
func TestTheAddressTellsWhichListenerAnswers(t *testing.T) {
	ca := newTestCA(t)
	public, private, renewed := ca.issue(9, domain), ca.issue(8, domain), ca.issue(90, domain)
	document := gatewayDocument(t, certificates("public", public, "private", private, "new", renewed),
		elsewhere(httpsListener("public", "new", domain), "public", "443"),
		elsewhere(httpsListener("private", "new", domain), "private", "443"))
	state := stateOf(t, document, domain)
	state.Listeners[0].Addresses, state.Listeners[1].Addresses = []string{"2001:DB8:0::7"}, []string{"10.0.0.7"}
	state.Wire = nil
	want := map[spot]string{}
	for address, old := range map[string]*pki.Bundle{"[2001:db8::7]": public, "10.0.0.7": private} {
		for _, sni := range []string{domain, ""} {
			o := seenAt(domain, "443", address, sni, renewed)
			state.Wire = append(state.Wire, o)
			want[spotOf(o)] = pki.Fingerprint(old.Leaf)
		}
	}
	moves := []Move{
		{Listener: "PUBLIC", From: "new", To: "public", ToLeaf: pki.Fingerprint(public.Leaf)},
		{Listener: "private", From: "new", To: "private", ToLeaf: pki.Fingerprint(private.Leaf)},
	}
	if diff := cmp.Diff(want, fingerprints(expect(state, moves)), cmpopts.EquateComparable(spot{})); diff != "" {
		t.Errorf("expected leaves (-want +got):\n%s", diff)
	}
}

// A listener that stays, and of whose certificate Azure tells nothing, must go
// on serving what it served.
func TestAListenerThatStaysServesWhatItServed(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain)
	state := stateOf(t, gatewayDocument(t, certificates("frontendCert", old), httpsListener("https", "frontendCert", domain)), domain)
	state.Listeners[0].Leaf = nil
	if failures, _ := compare(state.Wire, expect(state, nil)); len(failures) > 0 {
		t.Errorf("compare = %v, want nothing: nothing was moved", failures)
	}
}

// Going back to an entry of which Azure tells no leaf cannot be proved, least of
// all by the leaf that is served already.
func TestAMoveToAnUnknownLeafIsNotProvedByWhatIsServedNow(t *testing.T) {
	ca := newTestCA(t)
	state := stateOf(t, gatewayDocument(t, certificates("new", ca.issue(90, domain)), httpsListener("https", "new", domain)), domain)
	if failures, _ := compare(state.Wire, expect(state, []Move{{Listener: "https", From: "new", To: "frontendCert"}})); len(failures) != len(state.Wire) {
		t.Errorf("compare = %v, want every endpoint to fail", failures)
	}
}

// What another site serves without SNI says nothing about our name.
func TestNothingIsProvedWithoutAnAnswerByName(t *testing.T) {
	ca := newTestCA(t)
	old, theirs, renewed := ca.issue(9, domain), ca.issue(50, "shop.example.com"), ca.issue(90, domain)
	document := gatewayDocument(t, certificates("frontendCert", old, "shop", theirs),
		httpsListener("shop", "shop", "shop.example.com"), httpsListener("https", "frontendCert", domain))
	state := stateOf(t, document, domain)
	state.Wire = []handshake.Observation{
		{Target: domain + ":443", ServerName: domain, Failure: "the connection was reset"}, seenAt(domain, "443", "", "", theirs),
	}
	if found := wireObstacles(state); !found.Has("endpoint-unreachable") {
		t.Errorf("wireObstacles = %v, want endpoint-unreachable", found)
	}
	plan, err := NewPlan(state, goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	runner := &Runner{Patience: Patience{Rounds: 1, Proof: time.Millisecond}}
	_, _, failures := runner.proveWire(t.Context(), PhaseProve, nil, expect(state, plan.Moves))
	if len(failures) != 1 || failures[0].sentence != errNothingProvable.Error() || !failures[0].unseen {
		t.Errorf("proveWire = %v, want %v", failures, errNothingProvable)
	}
	if plan.Serving.SHA256 != pki.Fingerprint(old.Leaf) {
		t.Errorf("the plan replaces %s, want our own certificate and not the one of another site", plan.Serving.Subject)
	}
}

// The same name on two ports is two listeners, which may differ.
func TestTwoPortsWithTwoCertificatesAreNoDrift(t *testing.T) {
	ca := newTestCA(t)
	one, other := ca.issue(9, domain), ca.issue(50, domain)
	document := withPort8443(t, gatewayDocument(t, certificates("one", one, "other", other),
		httpsListener("https", "one", domain), elsewhere(httpsListener("https-8443", "other", domain), "public", "8443")))
	state := stateOf(t, document, domain)
	state.Wire = []handshake.Observation{seenAt(domain, "443", "", domain, one), seenAt(domain, "8443", "", domain, other)}
	for _, listener := range state.Listeners {
		if found := wireAgainstConfiguration(listener, state); len(found) > 0 {
			t.Errorf("%s: %v, want nothing", listener.Name, found)
		}
	}
	state.Wire[1] = seenAt(domain, "8443", "", domain, one)
	if found := wireAgainstConfiguration(state.Listeners[1], state); !found.Has("wire-differs") {
		t.Errorf("port 8443 serves the other certificate: %v, want wire-differs", found)
	}
}

// A listener without host names answers on its own frontend and port only: it
// may be ours beside a listener that has the name somewhere else.
func TestAListenerWithoutHostNamesBesideOneOnAnotherFrontend(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain)
	for name, test := range map[string]struct {
		frontend, port string
		want           []string
	}{
		"the same frontend and port":  {"public", "443", []string{"ours"}},
		"the private frontend":        {"private", "443", []string{"ours", "basic"}},
		"another port, another thing": {"private", "8443", []string{"ours"}},
	} {
		document := withPort8443(t, gatewayDocument(t, certificates("frontendCert", old),
			elsewhere(httpsListener("basic", "frontendCert"), test.frontend, test.port),
			elsewhere(httpsListener("ours", "frontendCert", domain), "public", "443")))
		var got []string
		for _, listener := range ownListeners(mustParse(t, document), []string{domain}) {
			got = append(got, listener.Name)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: own listeners = %v, want %v", name, got, test.want)
		}
	}
}

// An endpoint that answered before must answer again.
func TestSilenceIsNoProof(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	good := seenAt(domain, "443", "", domain, renewed)
	silent := handshake.Observation{Target: domain + ":443", Address: "192.0.2.7:443", ServerName: domain, Failure: "no connection within 10s"}
	expected := expectation{
		spotOf(good):   {leaf: pki.Fingerprint(renewed.Leaf), meanwhile: pki.Fingerprint(old.Leaf)},
		spotOf(silent): {leaf: pki.Fingerprint(renewed.Leaf), meanwhile: pki.Fingerprint(old.Leaf)},
	}
	broken := silent // the chain came, and then the handshake failed
	broken.Chain = good.Chain
	for name, wire := range map[string][]handshake.Observation{
		"no answer": {good, silent}, "a broken handshake": {good, broken}, "not looked at": {good}, "nothing at all": nil,
	} {
		if failures, strangers := compare(wire, expected); len(failures) != len(expected)-min(len(wire), 1) || len(strangers) > 0 {
			t.Errorf("%s: failures %q, strangers %q", name, failures, strangers)
		}
	}
}
