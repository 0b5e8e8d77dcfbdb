package rotation

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

const (
	vaultURI   = "https://entvault.vault.azure.net"
	gisSecret  = vaultURI + "/secrets/gis"
	identityID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gw"
)

var gisInVault = InVault{Vault: vaultURI, Name: "gis"}

// vaultWorld is a gateway with one listener and a certificate in Key Vault of
// which "old" is served and the versions are given, newest first.
type vaultWorld struct {
	t        *testing.T
	old      *pki.Bundle
	document cloud.Document
	vaulted  Vaulted
}

// newVaultWorld makes the listener's entry a reference, unless secretID is "".
func newVaultWorld(t *testing.T, old *pki.Bundle, secretID string, versions ...*pki.Bundle) *vaultWorld {
	w := &vaultWorld{t: t, old: old, vaulted: Vaulted{InVault: gisInVault, VaultID: "/vault", Roles: true, Readers: []Reader{{Identity: identityID, Principal: "p", May: Yes}}}}
	w.document = gatewayDocument(t, map[string]*x509.Certificate{"frontendCert": old.Leaf}, httpsListener("https", "frontendCert", domain))
	w.document["identity"] = map[string]any{"type": "UserAssigned", "userAssignedIdentities": map[string]any{identityID: map[string]any{}}}
	if secretID != "" {
		entry := properties(w.document)["sslCertificates"].([]any)[0].(map[string]any)
		entry["properties"].(map[string]any)["keyVaultSecretId"] = secretID
	}
	for i, version := range versions {
		w.vaulted.Versions = append(w.vaulted.Versions, VaultVersion{
			Version: fmt.Sprint("v", len(versions)-i), Thumbprint: pki.Thumbprint(version.Leaf), Enabled: true, NotAfter: version.Leaf.NotAfter,
		})
	}
	if len(versions) > 0 {
		w.vaulted.chosen = cloud.VaultCertificate{Name: "gis", Version: w.vaulted.Versions[0].Version, Enabled: true, Leaf: versions[0].Leaf}
	} else {
		w.vaulted.Trouble, w.vaulted.trouble = "not found", &cloud.Error{Status: 404, Message: "not found"}
	}
	return w
}

func (w *vaultWorld) state() State {
	state := stateOf(w.t, w.document, domain)
	state.Vaulted = []Vaulted{w.vaulted}
	return state
}

// resolved is a goal with what Resolve takes from the state.
func (w *vaultWorld) resolved(goal Goal) Goal {
	w.t.Helper()
	runner := &Runner{}
	got, err := runner.Resolve(w.t.Context(), w.state(), goal, func(b *pki.Bundle) *pki.Bundle { return b })
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *vaultWorld) plan(goal Goal) Plan {
	w.t.Helper()
	plan, err := NewPlan(w.state(), w.resolved(goal))
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

func TestPlansWithKeyVault(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	file := goalOf(ca, renewed)
	none := goalOf(ca, nil)
	none.File = ""
	with := func(goal Goal, change func(*Goal)) Goal { change(&goal); return goal }
	named := with(none, func(g *Goal) { g.Vault = gisInVault })
	held := referenceName(backPrefix, gisInVault.at("v1"))
	kv := referenceName(vaultPrefix, gisInVault)
	inline := EntryName(renewed)
	one, both := []*pki.Bundle{old}, []*pki.Bundle{renewed, old}
	for name, test := range map[string]struct {
		secret   string // of the listener's entry
		versions []*pki.Bundle
		goal     Goal
		// moves are "from -> to [secret] back to entry", imports the certificates.
		moves, imports string
		blocked        string
	}{
		"a file, inline":                            {"", nil, file, "frontendCert -> " + inline, "", ""},
		"a file, the listener follows":              {gisSecret, one, file, "frontendCert -> frontendCert [" + gisSecret + "] back to " + held, "gis", ""},
		"a file, imported already":                  {gisSecret, both, file, "frontendCert -> frontendCert [" + gisSecret + "] back to " + held, "", ""},
		"a file, served, and something newer waits": {gisSecret, both, with(goalOf(ca, old), func(*Goal) {}), "frontendCert -> frontendCert [" + gisSecret + "] back to " + held, "gis", ""},
		"a file, served as a copy, to Key Vault":    {"", both, with(goalOf(ca, old), func(g *Goal) { g.Vault, g.Form = gisInVault, FormInline }), "", "", ""},
		"a file, the link is cut":                   {gisSecret, one, with(file, func(g *Goal) { g.Form = FormInline }), "frontendCert -> " + inline, "", ""},
		"a file, a fixed version":                   {gisSecret + "/v1", one, file, "", "", "file-cuts-link"},
		"a file, to follow from now on":             {gisSecret + "/v1", one, with(file, func(g *Goal) { g.Form = FormReference }), "frontendCert -> " + kv + " [" + gisSecret + "]", "gis", ""},
		"Key Vault":                                 {"", []*pki.Bundle{renewed}, named, "frontendCert -> " + kv + " [" + gisSecret + "]", "", ""},
		"Key Vault, what is followed":               {gisSecret, both, named, "frontendCert -> frontendCert [" + gisSecret + "] back to " + held, "", ""},
		"Key Vault, what is served":                 {gisSecret, one, named, "", "", ""},
		"Key Vault, a copy of what is served":       {"", one, named, "", "", ""},
		"Key Vault, the copy becomes a link":        {"", one, with(named, func(g *Goal) { g.Form = FormReference }), "frontendCert -> " + kv + " [" + gisSecret + "]", "", ""},
		"Key Vault, the fixed version is freed":     {gisSecret + "/v1", one, named, "frontendCert -> " + kv + " [" + gisSecret + "]", "", ""},
		"a file by way of Key Vault":                {"", one, with(file, func(g *Goal) { g.Vault = gisInVault }), "frontendCert -> " + kv + " [" + gisSecret + "]", "gis", ""},
		"a file that is served, to Key Vault":       {"", nil, with(goalOf(ca, old), func(g *Goal) { g.Vault = gisInVault }), "frontendCert -> " + kv + " [" + gisSecret + "]", "gis", ""},
		"a file by way of a new certificate":        {"", nil, with(file, func(g *Goal) { g.Vault = gisInVault }), "frontendCert -> " + kv + " [" + gisSecret + "]", "gis", ""},
		"nothing, renewed in the vault":             {gisSecret, both, none, "frontendCert -> frontendCert [" + gisSecret + "] back to " + held, "", ""},
		"nothing, served already":                   {gisSecret, one, none, "", "", ""},
		"nothing, a fixed version":                  {gisSecret + "/v1", both, none, "", "", ""},
		"nothing, a fixed version is to follow":     {gisSecret + "/v1", both, with(none, func(g *Goal) { g.Form = FormReference }), "frontendCert -> " + kv + " [" + gisSecret + "]", "", ""},
		"a reference, and nothing says to what":     {"", one, with(file, func(g *Goal) { g.Form = FormReference }), "frontendCert -> " + inline, "", "reference-without-vault"},
		"the spelling of an identifier is loose":    {"HTTPS://EntVault.vault.azure.net/secrets/GIS/", both, none, "frontendCert -> frontendCert [HTTPS://EntVault.vault.azure.net/secrets/GIS/] back to " + referenceName(backPrefix, InVault{vaultURI, "GIS", "v1"}), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			plan := newVaultWorld(t, old, test.secret, test.versions...).plan(test.goal)

			var moves, imports []string
			for _, move := range plan.Moves {
				text := move.From + " -> " + move.To
				if move.Secret != "" {
					text += " [" + move.Secret + "]"
				}
				if move.Back != nil {
					text += " back to " + move.Back.Entry
				}
				moves = append(moves, text)
			}
			for _, in := range plan.Imports {
				imports = append(imports, in.Name)
			}
			if got := strings.Join(moves, ", "); got != test.moves {
				t.Errorf("moves %q\nwant  %q", got, test.moves)
			}
			if got := strings.Join(imports, ", "); got != test.imports {
				t.Errorf("imports %q, want %q", got, test.imports)
			}
			err := plan.Ready()
			if test.blocked == "" && err != nil {
				t.Errorf("not ready: %v", err)
			}
			if blocked := (*BlockedError)(nil); test.blocked != "" && (!errors.As(err, &blocked) || !blocked.Obstacles.Has(test.blocked)) {
				t.Errorf("Ready() = %v, want blocked by %s", err, test.blocked)
			}
			writes := slices.DeleteFunc(slices.Clone(plan.Steps), func(s Step) bool { return s.Touches != plan.GatewayID })
			if len(writes) > 1 {
				t.Errorf("%d writes of the gateway", len(writes))
			}
		})
	}
}

// Who may read the secret decides whether the listener can refer to it.
func TestTheGatewayMustBeAbleToReadTheVault(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	other := strings.Replace(identityID, "/gw", "/other", 1)
	for name, test := range map[string]struct {
		readers []Reader
		secret  string
		change  func(*Goal)
		found   string // code, "" when the plan is to be ready
		adds    string
	}{
		"it may":                            {[]Reader{{Identity: identityID, May: Yes}}, "", nil, "", ""},
		"it may not":                        {[]Reader{{Identity: identityID, Principal: "p", May: No}}, "", nil, "identity-cannot-read", ""},
		"there is no identity":              {nil, "", nil, "identity-cannot-read", ""},
		"nobody can tell":                   {[]Reader{{Identity: identityID, May: Unknown, Why: "forbidden"}}, "", nil, "identity-unknown", ""},
		"nobody can tell, and it does":      {[]Reader{{Identity: identityID, May: Unknown, Why: "forbidden"}}, gisSecret, nil, "", ""},
		"it followed, and may not any more": {[]Reader{{Identity: identityID, May: No}}, gisSecret, nil, "identity-cannot-read", ""},
		"another may, and is given":         {[]Reader{{Identity: identityID, May: No}, {Identity: other, May: Yes}}, "", func(g *Goal) { g.Identity = other }, "second-identity", other},
		"another may not either":            {[]Reader{{Identity: identityID, May: No}, {Identity: other, May: No}}, "", func(g *Goal) { g.Identity = other }, "identity-cannot-read", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newVaultWorld(t, old, test.secret, renewed, old)
			w.vaulted.Readers = test.readers
			goal := goalOf(ca, nil)
			goal.File, goal.Vault, goal.Form = "", gisInVault, FormReference
			if test.change != nil {
				test.change(&goal)
			}
			plan := w.plan(goal)

			if test.found == "" && len(plan.Obstacles) > 0 || test.found != "" && !plan.Obstacles.Has(test.found) {
				t.Errorf("obstacles %v, want %q", plan.Obstacles, test.found)
			}
			if blocked := test.found == "identity-cannot-read"; plan.Blocked() != blocked {
				t.Errorf("blocked = %t, want %t: %v", plan.Blocked(), blocked, plan.Obstacles)
			}
			if plan.AddIdentity != test.adds {
				t.Errorf("adds identity %q, want %q", plan.AddIdentity, test.adds)
			}
			if plan.Key != "stays in Key Vault; it is not read" {
				t.Errorf("key: %s", plan.Key)
			}
		})
	}
}

// Who may read one certificate of the vault, and has read it, is not told that he
// may not; who may not import is.
func TestWhatWasReadNeedsNoRightAnyMore(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	state := newVaultWorld(t, old, "", renewed).state()
	state.Access.Places = []Place{{Scope: "/vault"}}
	goal := goalOf(ca, renewed)
	goal.File, goal.Vault, goal.Form = "", gisInVault, FormInline
	plan, err := NewPlan(state, goal)
	if err != nil || plan.Obstacles.Has("permission-missing") || plan.Operations[0].Action != cloud.ReadCertificates {
		t.Errorf("obstacles %v, operations %v, %v", plan.Obstacles, plan.Operations, err)
	}
	goal = goalOf(ca, ca.issue(200, domain))
	goal.Vault = gisInVault
	if plan, err := NewPlan(state, goal); err != nil || !plan.Obstacles.Has("permission-missing") {
		t.Errorf("an import: obstacles %v, %v", plan.Obstacles, err)
	}
}

// What is in the vault decides; a version that the plan itself brings does not
// make it another plan.
func TestASavedPlanKnowsTheVault(t *testing.T) {
	ca := newTestCA(t)
	old, renewed, strangers := ca.issue(9, domain), ca.issue(90, domain), ca.issue(80, domain)
	plan := newVaultWorld(t, old, gisSecret, old).plan(goalOf(ca, renewed))
	if err := plan.MovedSince(newVaultWorld(t, old, gisSecret, renewed, old).state()); err != nil {
		t.Errorf("the plan's own version: %v", err)
	}
	moved := (*MovedError)(nil)
	if err := plan.MovedSince(newVaultWorld(t, old, gisSecret, strangers, old).state()); !errors.As(err, &moved) {
		t.Errorf("somebody else's version: %v, want that it moved", err)
	}
	w := newVaultWorld(t, old, gisSecret, old)
	w.vaulted.Readers[0].May = No
	if err := plan.MovedSince(w.state()); !errors.As(err, &moved) {
		t.Errorf("the identity may not read any more: %v, want that it moved", err)
	}
}

// Two listeners may follow two certificates, and any write makes the gateway look
// at both: so one plan brings and proves both.
func TestOneWriteBringsEveryRenewal(t *testing.T) {
	ca := newTestCA(t)
	const other = "www.example.org"
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	otherOld, otherRenewed, wrong := ca.issue(9, other), ca.issue(90, other), ca.issue(90, domain)
	w := newVaultWorld(t, old, gisSecret, renewed, old)
	second := newVaultWorld(t, otherOld, vaultURI+"/secrets/www", otherRenewed, otherOld)
	second.vaulted.InVault = InVault{Vault: vaultURI, Name: "www"}
	entry := properties(second.document)["sslCertificates"].([]any)[0].(map[string]any)
	entry["name"], entry["id"] = "www", gatewayID+"/sslCertificates/www"
	properties(w.document)["sslCertificates"] = append(properties(w.document)["sslCertificates"].([]any), entry)
	properties(w.document)["httpListeners"] = append(properties(w.document)["httpListeners"].([]any), httpsListener("www", "www", other))
	plan := func() (State, Goal, Plan) {
		state := stateOf(t, numbered(t, w.document), domain, other)
		state.Vaulted = []Vaulted{w.vaulted, second.vaulted}
		goal := goalOf(ca, nil)
		goal.File = ""
		goal, err := (&Runner{}).Resolve(t.Context(), state, goal, func(b *pki.Bundle) *pki.Bundle { return b })
		if err != nil {
			t.Fatal(err)
		}
		plan, err := NewPlan(state, goal)
		if err != nil {
			t.Fatal(err)
		}
		return state, goal, plan
	}

	state, goal, both := plan()
	if err := both.Ready(); err != nil || len(both.Moves) != 2 || !both.LooksAgain() {
		t.Fatalf("ready %v, moves %+v", err, both.Moves)
	}
	served := stateOf(t, gatewayDocument(t, certificates("frontendCert", renewed, "www", otherRenewed),
		httpsListener("https", "frontendCert", domain), httpsListener("www", "www", other)), domain, other).Wire
	if found := judgeWire(served, state, both, goal); found.Refused() {
		t.Errorf("what was wanted is refused: %v", found)
	}
	exchanged := slices.Clone(served)
	for i := range exchanged {
		exchanged[i].Chain = served[len(served)-1-i].Chain
	}
	if found := judgeWire(exchanged, state, both, goal); !found.Refused() {
		t.Errorf("the certificates are exchanged, and nobody minds: %v", found)
	}

	// One that does not fit its own listener is refused, whatever the other is.
	second.vaulted.chosen.Leaf = wrong.Leaf
	if _, _, misfit := plan(); !misfit.Findings.Has("name-not-covered") {
		t.Errorf("findings %v, want that %s is not covered", misfit.Findings, other)
	}
}

func TestAVaultThatCannotBeReadStopsAPlanThatNeedsIt(t *testing.T) {
	ca := newTestCA(t)
	old := ca.issue(9, domain)
	forbidden := &cloud.Error{Status: 403, Code: "Forbidden", Message: "no", Hint: "let it in"}
	for name, test := range map[string]struct {
		goal    Goal
		fails   bool   // already when it is resolved
		blocked string // else the plan
	}{
		"nothing given":          {Goal{}, true, ""},
		"it is named":            {Goal{Vault: gisInVault}, true, ""},
		"a file would go there":  {Goal{Bundle: ca.issue(90, domain), File: "f"}, false, "key-vault-unread"},
		"a file cuts the link":   {Goal{Bundle: ca.issue(90, domain), File: "f", Form: FormInline}, false, ""},
		"a file by way of there": {Goal{Bundle: ca.issue(90, domain), File: "f", Vault: gisInVault}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newVaultWorld(t, old, gisSecret)
			w.vaulted.Trouble, w.vaulted.trouble = forbidden.Error(), forbidden
			goal := test.goal
			goal.Roots, goal.Now = pki.MozillaRoots().With(ca.root), today
			goal, err := (&Runner{}).Resolve(t.Context(), w.state(), goal, func(b *pki.Bundle) *pki.Bundle { return b })
			if test.fails {
				if !errors.Is(err, forbidden) {
					t.Errorf("got %v, want what the vault said", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			plan, err := NewPlan(w.state(), goal)
			if err != nil {
				t.Fatal(err)
			}
			if got := plan.Blocked(); got != (test.blocked != "") || got && !plan.Obstacles.Has(test.blocked) {
				t.Errorf("obstacles %v, want %q", plan.Obstacles, test.blocked)
			}
		})
	}
}
