package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// UndoPlan is the plan to take a kept run back: every machine returns to the
// entry that it had, which is still there, a standby before its primary like in
// any other run. An old certificate that has expired, or that the gateway would
// no longer trust, is refused. others are the runs among which one may have come
// later; it is named then.
func UndoPlan(state rotation.State, run journal.Run, now time.Time, others ...journal.Run) (Plan, error) {
	kept, ok := remember(run)
	switch {
	case !ok:
		return Plan{}, fmt.Errorf("run %s changed no internal certificates", run.ID)
	case state.Gateway == nil || len(state.Machines) == 0:
		return Plan{}, fmt.Errorf("take run %s back: its machines were not looked at", run.ID)
	}
	out := state.OutOfPools()
	state = state.Whole()
	plan := newPlan(state, Back, now)
	plan.UndoOf, plan.Roots, plan.Trusts, plan.Ports = run.ID, []Root{}, []Trust{}, []Port{}
	plan.Key = "none is made or sent: the old keys are on the machines"
	plan.Obstacles = slices.Concat(out, state.Obstacles, state.ShapeObstacles(), unready(state))
	if !cloud.SameID(run.GatewayID, state.Gateway.ID()) || !strings.EqualFold(run.DeploymentID, state.Deployment.ID) {
		plan.refuse("run-of-another", "name a run of this deployment: cartouche history", "run %s was made on another deployment", run.ID)
	}
	for _, was := range kept.Ports {
		if o, there := find(state, was.Machine, was.Port); there && was.How == InPlace && strings.EqualFold(o.Alias, kept.Alias) {
			was.How, was.Alias = ByAlias, kept.Alias // it was not replaced in place after all, so the old entry is there
		}
		plan.takeBack(state, was, now, laterRun(run, others, was, state))
	}
	plan.stayWithServers()
	plan.Ports = inOrder(plan.Ports, state.Deployment.ServerContext, portalsFirst(state))
	plan.finish(state)
	return plan, nil
}

func (p *Plan) refuse(code, mend, format string, args ...any) {
	p.Obstacles = append(p.Obstacles, pki.Finding{Code: code, Severity: pki.Refusal, Sentence: fmt.Sprintf(format, args...), Mend: mend})
}

// stayWithServers leaves services out whose server stays as it is: however often
// they restart, they serve what it does.
func (p *Plan) stayWithServers() {
	p.Ports = slices.DeleteFunc(p.Ports, func(port Port) bool {
		stays := port.How == Follows && !port.Served && !slices.ContainsFunc(p.Ports, func(server Port) bool {
			return server.Machine == port.Machine && server.Product == machine.Server
		})
		if stays {
			p.Obstacles = append(p.Obstacles, pki.Finding{
				Code: "no-way-back", Severity: pki.Warning,
				Sentence: port.called() + " keeps its certificate: it serves what its server does, which has no way back",
				Mend:     "roll the old .pfx out, if there is one: --internal pfx",
			})
		}
		return stays
	})
}

// takeBack plans one port's way back.
func (p *Plan) takeBack(state rotation.State, was Port, now time.Time, later string) {
	o, there := find(state, was.Machine, was.Port)
	if !there {
		p.refuse("machine-not-seen", "see what is in the way there", "%s was changed by the run and could not be looked at now", was.called())
		return
	}
	was = was.asItWent(o)
	back := was
	back.Role, back.Alone = o.Role, state.Alone(o.at.Machine, o.Product)
	back.Alias, back.SHA256, back.NotAfter, back.Names = strings.ToLower(was.BeforeAlias), was.Before, was.BeforeUntil, []string{}
	back.Before, back.BeforeAlias, back.BeforeChain, back.BeforeUntil = o.leaf(), o.Alias, o.Chain, time.Time{}
	if leaf := o.certificate(); leaf != nil {
		back.BeforeUntil = pki.UTC(leaf.NotAfter)
	}
	back.Away = state.AwayFrom(back.component())
	back.Installed, back.Restarts = true, true
	back.Served = back.Before == back.SHA256 && (!o.HasKeystore() || strings.EqualFold(o.Alias, back.Alias))
	entry, exists := o.entry(back.Alias)
	switch {
	case back.Served:
	case was.How == Follows && p.Way == reach.Agent:
	case was.How == Follows:
		p.Obstacles = append(p.Obstacles, leftOut(state, was))
		return
	case was.How != ByAlias:
		p.Obstacles = append(p.Obstacles, pki.Finding{
			Code: "no-way-back", Severity: pki.Warning,
			Sentence: was.called() + " keeps its certificate: the old key was replaced, and everybody trusts the new one",
			Mend:     "roll the old .pfx out, if there is one: --internal pfx",
		})
		return
	case was.Before == "" || was.BeforeAlias == "":
		p.refuse("no-way-back", "roll another certificate out", "%s: what it served before the run is not known", was.called())
		return
	case !strings.EqualFold(o.Alias, was.Alias) && !strings.EqualFold(o.Alias, was.BeforeAlias):
		p.refuse("changed-since", later, "%s has been given another certificate since (entry %s)", was.called(), o.Alias)
		return
	case !exists || entry.Trusted || entry.SHA256 != "" && !holds(entry, was.Before, ""):
		p.refuse("no-way-back", "roll another certificate out", "%s no longer has the entry %s of before", was.called(), was.BeforeAlias)
		return
	case !now.Before(was.BeforeUntil):
		p.Findings = append(p.Findings, pki.Finding{
			Code: "expired", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("the certificate that %s had before expired on %s: going back would be an outage", was.called(), day(was.BeforeUntil)),
			Mend:     "roll another certificate out",
		})
		return
	case !acceptedBy(state, was):
		p.refuse("old-root-gone", "roll another certificate out", "the gateway no longer trusts what %s served before", was.called())
		return
	}
	p.Ports = append(p.Ports, back)
}

// laterRun says which run has given a port what it has now, so that it has to be
// taken back first.
func laterRun(run journal.Run, others []journal.Run, was Port, state rotation.State) string {
	o, _ := find(state, was.Machine, was.Port)
	for _, other := range others { // newest first
		kept, ok := remember(other)
		if !ok || other.ID == run.ID || other.StartedAt.Before(run.StartedAt) || !cloud.SameID(other.GatewayID, run.GatewayID) {
			continue
		}
		if slices.ContainsFunc(kept.Ports, func(p Port) bool {
			return strings.EqualFold(p.Machine, was.Machine) && p.Port == was.Port && o.Alias != "" && strings.EqualFold(p.Alias, o.Alias)
		}) {
			return "take the later run back first: cartouche undo " + other.ID
		}
	}
	return "see who changed it; roll another certificate out if that is wanted"
}

// asItWent corrects what a plan said of a machine that was to replace its entry
// in place and could not: it got a new entry, and has the old one still.
func (p Port) asItWent(o observed) Port {
	old, exists := o.entry(p.BeforeAlias)
	if p.How == InPlace && exists && !strings.EqualFold(o.Alias, p.BeforeAlias) && ours.MatchString(strings.ToLower(o.Alias)) && holds(old, p.Before, "") {
		p.How, p.Alias, p.Restarts = ByAlias, o.Alias, true
	}
	return p
}

// acceptedBy tells whether every way from the gateway to a port accepts what it
// served before.
func acceptedBy(state rotation.State, was Port) bool {
	settings := state.Gateway.Settings()
	for _, way := range waysTo(state, was) {
		i := slices.IndexFunc(settings, func(s cloud.BackendSetting) bool { return strings.EqualFold(s.Name, way.Setting) })
		if i < 0 || len(settings[i].Roots) == 0 {
			continue
		}
		if !slices.ContainsFunc(settings[i].Roots, func(name string) bool {
			root, known := state.Gateway.TrustedRoot(name)
			return known && len(root.Chain) > 0 && endsUnder(was.BeforeChain, root.Chain[0])
		}) {
			return false
		}
	}
	return true
}

// Undo carries an UndoPlan out. It is proved, and taken back itself when the
// proof fails, like any other run.
func (r *Runner) Undo(ctx context.Context, plan Plan, before rotation.State) (Result, error) {
	if plan.Source != Back {
		return Result{}, errors.New("undo: this plan takes nothing back")
	}
	if err := plan.startable(before); err != nil {
		return Result{}, err
	}
	return r.carryOut(ctx, inHand{plan: plan}, before)
}
