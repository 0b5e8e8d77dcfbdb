package rollout_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// A plan's file may come from anybody. What is taken for a plan is written again
// as the same plan, and is held against the deployment without trouble.
func FuzzPlanFile(f *testing.F) {
	s := newSet(f, reach.Direct, "11.4", "server S0 server", "portal P0 portal:primary", "portal P1 portal:standby")
	plan := s.plan(rollout.Goal{})
	whole, err := json.Marshal(plan)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"kind":` + strings.Repeat("[", 20000)))
	f.Add([]byte(strings.Replace(string(whole), `"ports":[`, `"Ports":[{"before_chain":["AA"]}],"ports":[`, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The hash is of what was read, so that hostile plans get further than it.
		var any rollout.Plan
		if rotation.DecodePlan(data, 8<<20, &any) == nil {
			any.Kind, any.Format, any.Hash = rollout.PlanKind, plan.Format, ""
			any.Hash = rotation.HashPlan(any)
			if data, err = json.Marshal(any); err != nil {
				t.Fatal(err)
			}
		}
		read, err := rollout.ParsePlan(data)
		if err != nil {
			if _, edited := errors.AsType[*rotation.EditedPlanError](err); edited && any.Kind == rollout.PlanKind {
				t.Errorf("a plan that was written is taken for an edited one: %s", data)
			}
			return
		}
		if again, err := json.Marshal(read); err != nil || string(again) != string(data) {
			t.Errorf("%s\nis written as\n%s (%v)", data, again, err)
		}
		_, _ = read.MovedSince(s.state), read.Ready()
	})
}

// The journal is a file, and what it remembers of a run may be anything. A plan
// that is made of it is a whole one, what is served is never cleaned away, and
// what is found can be written down.
func FuzzMemory(f *testing.F) {
	s, run := rolled(f, nil)
	f.Add([]byte(run.Before), []byte(`{"machine":"S0"}`), "install", "in doubt")
	f.Add([]byte(`{"kind":"internal","alias":"x","ports":[{"machine":"S0","port":6443,"how":"in place","beforeChain":["AAAA",""],"beforeUntil":"9999-12-31T23:59:59-23:59"},{"machine":"s1","port":-1}],"roots":[{}],"oldRoots":["OLDROOT",""]}`), []byte(`[`), "switch", "verified")
	f.Add([]byte(strings.Repeat(`{"ports":`, 12000)), []byte(`null`), "trust", "found: partly")
	f.Fuzz(func(t *testing.T, before, step []byte, kind, outcome string) {
		run := run
		run.Before, run.StartedAt, run.Outcome, run.Plan = before, today, outcome, step
		run.Steps = []journal.Step{{Kind: kind, Title: kind, Intent: step, Result: step, Outcome: journal.InDoubt}}
		other := run
		other.ID, other.StartedAt, other.Outcome = "run2", today.Add(1), "verified"
		if plan, err := rollout.UndoPlan(s.state, run, today, other, run); err == nil {
			written, err := json.Marshal(plan)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rollout.ParsePlan(written); err != nil {
				t.Errorf("the plan of it cannot be read: %v", err)
			}
		}
		runs := []journal.Run{run, other}
		cleaning := rollout.CleanPlan(s.state, runs)
		for _, entry := range cleaning.Entries {
			for _, at := range s.state.Machines {
				for _, seen := range at.Report.Components {
					if at.Name == entry.Machine && strings.EqualFold(seen.Alias, entry.Alias) {
						t.Errorf("%s is served at %s and would be cleaned away", entry.Alias, entry.Machine)
					}
				}
			}
		}
		cleaning.After(s.state, runs, rotation.Soak{Now: today})
		for _, value := range []any{cleaning, rollout.Aftermath(s.state, run)} {
			if _, err := json.Marshal(value); err != nil {
				t.Error(err)
			}
		}
	})
}

// Whatever a machine reports, the plan says it, and can be written and read.
func FuzzReport(f *testing.F) {
	s := newSet(f, reach.Direct, "11.4", "server S0 server,geoevent", "portal P0 portal:primary")
	for _, at := range s.state.Machines {
		whole, err := json.Marshal(at.Report)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(whole))
	}
	f.Add([]byte(`{"components":[{"product":"server","port":6443,"chain":["AAAA",""],"alias":"x","entries":[{"alias":"x","notAfter":"9999-12-31T23:59:59-23:59"},{}],"peers":[""],"settings":{"":""}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var report machine.Report
		if json.Unmarshal(data, &report) != nil {
			return
		}
		state := s.state
		state.Machines = append([]rotation.Machine{}, s.state.Machines...)
		state.Machines[0].Report = &report
		for _, seen := range report.Components {
			state.Machines[0].Components = append(state.Machines[0].Components, seen.Component)
		}
		rollout.CleanPlan(state, nil)
		plan, err := rollout.NewPlan(state, rollout.Goal{Source: rollout.Fresh, Now: today})
		if err != nil {
			return
		}
		written, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rollout.ParsePlan(written); err != nil {
			t.Errorf("the plan cannot be read: %v", err)
		}
	})
}
