package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/traffic"
)

// demoScale makes a gateway's minute cost a second.
const demoScale = 60

// demoPatience fits a world that runs demoScale times faster.
var demoPatience = rotation.Patience{
	Write: 2 * time.Minute, Proof: 20 * time.Second, Recovery: 2 * time.Minute,
	Interval: 250 * time.Millisecond, Backoff: 250 * time.Millisecond,
}

// demoWorlds are the worlds whose site is seen from outside and renewed from a
// file, which is what a demo tells.
var demoWorlds = []string{"ha", "single"}

type demoOptions struct {
	world         string
	pfx           pfxFlags
	rootFiles     []string
	assumeTrusted bool
	faults        []string
}

func newDemoCommand(a *program) *cobra.Command {
	var options demoOptions
	cmd := &cobra.Command{
		Use:     "demo",
		GroupID: groupTry,
		Short:   "renew a certificate in a simulated deployment, told step by step",
		Long: `Starts a small world on this computer (Entra ID, Resource Manager, an Application
Gateway, Portal, Server), renews its certificate while requests go through the gateway,
proves the result, and tells it step by step. TLS, the proxy, the Azure SDK and every line
of the rotation are real; Azure and ArcGIS are simulated. Nothing leaves this computer,
except that a missing intermediate certificate of your own file is fetched from its authority.

With --pfx your own file is judged and rolled out; the world takes on its names. If it is
from an authority of your own, --roots gives the world that authority.
With --fault something goes wrong on purpose, and you see how that ends.`,
		Example: `  cartouche demo
  cartouche demo --pfx new.pfx
  cartouche demo --pfx new.pfx --roots our-ca.pem
  cartouche demo --fault wrong-leaf@edge
  cartouche demo --json`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.demo(ctx, options) }),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	options.pfx.add(flags)
	flags.StringArrayVar(&options.rootFiles, "roots", nil, "more authorities that Portal and Server know (PEM, DER or PKCS#7), repeatable `FILE`")
	flags.BoolVar(&options.assumeTrusted, "assume-trusted", false, "accept a chain to an authority that is not known")
	flags.StringVar(&options.world, "world", "ha", "which world: "+strings.Join(demoWorlds, ", ")+" `WORLD`")
	flags.StringArrayVar(&options.faults, "fault", nil, "something goes wrong, as name@step (see \"cartouche sim --help\"), repeatable `FAULT`")
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitRefused, app.ExitPreflight, app.ExitRestored, app.ExitNotRestored, app.ExitInterrupted)
}

// demoValue is the JSON of `demo`.
type demoValue struct {
	rotation.Result
	World    string         `json:"world"`
	Requests traffic.Result `json:"requests"`
}

// stagedDemo is a demo that is under way.
type stagedDemo struct {
	*program
	// inner is the program as it runs inside the world: the same code with the
	// world's environment instead of ours.
	inner  *program
	world  *sim.World
	name   string // of the world
	bundle *pki.Bundle
	ready  prepared
	probe  *traffic.Running
}

func (a *program) demo(ctx context.Context, options demoOptions) error {
	d := &stagedDemo{program: a, name: options.world}
	if !slices.Contains(demoWorlds, options.world) {
		return app.Usage("cartouche demo --help", "there is no world %q for a demo: there are %s", options.world, strings.Join(demoWorlds, ", "))
	}
	a.demoIntroduction(options.world)
	end, err := d.start(ctx, options)
	if err != nil {
		return err
	}
	defer end()
	if err := d.find(ctx); err != nil {
		return err
	}
	if err := d.judgeAndPlan(ctx, options); err != nil {
		return err
	}
	return d.apply(ctx)
}

// start brings the world up, with the names of the person's certificate if there is one.
func (d *stagedDemo) start(ctx context.Context, options demoOptions) (end func(), err error) {
	world := sim.Options{World: options.world, Scale: demoScale}
	for _, text := range options.faults {
		fault, err := ground.ParseFault(text)
		if err != nil {
			return nil, app.Usage("cartouche sim --help", "%s", err)
		}
		world.Faults = append(world.Faults, fault)
	}
	for _, file := range options.rootFiles {
		roots, err := readRoots("--roots", file)
		if err != nil {
			return nil, err
		}
		for _, root := range roots {
			world.ExtraRoots = append(world.ExtraRoots, root.Raw)
		}
	}
	if options.pfx.file != "" {
		if d.bundle, err = d.ownCertificate(ctx, options); err != nil {
			return nil, err
		}
		if world.Domain, err = worldName(d.bundle); err != nil {
			return nil, err
		}
	}
	d.ui.progress.Doing(rotation.PhaseObserve, "starting the world")
	d.world, err = sim.Start(ctx, world)
	d.ui.progress.Done()
	if err != nil {
		return nil, app.Usage("cartouche demo --help", "%s", err)
	}
	memory, err := os.MkdirTemp("", "cartouche-demo-")
	if err != nil {
		_ = d.world.Close()
		return nil, fmt.Errorf("make a directory for the demo's journal: %w", err)
	}
	end = func() {
		_ = d.world.Close()
		_ = os.RemoveAll(memory)
	}
	if d.bundle == nil {
		_, pfx, password := d.world.NewCertificate()
		if d.bundle, err = pki.ReadPFX(pfx, secret.New(password)); err != nil {
			end()
			return nil, fmt.Errorf("read the world's new certificate: %w", err)
		}
	}
	d.inner = d.inside(memory)
	d.demoWorld(d.world)
	return end, nil
}

// inside is the program with the environment of the world.
func (d *stagedDemo) inside(memory string) *program {
	variables := map[string]string{"CARTOUCHE_STATE_DIR": memory}
	for _, variable := range d.world.Environment() {
		variables[variable.Name] = variable.Value
	}
	env := d.env
	env.Lookup = func(name string) string { return variables[name] }
	env.Patience = demoPatience
	inner := newProgram(env)
	inner.ui, inner.Tell = d.ui, d.Tell
	inner.flags, inner.Verbose = d.flags, d.Verbose
	return inner
}

// ownCertificate reads the person's file and completes its chain by the
// person's own network, before there is a world.
func (d *stagedDemo) ownCertificate(ctx context.Context, options demoOptions) (*pki.Bundle, error) {
	bundle, err := d.readPFX(ctx, options.pfx)
	if err != nil {
		return nil, err
	}
	network, err := d.Network()
	if err != nil {
		return nil, err
	}
	roots, err := d.rootsWith(network, options.rootFiles)
	if err != nil {
		return nil, err
	}
	return app.Complete(ctx, network, roots, bundle), nil
}

// worldName is the external name for a world in which the certificate is good.
func worldName(bundle *pki.Bundle) (string, error) {
	names := bundle.Leaf.DNSNames
	if len(names) == 0 {
		return "", &app.Failure{
			Code: "no-names", Message: "the certificate has no DNS name, so no client accepts it for any site",
			Hint: "order a certificate with the site's name as subject alternative name", Exit: app.ExitRefused,
		}
	}
	if rest, wildcard := strings.CutPrefix(names[0], "*."); wildcard {
		return "gis." + rest, nil
	}
	return names[0], nil
}

func (d *stagedDemo) find(ctx context.Context) error {
	d.chapter("Find it", "signed in as a service principal; one query, by the tags that Cloud Builder left")
	session, err := d.inner.connect(ctx, azureFlags{})
	if err != nil {
		return err
	}
	found, err := session.Find(ctx)
	if err != nil {
		return err
	}
	domain := d.world.Deployments()[0].Domain
	chosen, err := session.Choose(ctx, app.Target{Deployment: domain})
	if err != nil {
		return err
	}
	d.demoFound(found.Deployments)
	credentials := rotation.Credentials{
		SiteAdmin:         d.inner.env.Lookup("CARTOUCHE_SITE_ADMIN"),
		SiteAdminPassword: secret.New(d.inner.env.Lookup("CARTOUCHE_SITE_ADMIN_PASSWORD")),
	}
	d.ready = prepared{Prepared: &app.Prepared{Session: session, Credentials: credentials, Runner: session.Runner(credentials)}}
	d.ready.State, err = session.Observe(ctx, d.ready.Runner, chosen, rotation.Asked{})
	return err
}

func (d *stagedDemo) judgeAndPlan(ctx context.Context, options demoOptions) error {
	session := d.ready.Session
	source := options.pfx.file
	if source == "" {
		source = "new.pfx, made by the world"
	}
	d.ready.Goal = rotation.Goal{
		Bundle: d.bundle, Roots: session.Roots, Now: d.env.Now(), AssumeTrusted: options.assumeTrusted, File: source,
	}
	var err error
	d.ready.Plan, err = rotation.NewPlan(d.ready.State, d.ready.Goal)
	if err != nil {
		return err
	}
	d.chapter("Judge the new certificate", source)
	d.demoJudgement(d.ready)
	d.chapter("Plan", "what changes, what restarts, what will be proved")
	d.demoPlan(d.ready)
	if f := d.ready.Failure(); f != nil {
		return f
	}
	return ctx.Err()
}

// apply carries the plan out under traffic, and holds what the run says against
// what the world has counted.
func (d *stagedDemo) apply(ctx context.Context) error {
	d.chapter("Change and prove", "while requests go through the gateway, 50 a second, each with a handshake of its own")
	d.probe = traffic.Probe{
		URL:       d.ready.State.Sites.PortalURL + "/sharing/rest?f=json",
		Transport: d.ready.Session.Network.Transport(),
	}.Start(ctx)
	result, err := d.rotate(ctx)
	requests := d.probe.Stop()
	d.ui.progress.Done()
	if err != nil {
		return app.WhileServing(err, app.NothingChanged, "")
	}
	ledger := d.world.Ground().Ledger
	writes, restarts := ledger.Count(ground.GatewayWrite), ledger.Count(ground.MachineRestart)
	if !d.ui.json {
		d.demoResult(result, requests, writes, restarts)
	}
	f := app.ResultFailure(result, app.Quote(result.Deployment))
	if f == nil && writes != result.GatewayWrites {
		f = &app.Failure{
			Code: "miscounted", Message: fmt.Sprintf("the run speaks of %d gateway writes, the world has counted %d", result.GatewayWrites, writes),
			Exit: app.ExitUnexpected,
		}
	}
	result.GatewayWrites, result.Restarts = writes, restarts // the world's word goes
	switch {
	case d.ui.json:
		return answer(d.ui, demoValue{Result: result, World: d.name, Requests: requests}, f)
	case f != nil:
		f.Hint = "this was a demo; a real deployment would now say: " + f.Hint
		return f
	}
	d.demoEnd()
	return nil
}

func (d *stagedDemo) rotate(ctx context.Context) (rotation.Result, error) {
	memory, err := d.inner.OpenJournal(ctx)
	if err != nil {
		return rotation.Result{}, err
	}
	defer memory.Close()
	name := d.ready.State.Deployment.Name
	d.changing.Store(&name)
	defer d.changing.Store(nil)
	d.ready.Runner.Journal = memory
	return d.ready.Runner.Apply(ctx, d.ready.Plan, d.ready.Goal, d.ready.State)
}
