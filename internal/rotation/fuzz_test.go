package rotation

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// A plan's file may come from anybody. What is taken for a plan is written again
// as the same plan, and is held against the deployment without trouble.
func FuzzPlanFile(f *testing.F) {
	plan, document := savedPlan(f)
	whole := mustJSON(plan)
	f.Add([]byte(whole))
	f.Add([]byte(`{"format":` + strings.Repeat("[", 20000)))
	f.Add([]byte(strings.Replace(string(whole), `"hash":"`, `"Hash":"0","hash":"`, 1)))
	f.Add([]byte(strings.Replace(string(whole), `"names":[`, `"names":["\u001b[2J",`, 1)))
	state := stateOf(f, document, domain)
	f.Fuzz(func(t *testing.T, data []byte) {
		// The hash is of what was read, so that hostile plans get further than it.
		var any Plan
		if DecodePlan(data, maxPlanSize, &any) == nil {
			any.Format, any.Hash = planFormat, ""
			any.Hash = any.computeHash()
			data = mustJSON(any)
		}
		plan, err := ParsePlan(data)
		if err != nil {
			if _, edited := errors.AsType[*EditedPlanError](err); edited && any.Format == planFormat {
				t.Errorf("a plan that was written is taken for an edited one: %s", data)
			}
			return
		}
		if again := mustJSON(plan); string(again) != string(data) {
			t.Errorf("%s\nis written as\n%s", data, again)
		}
		_ = plan.MovedSince(state)
		_ = plan.NothingToDo()
		if gateway, err := switchTo(plan.Moves, nil)(state.Gateway, 0); err == nil {
			onlyMoved(t, state.Gateway, gateway, plan.Moves)
		}
	})
}

// onlyMoved fails when an edit changed more than the moves are about.
func onlyMoved(t *testing.T, before *cloud.Gateway, after cloud.Document, moves []Move) {
	t.Helper()
	moving := map[string]bool{}
	for _, move := range moves {
		moving[strings.ToLower(move.Listener)] = true
	}
	for _, change := range cloud.WithoutServerMade(cloud.Difference(before.Document(), after)) {
		added := slices.ContainsFunc(moves, func(m Move) bool { return isEntry(change.Path, m.To) })
		if !added && !isReference(change.Path, moving) {
			t.Errorf("%s changed from %q to %q", change.Path, change.Before, change.After)
		}
	}
}

// The journal is a file, and what it remembers of a run may be anything. A plan
// that is made of it is a whole one, nothing that is in use is cleaned away, and
// what is found can be written down.
func FuzzMemory(f *testing.F) {
	ca := newTestCA(f)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	document := gatewayDocument(f, certificates("frontendCert", old, "cartouche-a", renewed, "theirs", ca.issue(80, "shop.example.com")),
		httpsListener("https", "cartouche-a", domain), httpsListener("shop", "theirs", "shop.example.com"))
	state, goal := stateOf(f, document, domain), goalOf(ca, renewed)
	moved := Move{Listener: "https", From: "frontendCert", FromLeaf: pki.Fingerprint(old.Leaf), To: "cartouche-a", ToLeaf: pki.Fingerprint(renewed.Leaf)}
	held := moved
	held.Back = &Back{Entry: "theirs", Secret: "https://v.vault.azure.net/secrets/c/0123", NotAfter: today}
	f.Add([]byte(kept(f, moved).Before), []byte(`{"entry":"cartouche-a"}`), "stage", "in doubt")
	f.Add([]byte(kept(f, held, moved).Before), []byte(`["frontendCert"]`), "clean", "verified")
	f.Add([]byte(`{"moves":[{"listener":"SHOP","from":"x","to":"theirs","back":null},{}],"serving":{"notAfter":"9999-12-31T23:59:59-23:59"},"pinned":[{}],"trusting":[{}]}`), []byte(`{"moves":`), "switch", "in doubt")
	f.Add([]byte(strings.Repeat(`{"moves":`, 12000)), []byte(`null`), "trust", "found: partly")
	used := []string{"cartouche-a", "theirs"}
	f.Fuzz(func(t *testing.T, before, step []byte, kind, outcome string) {
		run := kept(t)
		run.Before, run.StartedAt, run.Outcome, run.Plan = before, today, outcome, step
		run.Steps = []journal.Step{{Kind: kind, Title: kind, Intent: step, Result: step, Outcome: outcome}, {Index: 1, Kind: string(StepSwitch), Outcome: journal.InDoubt, Intent: step}}
		other := run
		other.ID, other.StartedAt = "r2", today.Add(1)
		if plan, err := UndoPlan(state, run, goal, other, run); err == nil {
			again, err := ParsePlan(mustJSON(plan))
			if err != nil {
				t.Errorf("the plan of it cannot be read: %v", err)
			}
			if diff := cmp.Diff(string(mustJSON(plan)), string(mustJSON(again))); diff != "" {
				t.Error(diff)
			}
		}
		entries := CleanPlan(state, []journal.Run{run, other})
		for _, entry := range entries {
			if contains(used, entry) {
				t.Errorf("%s is in use and would be cleaned away", entry)
			}
		}
		Soak{Now: today}.Part(state, []journal.Run{run, other}, entries)
		if _, err := json.Marshal(state.Aftermath(run)); err != nil {
			t.Error(err)
		}
	})
}

// Whatever a machine reports, the plan says it, and can be written and read.
func FuzzReport(f *testing.F) {
	ca := newTestCA(f)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	document := gatewayDocument(f, certificates("frontendCert", old), httpsListener("https", "frontendCert", domain))
	roots := pki.MozillaRoots().With(ca.root)
	whole := machine.Report{Format: machine.Format, Host: "m", Components: []machine.Seen{
		keystore(machine.Portal, 7443, "primary", trustedAs("appgw-externaldnscercert", old), rootAs("root", ca)),
		serving(machine.Server, 6443, old), serving(machine.WebAdaptor, 443, old),
	}, Bindings: []machine.Binding{{At: "0.0.0.0:443", Thumbprint: "AA", NotAfter: days(3)}}}
	f.Add([]byte(mustJSON(whole)))
	f.Add([]byte(`{"components":[{"product":"portal","port":7443,"chain":["AAAA",""],"alias":"x","entries":[{"alias":"x","notAfter":"9999-12-31T23:59:59-23:59"},{}],"federated":[{}],"peers":[""]}],"bindings":[{"at":":"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var report machine.Report
		if json.Unmarshal(data, &report) != nil {
			return
		}
		at := vm("M", "site", report.Components...)
		at.Report = &report
		state := inSites(stateOf(t, document, domain), at)
		plan, err := NewPlan(state, goalOf(ca, renewed))
		if err != nil {
			return
		}
		if _, err := ParsePlan(mustJSON(plan)); err != nil {
			t.Errorf("the plan cannot be read: %v", err)
		}
		for _, seen := range state.Evidence() {
			if _, err := json.Marshal(seen.Data); err != nil {
				t.Errorf("%s cannot be kept: %v", seen.Kind, err)
			}
		}
		MachineFindings(state, roots, today)
		if _, err := json.Marshal(Darkening(state, today)); err != nil {
			t.Error(err)
		}
	})
}
