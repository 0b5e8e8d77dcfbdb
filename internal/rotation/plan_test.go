package rotation

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

const domain = "gis.example.com"

func TestPlanSwitchesTheListenerInOneWriteAndRestartsNothing(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	state := stateOf(t, gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": old.Leaf}, httpsListener("https", "frontendCert", domain)), domain)

	plan, err := NewPlan(state, goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Ready(); err != nil {
		t.Fatalf("the plan is not ready: %v", err)
	}
	want := []Move{{
		Listener: "https", From: "frontendCert", FromLeaf: pki.Fingerprint(old.Leaf),
		To: "cartouche-20261122-" + pki.Fingerprint(renewed.Leaf)[:8], ToLeaf: pki.Fingerprint(renewed.Leaf),
	}}
	if diff := cmp.Diff(want, plan.Moves); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	writes := 0
	for _, step := range plan.Steps {
		if step.Touches != "" {
			writes++
		}
		if len(step.Restarts) > 0 {
			t.Errorf("step %s restarts %v", step.Kind, step.Restarts)
		}
	}
	if writes != 1 {
		t.Errorf("%d steps write, want exactly one", writes)
	}
}

func TestPlanLeavesOtherSitesListenersAlone(t *testing.T) {
	ca := newTestCA(t)
	old, theirs, renewed := ca.issue(9, domain, "gis.internal.example"), ca.issue(50, "shop.example.com"), ca.issue(90, domain, "gis.internal.example")
	document := gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": old.Leaf, "shop": theirs.Leaf},
		httpsListener("shop", "shop", "shop.example.com"),
		httpsListener("ours", "frontendCert", domain),
		httpsListener("private", "frontendCert", "*.internal.example"))

	plan, err := NewPlan(stateOf(t, document, domain, "gis.internal.example"), goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	var moved []string
	for _, move := range plan.Moves {
		moved = append(moved, move.Listener)
	}
	if want := []string{"ours", "private"}; !slices.Equal(moved, want) {
		t.Errorf("moved listeners = %v, want %v", moved, want)
	}
}

func TestAListenerWithoutHostNamesIsOursOnlyForNamesThatNoOtherHas(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain)
	catchAll := httpsListener("catch-all", "frontendCert")

	alone := mustParse(t, gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": old.Leaf}, catchAll))
	if got := ownListeners(alone, []string{domain}); len(got) != 1 || got[0].Name != "catch-all" {
		t.Errorf("alone: own listeners = %v, want catch-all", got)
	}
	beside := mustParse(t, gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": old.Leaf}, catchAll, httpsListener("ours", "frontendCert", domain)))
	if got := ownListeners(beside, []string{domain}); len(got) != 1 || got[0].Name != "ours" {
		t.Errorf("beside: own listeners = %v, want only ours", got)
	}
}

func TestANameThatOnlyTheListenerKnowsMustBeCoveredToo(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain, "www."+domain)
	document := gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": old.Leaf}, httpsListener("https", "frontendCert", domain, "www."+domain))

	plan, err := NewPlan(stateOf(t, document, domain), goalOf(ca, ca.issue(90, domain)))
	if err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if err := plan.Ready(); !errors.As(err, &refused) || !refused.Findings.Has("name-not-covered") {
		t.Errorf("Ready() = %v, want www.%s to be missed", err, domain)
	}
}

func TestANameThatLeadsPastTheGatewayStopsThePlan(t *testing.T) {
	ca := newTestCA(t)
	old, renewed, cdn := ca.issue(9, domain), ca.issue(90, domain), ca.issue(50, domain)
	byName := handshake.Observation{Target: domain + ":443", Address: "198.51.100.7:443", ServerName: domain}
	atGateway := handshake.Observation{Target: domain + ":443", Address: "203.0.113.10:443", ServerName: domain, Chain: []*x509.Certificate{old.Leaf}}
	for name, test := range map[string]struct {
		seen    *x509.Certificate
		blocked bool
	}{
		"another certificate": {cdn.Leaf, true},
		"the gateway's own":   {old.Leaf, false},
		"the new one already": {renewed.Leaf, false},
	} {
		t.Run(name, func(t *testing.T) {
			state := stateOf(t, gatewayDocument(t, certificates("frontendCert", old), httpsListener("https", "frontendCert", domain)), domain)
			state.Listeners[0].Addresses = []string{"203.0.113.10"}
			byName.Chain = []*x509.Certificate{test.seen}
			state.Wire = []handshake.Observation{byName, atGateway}

			plan, err := NewPlan(state, goalOf(ca, renewed))
			if err != nil {
				t.Fatal(err)
			}
			if got := plan.Obstacles.Has("name-leads-elsewhere"); got != test.blocked {
				t.Errorf("name-leads-elsewhere = %t, want %t; obstacles %v", got, test.blocked, plan.Obstacles)
			}
		})
	}
}

func TestPlanHasNothingToDoWhenTheCertificateIsThere(t *testing.T) {
	ca := newTestCA(t)
	renewed := ca.issue(90, domain)
	state := stateOf(t, gatewayDocument(t, map[string]*x509.Certificate{"someName": renewed.Leaf}, httpsListener("https", "someName", domain)), domain)

	plan, err := NewPlan(state, goalOf(ca, renewed))
	if err != nil {
		t.Fatal(err)
	}
	if !plan.NothingToDo() || plan.Ready() != nil {
		t.Errorf("moves = %v, ready = %v; want nothing to do", plan.Moves, plan.Ready())
	}
}

func TestPlanRefusesTheCertificate(t *testing.T) {
	ca, stranger := newTestCA(t), newTestCA(t)
	old := ca.issue(9, domain)
	state := stateOf(t, gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": old.Leaf}, httpsListener("https", "frontendCert", domain)), domain)
	for name, bundle := range map[string]*pki.Bundle{
		"another name":        ca.issue(90, "other.example.com"),
		"an unknown root":     stranger.issue(90, domain),
		"expired already":     ca.issue(-1, domain),
		"ends before the old": ca.issue(5, domain),
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := NewPlan(state, goalOf(ca, bundle))
			if err != nil {
				t.Fatal(err)
			}
			var refused *RefusedError
			if err := plan.Ready(); !errors.As(err, &refused) {
				t.Errorf("Ready() = %v, want a refusal; findings: %v", err, plan.Findings)
			}
		})
	}
}

func TestPlanIsBlockedByTheDeployment(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	for name, test := range map[string]struct {
		change func(document cloud.Document)
		code   string
	}{
		"busy":     {func(d cloud.Document) { properties(d)["provisioningState"] = "Updating" }, "gateway-busy"},
		"canceled": {func(d cloud.Document) { properties(d)["provisioningState"] = "Canceled" }, "gateway-failed"},
		"failed":   {func(d cloud.Document) { properties(d)["provisioningState"] = "Failed" }, "gateway-failed"},
		"no listener of ours": {func(d cloud.Document) {
			listener(d)["hostNames"] = []any{"elsewhere.example.com"}
		}, "no-listener"},
	} {
		t.Run(name, func(t *testing.T) {
			document := gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": old.Leaf}, httpsListener("https", "frontendCert", domain))
			test.change(document)
			plan, err := NewPlan(stateOf(t, document, domain), goalOf(ca, renewed))
			if err != nil {
				t.Fatal(err)
			}
			var blocked *BlockedError
			if err := plan.Ready(); !errors.As(err, &blocked) || blocked.Obstacles[0].Code != test.code {
				t.Errorf("Ready() = %v, want blocked by %s", err, test.code)
			}
		})
	}
}

func TestASavedPlanComesBackAsItWas(t *testing.T) {
	plan, _ := savedPlan(t)
	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParsePlan(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(again)); diff != "" {
		t.Errorf("the plan changed on the way (-saved +read):\n%s", diff)
	}
}

func TestAnEditedPlanIsRefused(t *testing.T) {
	plan, _ := savedPlan(t)
	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(data), `"listener":"https"`, `"listener":"other"`, 1)
	if edited == string(data) {
		t.Fatal("the edit did not change anything")
	}
	var refused *EditedPlanError
	if _, err := ParsePlan([]byte(edited)); !errors.As(err, &refused) {
		t.Errorf("ParsePlan(edited) = %v, want an *EditedPlanError", err)
	}
}

func TestAPlanSaysWhatMovedSince(t *testing.T) {
	for name, test := range map[string]struct {
		change func(document cloud.Document)
		moved  string // "" when nothing that matters did
	}{
		"nothing": {func(cloud.Document) {}, ""},
		"an ETag": {func(d cloud.Document) { d["etag"] = `W/"2"` }, ""},
		"a listener": {func(d cloud.Document) { listener(d)["requireServerNameIndication"] = true },
			"gateway properties.httpListeners[https] changed"},
		"a tag":                {func(d cloud.Document) { d["tags"].(map[string]any)["owner"] = "x" }, "gateway tags changed"},
		"something unknown":    {func(d cloud.Document) { properties(d)["notInvented"] = "else" }, "gateway properties.notInvented changed"},
		"something new":        {func(d cloud.Document) { properties(d)["brandNew"] = "x" }, "gateway properties.brandNew is new"},
		"something taken away": {func(d cloud.Document) { delete(properties(d), "notInvented") }, "gateway properties.notInvented is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			plan, document := savedPlan(t)
			test.change(document)
			err := plan.MovedSince(stateOf(t, document, domain))
			var moved *MovedError
			switch {
			case test.moved == "" && err != nil:
				t.Errorf("MovedSince = %v, want nothing", err)
			case test.moved != "" && (!errors.As(err, &moved) || !slices.Contains(moved.Moved, test.moved)):
				t.Errorf("MovedSince = %v, want %q", err, test.moved)
			}
		})
	}
}

func TestGatewayHostNamePatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"gis.example.com", "gis.example.com", true},
		{"*.example.com", "gis.example.com", true},
		{"*.example.com", "example.com", false},
		{"gis?.example.com", "gis1.example.com", true},
		{"gis?.example.com", "gis.example.com", false},
		{"*", "anything.example", true},
		{"GIS.example.com", "gis.EXAMPLE.com", true},
		{"", "gis.example.com", false},
	} {
		if got := len(matching([]string{test.pattern}, []string{test.name})) == 1; got != test.want {
			t.Errorf("%q matches %q = %t, want %t", test.pattern, test.name, got, test.want)
		}
	}
}

// savedPlan gives a plan and the document that it was made for.
func savedPlan(t testing.TB) (Plan, cloud.Document) {
	t.Helper()
	ca := newTestCA(t)
	document := gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": ca.issue(9, domain).Leaf}, httpsListener("https", "frontendCert", domain))
	plan, err := NewPlan(stateOf(t, document, domain), goalOf(ca, ca.issue(90, domain)))
	if err != nil {
		t.Fatal(err)
	}
	return plan, document
}

func properties(document cloud.Document) map[string]any {
	return document["properties"].(map[string]any)
}

func listener(document cloud.Document) map[string]any {
	return properties(document)["httpListeners"].([]any)[0].(map[string]any)["properties"].(map[string]any)
}
