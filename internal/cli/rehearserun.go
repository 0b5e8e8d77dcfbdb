package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
	"github.com/cartouche-gis/cartouche/internal/traffic"
)

// rehearsalValue is the JSON of `rehearse`.
type rehearsalValue struct {
	Deployment string           `json:"deployment"`
	Outcome    rotation.Outcome `json:"outcome"` // "" when the plan was refused
	Scale      float64          `json:"scale"`
	Seconds    float64          `json:"seconds"` // of the world's time
	Steps      []rehearsedStep  `json:"steps"`
	// Restarts are by machine, GatewayWrites as the world counted them.
	Restarts      []rehearsedRestart `json:"restarts"`
	GatewayWrites int                `json:"gatewayWrites"`
	Visitors      rehearsedVisitors  `json:"visitors"`
	// Violations are what the world saw that must never happen, Differences where
	// the plan for the deployment is another one, NotRehearsed what the world
	// could not stand in for.
	Violations   []string `json:"violations"`
	Differences  []string `json:"differences"`
	NotRehearsed []string `json:"notRehearsed"`
	Plan         any      `json:"plan"`
	Result       any      `json:"result,omitempty"`
	Saved        string   `json:"saved,omitempty"`
	// Next is the command for the deployment itself.
	Next string `json:"next"`
}

type rehearsedStep struct {
	Kind    string  `json:"kind"`
	Title   string  `json:"title"`
	Outcome string  `json:"outcome"`
	Seconds float64 `json:"seconds"` // of the world's time
}

type rehearsedRestart struct {
	Machine string  `json:"machine"`
	Times   int     `json:"times"`
	Seconds float64 `json:"seconds"` // away, of the world's time
}

type rehearsedVisitors struct {
	Sent       int      `json:"sent"`
	Failed     int      `json:"failed"`
	GapSeconds float64  `json:"gapSeconds"` // the longest, of the world's time; 0 when none failed
	Failures   []string `json:"failures,omitempty"`
}

// rehearsalLogins are those for reading the deployment: without the site
// administrator, federation and keystores are not read.
func (a *program) rehearsalLogins(_ context.Context, options rehearseOptions, _ deployment.Deployment) (rotation.Credentials, error) {
	return a.lookingLogins(options.roll.site)
}

// run does what changes the world, watched, under traffic.
func (r *rehearsalStage) run(ctx context.Context, name string, probe traffic.Probe, allow witness.Allow, change func(context.Context, *journal.Journal) (runID string, err error)) (rehearsalValue, error) {
	value := rehearsalValue{Deployment: r.of.shape.Deployment.Name, Scale: r.options.scale, NotRehearsed: append([]string{}, r.missing...), Differences: []string{}, Restarts: []rehearsedRestart{}, Steps: []rehearsedStep{}, Violations: []string{}, Saved: r.options.save, Next: r.realCommand()}
	memory, err := r.inner.OpenJournal(ctx)
	if err != nil {
		return value, err
	}
	defer memory.Close()
	watch := r.world.Watch(allow)
	defer watch.Stop()
	asking := probe.Start(ctx)
	r.changing.Store(&name)
	began := time.Now()
	runID, err := change(ctx, memory)
	took := time.Since(began)
	r.changing.Store(nil)
	requests := asking.Stop()
	r.ui.progress.Done()
	value.Seconds = r.worldTime(took)
	value.Visitors = rehearsedVisitors{Sent: requests.Sent, Failed: requests.Failed, Failures: requests.Failures}
	if requests.Failed > 0 {
		value.Visitors.GapSeconds = r.worldTime(time.Duration(requests.LongestGapMs) * time.Millisecond)
	}
	value.Violations = append(value.Violations, watch.Violations()...)
	value.GatewayWrites = r.world.Ground().Ledger.Count(ground.GatewayWrite)
	value.Restarts = r.restarts()
	if runID != "" {
		if run, lost := memory.Run(context.WithoutCancel(ctx), runID); lost == nil {
			for _, step := range run.Steps {
				one := rehearsedStep{Kind: step.Kind, Title: step.Title, Outcome: step.Outcome}
				if !step.FinishedAt.IsZero() {
					one.Seconds = r.worldTime(step.FinishedAt.Sub(step.StartedAt))
				}
				value.Steps = append(value.Steps, one)
			}
		}
	}
	return value, err
}

// restarts are those that the world has seen, by machine.
func (r *rehearsalStage) restarts() []rehearsedRestart {
	list := []rehearsedRestart{}
	at := func(name string) *rehearsedRestart {
		short, _, _ := strings.Cut(name, ".")
		for _, m := range r.of.shape.Machines {
			if strings.EqualFold(m.Host, name) {
				short = m.Name
			}
		}
		i := slices.IndexFunc(list, func(known rehearsedRestart) bool { return known.Machine == short })
		if i < 0 {
			i = len(list)
			list = append(list, rehearsedRestart{Machine: short})
		}
		return &list[i]
	}
	ledger := r.world.Ground().Ledger
	for _, event := range ledger.Events() {
		if event.Kind == ground.MachineRestart || event.Kind == ground.ServiceRestart {
			at(event.Object).Times++
		}
	}
	for _, outage := range ledger.Outages() {
		if !outage.To.IsZero() {
			at(outage.Machine).Seconds += r.worldTime(outage.To.Sub(outage.From))
		}
	}
	return list
}

// visitors ask for what the site has for everybody.
func visitors(s *app.Session, state rotation.State) traffic.Probe {
	probe := traffic.Probe{URL: "https://" + state.Deployment.Domain + "/", Transport: s.Network.Transport()}
	switch {
	case state.Sites.PortalURL != "":
		probe.URL = state.Sites.PortalURL + "/sharing/rest?f=json"
	case state.Sites.ServerURL != "":
		probe.URL = state.Sites.ServerURL + "/rest/info?f=json"
	}
	return probe
}

// runExternal rehearses a renewal.
func (r *rehearsalStage) runExternal(ctx context.Context) error {
	options := r.innerOptions()
	s, err := r.inner.connect(ctx, azureFlags{})
	if err != nil {
		return err
	}
	chosen, err := r.choose(ctx, s)
	if err != nil {
		return err
	}
	credentials, err := r.inner.changingLogins(ctx, options.site, chosen)
	if err != nil {
		return err
	}
	asked := r.of.asked
	asked.Bundle, asked.File = r.of.goal.Bundle, r.of.goal.File
	if asked.Bundle == nil && r.bundle != nil {
		asked.Bundle, asked.File = r.bundle, "new.pfx, made by the world"
	}
	if asked.Reach, err = r.inner.reachAsked(options.reach); err != nil {
		return err
	}
	found, err := s.Prepare(ctx, chosen, credentials, asked)
	if err != nil {
		return r.notTheDeployment(err)
	}
	ready := &prepared{found, options}
	if f := ready.Failure(); f != nil {
		value := rehearsalValue{Deployment: r.of.shape.Deployment.Name, Scale: r.options.scale, Steps: []rehearsedStep{}, Restarts: []rehearsedRestart{}, Violations: []string{}, Differences: r.differences(ready), NotRehearsed: r.missing, Plan: ready.Plan, Saved: r.options.save, Next: r.realCommand()}
		if !r.ui.json {
			r.ui.plan(ready)
		}
		return r.report(value, f)
	}
	allow := witness.Allow{Leaves: []string{ready.Plan.Certificate.SHA256}, Touch: slices.Concat(witness.External, internalTouch(ready.Plan.Way != ""))}
	for _, move := range ready.Plan.Moves {
		allow.Leaves = append(allow.Leaves, move.ToLeaf)
	}
	if r.bundle != nil {
		allow.Roots = append(allow.Roots, wholeChain(r.bundle, r.of.roots)...)
	}
	var result rotation.Result
	value, err := r.run(ctx, ready.State.Deployment.Name, visitors(s, ready.State), allow, func(ctx context.Context, memory *journal.Journal) (string, error) {
		ready.Runner.Journal = memory
		var err error
		result, err = ready.Runner.Apply(ctx, ready.Plan, ready.Goal, ready.State)
		return result.RunID, err
	})
	if err != nil {
		return r.notTheDeployment(err)
	}
	value.Outcome, value.Plan, value.Result, value.Differences = result.Outcome, ready.Plan, result, r.differences(ready)
	for i, step := range value.Steps {
		for _, planned := range ready.Plan.Steps {
			if step.Kind == string(planned.Kind) && step.Title == step.Kind {
				value.Steps[i].Title = planned.Title
			}
		}
	}
	return r.report(value, app.ResultFailure(result, app.Quote(result.Deployment)))
}

// internalTouch is what may change at machines, where a plan reaches them.
func internalTouch(reached bool) []string {
	if !reached {
		return nil
	}
	return witness.Internal
}

// runInternal rehearses the replacement of the machines' certificates.
func (r *rehearsalStage) runInternal(ctx context.Context) error {
	options := r.innerOptions()
	ready, err := r.inner.seeMachines(ctx, options, r.choose)
	if err != nil {
		return r.notTheDeployment(err)
	}
	if err := ready.PlanFor(r.of.internal); err != nil {
		return r.notTheDeployment(err)
	}
	if f := ready.Failure(); f != nil {
		value := rehearsalValue{Deployment: r.of.shape.Deployment.Name, Scale: r.options.scale, Steps: []rehearsedStep{}, Restarts: []rehearsedRestart{}, Violations: []string{}, Differences: []string{}, NotRehearsed: r.missing, Plan: ready.Plan, Saved: r.options.save, Next: r.realCommand()}
		if !r.ui.json {
			r.ui.internalPlan(ready)
		}
		return r.report(value, f)
	}
	var result rollout.Result
	allow := witness.Allow{Touch: slices.Concat(witness.External, witness.Internal)}
	value, err := r.run(ctx, ready.State.Deployment.Name, visitors(ready.Session, ready.State), allow, func(ctx context.Context, memory *journal.Journal) (string, error) {
		ready.Runner.Rotation.Journal = memory
		var err error
		result, err = ready.Runner.Apply(ctx, ready.Plan, ready.Goal, ready.State)
		return result.RunID, err
	})
	if err != nil {
		return r.notTheDeployment(err)
	}
	value.Outcome, value.Plan, value.Result = result.Outcome, ready.Plan, result
	return r.report(value, app.MachinesResultFailure(result, app.Quote(ready.State.Deployment.Name)))
}

// notTheDeployment says of an error inside the world that it is the world's.
func (r *rehearsalStage) notTheDeployment(err error) error {
	if errors.Is(err, context.Canceled) {
		return app.WhileServing(context.Canceled, "the deployment was not touched", "")
	}
	f := app.Explain(err)
	f.Message = "in the rehearsal: " + f.Message
	f.Serving = "the deployment was not touched"
	return &f
}

// differences are where the plan for the deployment and that for its copy say
// another thing: then the rehearsal was not the very rotation.
func (r *rehearsalStage) differences(ready *prepared) []string {
	list := []string{}
	original := r.of.plan
	if original == nil || original.Way != ready.Plan.Way || r.bundle != nil && r.of.goal.Bundle == nil {
		return list
	}
	if a, b := kindsOf(original.Steps), kindsOf(ready.Plan.Steps); a != b {
		list = append(list, fmt.Sprintf("the plan for the deployment has the steps %s, that of the rehearsal %s", a, b))
	}
	differ := func(what string, original, copied []string) {
		for _, one := range original {
			if !slices.Contains(copied, one) {
				list = append(list, what+" for the deployment alone: "+one)
			}
		}
		for _, one := range copied {
			if !slices.Contains(original, one) {
				list = append(list, what+" in the rehearsal alone: "+one)
			}
		}
	}
	differ("found", findingsOf(original.Findings, original.Obstacles), findingsOf(ready.Plan.Findings, ready.Plan.Obstacles))
	differ("restart", restartsOf(original.Steps), restartsOf(ready.Plan.Steps))
	return list
}

func kindsOf(steps []rotation.Step) string {
	var kinds []string
	for _, step := range steps {
		kinds = append(kinds, string(step.Kind))
	}
	if len(kinds) == 0 {
		return "(none)"
	}
	return strings.Join(kinds, ", ")
}

func restartsOf(steps []rotation.Step) []string {
	var list []string
	for _, step := range steps {
		list = append(list, step.Restarts...)
	}
	return list
}

func findingsOf(lists ...pki.Findings) []string {
	var out []string
	for _, list := range lists {
		for _, finding := range list {
			out = append(out, finding.Code)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
