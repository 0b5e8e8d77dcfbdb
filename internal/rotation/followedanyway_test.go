package rotation

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// A plan that refuses what a listener follows keeps the gateway from nothing:
// that is said, with what helps.
func TestARefusalSaysThatTheGatewayFollowsAllTheSame(t *testing.T) {
	ca := newTestCA(t)
	old, sooner := ca.issue(90, domain), ca.issue(9, domain)
	goal := goalOf(ca, nil)
	goal.File = ""
	plan := newVaultWorld(t, old, gisSecret, sooner, old).plan(goal)
	if !plan.Findings.Has("expires-earlier") || !plan.Obstacles.Has("followed-anyway") {
		t.Fatalf("findings %v, obstacles %v; want both to be told", plan.Findings, plan.Obstacles)
	}
	for _, finding := range plan.Obstacles {
		if finding.Code == "followed-anyway" && !strings.Contains(finding.Mend, "--pfx FILE; or hold what is served now: cartouche apply "+domain+" --vault entvault --certificate gis --version v1") {
			t.Errorf("mend %q", finding.Mend)
		}
	}
	goal.AllowOlder = true
	if plan := newVaultWorld(t, old, gisSecret, sooner, old).plan(goal); plan.Obstacles.Has("followed-anyway") {
		t.Error("it is said of a plan that refuses nothing")
	}
	named := goalOf(ca, nil)
	named.File, named.Vault = "", gisInVault
	if plan := newVaultWorld(t, old, "", sooner).plan(named); plan.Obstacles.Has("followed-anyway") {
		t.Error("it is said of a listener that does not follow")
	}
}

// The version that is served is asked for while a newer one waits: the listener
// must be held there, or the gateway takes the newer one.
func TestAVersionIsHeldThatIsServedAlready(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	v1 := gisInVault.at("v1")
	for name, test := range map[string]struct {
		secret string
		moves  bool
	}{"it follows": {gisSecret, true}, "it is held already": {gisSecret + "/v1", false}, "a copy": {"", false}} {
		w := newVaultWorld(t, old, test.secret, renewed, old)
		asked := w.vaulted
		asked.InVault, asked.chosen.Version, asked.chosen.Leaf = v1, "v1", old.Leaf
		state := w.state()
		state.Vaulted = append(state.Vaulted, asked)
		goal := goalOf(ca, nil)
		goal.File, goal.Vault = "", v1
		goal, err := (&Runner{}).Resolve(t.Context(), state, goal, func(b *pki.Bundle) *pki.Bundle { return b })
		if err != nil {
			t.Fatal(err)
		}
		plan, err := NewPlan(state, goal)
		if err != nil {
			t.Fatal(err)
		}
		if moves := len(plan.Moves) > 0; moves != test.moves {
			t.Errorf("%s: moves %v, want any: %t", name, plan.Moves, test.moves)
		}
	}
}

// Nobody may tell us who reads the vault, but a listener reads this very
// certificate: naming it must not make a copy of it and cut the link.
func TestNamingWhatIsFollowedDoesNotCutTheLink(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	for may, want := range map[Knowledge]Form{Yes: FormReference, Unknown: FormReference, No: FormInline} {
		w := newVaultWorld(t, old, gisSecret, renewed, old)
		w.vaulted.Readers[0].May = may
		goal := goalOf(ca, nil)
		goal.File, goal.Vault = "", gisInVault
		if got := goal.form(w.state()); got != want {
			t.Errorf("it may read: %s, form %s, want %s", may, got, want)
		}
	}
}
