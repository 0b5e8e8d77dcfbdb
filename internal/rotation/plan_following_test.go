package rotation

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

func TestAVersionlessReferenceIsAlwaysLookedUpAgain(t *testing.T) {
	ca := newTestCA(t)
	old, renewed, newer := ca.issue(9, domain), ca.issue(90, domain), ca.issue(200, domain)
	w := newVaultWorld(t, old, gisSecret, renewed, old)
	w.vaulted.Versions[1].Enabled = false
	goal := goalOf(ca, nil)
	goal.File = ""

	plan := w.plan(goal)
	if !plan.Obstacles.Has("no-way-back") || plan.Blocked() || plan.Moves[0].Back != nil {
		t.Errorf("the old version is disabled: obstacles %v, way back %v", plan.Obstacles, plan.Moves[0].Back)
	}

	// Going away from a reference whose newest version is not what is served:
	// the write itself makes the gateway look, so it cannot simply be pointed back.
	file := goalOf(ca, newer)
	file.Form = FormInline
	plan = newVaultWorld(t, old, gisSecret, renewed, old).plan(file)
	if back := plan.Moves[0].Back; back == nil || back.Secret != gisSecret+"/v1" {
		t.Errorf("way back %+v, want the version of before", back)
	}
}

// The newest version may be none that a gateway can use; looking again would
// break what works.
func TestWhatAGatewayCannotUseIsNotFollowed(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	goal := goalOf(ca, nil)
	goal.File = ""
	w := newVaultWorld(t, old, gisSecret, renewed, old)
	w.vaulted.chosen.Kind, w.vaulted.chosen.ContentType = cloud.VaultKindCertificate, "application/x-pkcs12"
	if plan := w.plan(goal); !plan.Findings.Has("vault-key-not-exportable") || !plan.Refused() {
		t.Errorf("findings %v, want that the key is not exportable", plan.Findings)
	}
	w.vaulted.chosen.Exportable = true
	if plan := w.plan(goal); plan.Refused() {
		t.Errorf("findings %v, want none that refuses", plan.Findings)
	}
	// A newer one that is disabled is not taken, and the look may disable the listener.
	w.vaulted.Versions = append([]VaultVersion{{Version: "v3"}}, w.vaulted.Versions...)
	if plan := w.plan(goal); !plan.Obstacles.Has("key-vault-newest-disabled") || plan.Moves[0].ToLeaf != pki.Fingerprint(renewed.Leaf) {
		t.Errorf("obstacles %v, moves %v", plan.Obstacles, plan.Moves)
	}
}

// What a failed run held at an old version follows again with the next plan.
func TestAHeldListenerFollowsAgain(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	w := newVaultWorld(t, old, gisSecret, renewed, old)
	held := referenceName(backPrefix, gisInVault.at("v1"))
	list := properties(w.document)["sslCertificates"].([]any)
	back := map[string]any{"name": held, "id": gatewayID + "/sslCertificates/" + held, "properties": map[string]any{
		"keyVaultSecretId": gisSecret + "/v1", "publicCertData": list[0].(map[string]any)["properties"].(map[string]any)["publicCertData"],
	}}
	properties(w.document)["sslCertificates"] = append(list, back)
	listener(w.document)["sslCertificate"] = map[string]any{"id": gatewayID + "/sslCertificates/" + held}
	goal := goalOf(ca, nil)
	goal.File = ""

	plan := w.plan(goal)
	want := []Move{{Listener: "https", From: held, FromLeaf: pki.Fingerprint(old.Leaf), To: "frontendCert", ToLeaf: pki.Fingerprint(renewed.Leaf), Secret: gisSecret}}
	if diff := cmp.Diff(want, plan.Moves); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	if unused := CleanPlan(w.state(), nil); len(unused) != 0 {
		t.Errorf("clean would remove %v, to which the listener returns", unused)
	}
}

func TestARenewalThatCannotArriveIsWarnedOf(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain)
	for may, want := range map[Knowledge]bool{Yes: false, Unknown: false, No: true} {
		w := newVaultWorld(t, old, gisSecret, old)
		state := w.state()
		for i := range state.Vaulted {
			state.Vaulted[i].Readers = []Reader{{Identity: identityID, Principal: "p", May: may}}
		}
		if got := vaultFindings(state, nil).Has("identity-cannot-read"); got != want {
			t.Errorf("the identity may read: %s: warned %v, want %v", may, got, want)
		}
	}
}

func TestFindingsAboutReferences(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	for name, test := range map[string]struct {
		secret   string
		versions []*pki.Bundle
		want     string
	}{
		"it follows and serves the newest": {gisSecret, []*pki.Bundle{old}, ""},
		"it was renewed":                   {gisSecret, []*pki.Bundle{renewed, old}, "warning key-vault-newer"},
		"a fixed version":                  {gisSecret + "/v1", []*pki.Bundle{old}, "note key-vault-pinned"},
		"a fixed version, and a newer one": {gisSecret + "/v1", []*pki.Bundle{renewed, old}, "warning key-vault-pinned"},
		"nothing can be read":              {gisSecret, nil, "note key-vault-unread"},
		"a copy on the gateway":            {"", []*pki.Bundle{renewed}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, finding := range vaultFindings(newVaultWorld(t, old, test.secret, test.versions...).state(), nil) {
				got = append(got, string(finding.Severity)+" "+finding.Code)
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
