package rotation

import (
	"strings"
	"sync"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

// FuzzParsePlan: whatever is in a plan file, it is a plan as this program makes
// them, or it is refused.
func FuzzParsePlan(f *testing.F) {
	plan := Plan{Format: planFormat, Deployment: "bm", GatewayID: gatewayID, Moves: []Move{{Listener: "https", From: "a", To: "b"}}}
	plan.Hash = plan.computeHash()
	f.Add([]byte(mustJSON(plan)))
	f.Add([]byte(`{"format":1,"hash":""}`))
	f.Add([]byte(`{"format":` + strings.Repeat("[", 20000)))
	f.Add([]byte(strings.Repeat(`{"a":`, 20000)))
	f.Add([]byte(`{} {}`))
	f.Add([]byte(`{"Format":1,"FORMAT":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		plan, err := ParsePlan(data)
		if err != nil {
			return
		}
		again, err := ParsePlan(mustJSON(plan))
		if err != nil || again.Hash != plan.Hash {
			t.Errorf("a plan that was read is not read again: %v", err)
		}
	})
}

// FuzzKeptRun: a journal that somebody has written into, or that is damaged,
// leads to no change of what is not there, and cleaning takes nothing that serves.
func FuzzKeptRun(f *testing.F) {
	for _, before := range []string{
		``, `null`, `[]`, `{"moves":null}`, `{"moves":[{}]}`,
		`{"moves":[{"listener":"https","from":"frontendCert","to":"cartouche-a"}]}`,
		`{"moves":[{"listener":"https","from":"frontendCert","to":"cartouche-a","back":{"entry":"x","secret":"https://evil.example/secrets/x/y"}}]}`,
		`{"moves":[{"listener":"none","from":"none","to":"none"}]}`,
		`{"moves":[{"listener":"https","from":"cartouche-a","to":"cartouche-a"},{"listener":"https","from":"spare","to":"frontendCert"}]}`,
		`{"moves":[{"listener":"HTTPS","from":"\u001b[2J","to":"cartouche-a","fromLeaf":"\u202e"}]}`,
	} {
		f.Add([]byte(before))
	}
	f.Fuzz(func(t *testing.T, before []byte) {
		state := fuzzedState(t)
		run := journal.Run{ID: "r1", DeploymentID: "d1", DeploymentName: "bm", GatewayID: gatewayID, Before: before}
		plan, err := UndoPlan(state, run, Goal{Now: today})
		if err == nil && plan.Ready() == nil {
			for _, move := range plan.Moves {
				if _, exists := state.Gateway.Listener(move.Listener); !exists {
					t.Errorf("undo would move the listener %q, which is not there", move.Listener)
				}
				if _, exists := state.Gateway.Certificate(move.To); !exists && move.Back == nil {
					t.Errorf("undo would go back to the entry %q, which is not there", move.To)
				}
			}
		}
		for _, name := range CleanPlan(state, []journal.Run{run}) {
			for _, listener := range state.Gateway.Listeners() {
				if strings.EqualFold(listener.CertificateName, name) {
					t.Errorf("clean would take %q, which listener %s serves", name, listener.Name)
				}
			}
			if _, exists := state.Gateway.Certificate(name); !exists {
				t.Errorf("clean would take %q, which is not there", name)
			}
		}
	})
}

// fuzzedState is a gateway in the middle of its life: a new entry serves, the old
// one is kept, and there is one of somebody else.
func fuzzedState(t *testing.T) State {
	fuzzed.Do(func() {
		ca := newTestCA(t)
		old, renewed := ca.issue(9, domain), ca.issue(90, domain)
		fuzzed.document = gatewayDocument(t, certificates("frontendCert", old, "cartouche-a", renewed, "spare", old), httpsListener("https", "cartouche-a", domain))
	})
	return stateOf(t, fuzzed.document, domain)
}

var fuzzed struct {
	sync.Once
	document cloud.Document
}
