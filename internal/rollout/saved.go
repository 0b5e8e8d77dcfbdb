package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// maxPlanSize bounds a plan file; a deployment of a hundred machines takes some
// 400 KiB, most of it what they serve now.
const maxPlanSize = 8 << 20

// ParsePlan reads a saved plan. A file that is no plan, that another program
// wrote, or that was edited by hand is refused.
func ParsePlan(data []byte) (Plan, error) {
	var plan Plan
	if err := rotation.DecodePlan(data, maxPlanSize, &plan); err != nil {
		return Plan{}, err
	}
	if plan.Kind != PlanKind || plan.Format != planFormat {
		return Plan{}, fmt.Errorf("plan file: kind %q of format %d, this program reads %q of format %d; make the plan again", plan.Kind, plan.Format, PlanKind, planFormat)
	}
	if plan.Hash != plan.computeHash() {
		return Plan{}, &rotation.EditedPlanError{}
	}
	return plan, nil
}

// computeHash is the SHA-256 of the plan's JSON without the hash itself.
func (p Plan) computeHash() string {
	p.Hash = ""
	return rotation.HashPlan(p)
}

// basis are the facts on which a plan rests: which way leads from the gateway to
// which machine, what it trusts there, and what each port serves, has and is.
// What moves by itself (health, ETags, the time) is not among them.
func basis(state rotation.State) map[string]string {
	state = state.Whole()
	facts := map[string]string{"way": string(state.Way)}
	for _, root := range state.Gateway.TrustedRoots() {
		var prints []string
		for _, certificate := range root.Chain {
			prints = append(prints, pki.Fingerprint(certificate))
		}
		facts["trusted root "+root.Name] = strings.Join(prints, ",")
	}
	for _, setting := range state.Gateway.Settings() {
		facts["backend setting "+setting.Name] = fmt.Sprintf("%s %d %s", setting.Protocol, setting.Port, strings.Join(setting.Roots, ","))
	}
	for _, pool := range state.Gateway.Pools() {
		facts["backend pool "+pool.Name] = strings.Join(slices.Sorted(slices.Values(pool.Addresses)), ",")
	}
	for _, at := range state.Machines {
		facts["machine "+at.Name] = strings.ToLower(at.ID) + " " + at.Host
	}
	for _, o := range ports(state) {
		fact := fmt.Sprintf("port %d of %s", o.Component.Port, o.at.Name)
		facts[fact] = o.leaf()
		if !o.HasKeystore() {
			continue
		}
		facts["certificates of "+fact] = strings.ToLower(o.Alias) + " of " + keystore(o)
		facts["version at "+fact] = o.Version
	}
	return facts
}

func keystore(o observed) string {
	var entries []string
	for _, entry := range o.Entries {
		entries = append(entries, strings.ToLower(entry.Alias)+"="+strings.ToLower(entry.SHA256+entry.SHA1))
	}
	slices.Sort(entries)
	return strings.Join(entries, ",")
}

// MovedSince compares the state with what a saved plan rests on and returns a
// *rotation.MovedError when they differ.
func (p Plan) MovedSince(state rotation.State) error {
	now := basis(state)
	var moved []string
	if !cloud.SameID(p.GatewayID, state.Gateway.ID()) {
		moved = append(moved, "the plan is for the gateway "+p.GatewayID+", not for "+state.Gateway.ID())
	}
	for fact, before := range p.Basis {
		if after, still := now[fact]; !still {
			moved = append(moved, fact+" is gone")
		} else if after != before {
			moved = append(moved, fact+" changed")
		}
	}
	for fact := range now {
		if _, known := p.Basis[fact]; !known {
			moved = append(moved, fact+" is new")
		}
	}
	if len(moved) == 0 {
		return nil
	}
	slices.Sort(moved)
	return &rotation.MovedError{Moved: moved}
}

// Ready returns a *rotation.RefusedError or *rotation.BlockedError when the
// plan cannot be applied.
func (p Plan) Ready() error {
	switch {
	case p.Refused():
		return &rotation.RefusedError{Findings: refusals(p.Findings)}
	case p.Blocked():
		return &rotation.BlockedError{Obstacles: refusals(p.Obstacles)}
	}
	return nil
}

func refusals(findings pki.Findings) pki.Findings {
	return slices.DeleteFunc(slices.Clone(findings), func(f pki.Finding) bool { return f.Severity != pki.Refusal })
}
