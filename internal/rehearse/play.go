package rehearse

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
	"github.com/cartouche-gis/cartouche/internal/traffic"
)

// Played is what came of a rehearsal.
type Played struct {
	Rehearsal
	// Failure is that of the run in the world, or of its plan, nil when all went well.
	Failure *app.Failure
	// Renewal and Replacement are what was prepared in the world, for who shows
	// the plan; one of them is nil.
	Renewal     *app.Prepared
	Replacement *app.Replacement
}

// notTouched is what clients are served whatever happens in a rehearsal.
const notTouched = "as before: the deployment was not touched"

// Play makes the world, and runs in it what was asked for.
func (o *Original) Play(ctx context.Context, a *app.App) (*Played, error) {
	c, err := o.copy(ctx, a)
	if err != nil {
		return nil, err
	}
	defer c.end(context.WithoutCancel(ctx))
	var played *Played
	if o.asked.Machines != nil {
		played, err = c.playMachines(ctx)
	} else {
		played, err = c.playClients(ctx)
	}
	if err != nil {
		return nil, notTheDeployment(err)
	}
	played.judge()
	return played, nil
}

// playClients rehearses a renewal of the certificate that clients see.
func (c *copied) playClients(ctx context.Context) (*Played, error) {
	chosen, logins, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	asked := c.asked.Renewal
	asked.Bundle, asked.File = c.goal.Bundle, c.goal.File
	if asked.Bundle == nil && c.bundle != nil {
		asked.Bundle, asked.File = c.bundle, "new.pfx, made by the world"
	}
	ready, err := c.session.Prepare(ctx, chosen, logins, asked)
	if err != nil {
		return nil, err
	}
	played := &Played{Rehearsal: c.value(), Failure: ready.Failure(), Renewal: ready}
	played.Plan, played.Differences = ready.Plan, c.differences(ready.Plan)
	if played.Failure != nil {
		return played, nil
	}
	allow := witness.Allow{Leaves: []string{ready.Plan.Certificate.SHA256}, Touch: slices.Concat(witness.External, internalTouch(ready.Plan.Way != ""))}
	for _, move := range ready.Plan.Moves {
		allow.Leaves = append(allow.Leaves, move.ToLeaf)
	}
	if c.bundle != nil {
		allow.Roots = append(allow.Roots, wholeChain(c.bundle, c.roots)...)
	}
	var result rotation.Result
	err = c.run(ctx, &played.Rehearsal, ready.State, allow, func(ctx context.Context, memory *journal.Journal) (string, error) {
		ready.Runner.Journal = memory
		var err error
		result, err = ready.Runner.Apply(ctx, ready.Plan, ready.Goal, ready.State)
		return result.RunID, err
	})
	if err != nil {
		return nil, err
	}
	played.Outcome, played.Result = result.Outcome, result
	played.Failure = app.ResultFailure(result, app.Quote(result.Deployment))
	for i, step := range played.Steps {
		for _, planned := range ready.Plan.Steps {
			if step.Kind == string(planned.Kind) && step.Title == step.Kind {
				played.Steps[i].Title = planned.Title
			}
		}
	}
	return played, nil
}

// internalTouch is what may change at machines, where a plan reaches them.
func internalTouch(reached bool) []string {
	if !reached {
		return nil
	}
	return witness.Internal
}

// playMachines rehearses the replacement of the machines' certificates.
func (c *copied) playMachines(ctx context.Context) (*Played, error) {
	chosen, logins, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	ready, err := c.session.LookAtMachines(ctx, chosen, logins, c.asked.Renewal.Reach, c.asked.Renewal.NoLease)
	if err != nil {
		return nil, err
	}
	if err := ready.PlanFor(*c.asked.Machines); err != nil {
		return nil, err
	}
	played := &Played{Rehearsal: c.value(), Failure: ready.Failure(), Replacement: ready}
	played.Plan = ready.Plan
	if played.Failure != nil {
		return played, nil
	}
	var result rollout.Result
	allow := witness.Allow{Touch: slices.Concat(witness.External, witness.Internal)}
	err = c.run(ctx, &played.Rehearsal, ready.State, allow, func(ctx context.Context, memory *journal.Journal) (string, error) {
		ready.Runner.Rotation.Journal = memory
		var err error
		result, err = ready.Runner.Apply(ctx, ready.Plan, ready.Goal, ready.State)
		return result.RunID, err
	})
	if err != nil {
		return nil, err
	}
	played.Outcome, played.Result = result.Outcome, result
	played.Failure = app.MachinesResultFailure(result, app.Quote(ready.State.Deployment.Name))
	return played, nil
}

// run does what changes the world, watched, under traffic.
func (c *copied) run(ctx context.Context, value *Rehearsal, state rotation.State, allow witness.Allow, change func(context.Context, *journal.Journal) (runID string, err error)) error {
	memory, err := c.inner.OpenJournal(ctx)
	if err != nil {
		return err
	}
	defer memory.Close()
	watch := c.world.Watch(allow)
	defer watch.Stop()
	asking := visitors(c.session, state).Start(ctx)
	began := time.Now()
	runID, err := change(ctx, memory)
	took := time.Since(began)
	requests := asking.Stop()
	if c.inner.Tell != nil {
		c.inner.Tell.Done()
	}
	if err != nil {
		return err
	}
	in := pace(c.asked.Scale)
	value.Seconds = in.worldTime(took)
	value.Visitors = Visitors{Sent: requests.Sent, Failed: requests.Failed, Failures: requests.Failures}
	if requests.Failed > 0 {
		value.Visitors.GapSeconds = in.worldTime(time.Duration(requests.LongestGapMs) * time.Millisecond)
	}
	value.Violations = append(value.Violations, watch.Violations()...)
	value.GatewayWrites = c.world.Ground().Ledger.Count(ground.GatewayWrite)
	value.Restarts = c.restarts()
	if runID == "" { // there was nothing to do
		return nil
	}
	run, err := memory.Run(context.WithoutCancel(ctx), runID)
	if err != nil {
		return err
	}
	for _, step := range run.Steps {
		one := Step{Kind: step.Kind, Title: step.Title, Outcome: step.Outcome}
		if !step.FinishedAt.IsZero() {
			one.Seconds = in.worldTime(step.FinishedAt.Sub(step.StartedAt))
		}
		value.Steps = append(value.Steps, one)
	}
	return nil
}

// restarts are those that the world has seen, by machine.
func (c *copied) restarts() []Restarted {
	list := []Restarted{}
	at := func(name string) *Restarted {
		short, _, _ := strings.Cut(name, ".")
		for _, m := range c.Shape.Machines {
			if strings.EqualFold(m.Host, name) {
				short = m.Name
			}
		}
		i := slices.IndexFunc(list, func(known Restarted) bool { return known.Machine == short })
		if i < 0 {
			i = len(list)
			list = append(list, Restarted{Machine: short})
		}
		return &list[i]
	}
	ledger := c.world.Ground().Ledger
	for _, event := range ledger.Events() {
		if event.Kind == ground.MachineRestart || event.Kind == ground.ServiceRestart {
			at(event.Object).Times++
		}
	}
	for _, outage := range ledger.Outages() {
		if !outage.To.IsZero() {
			at(outage.Machine).Seconds += pace(c.asked.Scale).worldTime(outage.To.Sub(outage.From))
		}
	}
	return list
}

// visitors ask for what the site has for everybody. One that a busy computer keeps
// waiting has not been turned away.
func visitors(s *app.Session, state rotation.State) traffic.Probe {
	probe := traffic.Probe{URL: "https://" + state.Deployment.Domain + "/", Transport: s.Network.Transport(), Timeout: 30 * time.Second}
	switch {
	case state.Sites.PortalURL != "":
		probe.URL = state.Sites.PortalURL + "/sharing/rest?f=json"
	case state.Sites.ServerURL != "":
		probe.URL = state.Sites.ServerURL + "/rest/info?f=json"
	}
	return probe
}

// judge says of a failure that it was the world's, and that what must never happen
// is one.
func (p *Played) judge() {
	switch {
	case p.Failure != nil:
		p.Failure.Message = "in the rehearsal: " + p.Failure.Message
		p.Failure.Serving = notTouched
		p.Failure.Hint = "mend what is said above, or look into the differences, and rehearse again"
		if p.Failure.Exit == app.ExitInterrupted {
			p.Failure.Hint = "rehearse again"
		}
	case len(p.Violations) > 0:
		p.Failure = &app.Failure{Code: "violated", Message: "in the rehearsal something happened that must never happen: " + p.Violations[0], Serving: notTouched, Exit: app.ExitUnexpected,
			Hint: "do not apply; report it with the file of: --save FILE --mask"}
	}
}

// notTheDeployment says of an error inside the world that it is the world's.
func notTheDeployment(err error) error {
	if errors.Is(err, context.Canceled) {
		return app.WhileServing(context.Canceled, notTouched, "")
	}
	f := app.Explain(err)
	f.Message = "in the rehearsal: " + f.Message
	f.Serving = notTouched
	return &f
}
