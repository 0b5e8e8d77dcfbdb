package cli

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// rehearseScale is how much faster than ours the rehearsal's time goes, unless
// somebody says otherwise. What this computer needs itself counts as many times
// over, so a larger one tells less of durations.
const rehearseScale = 30

type rehearseOptions struct {
	roll   rollOutOptions
	save   string
	mask   bool
	from   string
	scale  float64
	faults []string
}

func newRehearseCommand(a *app) *cobra.Command {
	var options rehearseOptions
	cmd := &cobra.Command{
		Use:     "rehearse DEPLOYMENT | --gateway ID | --from FILE [--pfx FILE] [--vault VAULT --certificate NAME]",
		GroupID: groupChange,
		Short:   "run the very renewal in a copy of the deployment on this computer first",
		Long: `Reads the deployment, makes a simulated world of what it looks like on this computer, runs
there what "cartouche apply" with the same flags would run, while requests go through the
gateway, and reports: each step with its time, restarts, what visitors would have noticed,
what would have failed, and what could not be rehearsed. Nothing of the deployment is
changed: it is only read, and the rest stays on this computer (docs/rehearse.md).

The .pfx file is the real one. Certificates that are served now are stood in for by others
that look like them. Durations are those of the world, whose waits are documented ones:
they say what takes minutes and what takes an hour, not how many seconds.

Machines are looked at where they can be dialled from here. --reach agent also looks at
them from outside, by a small program that Azure's Run Command runs there: leave it out if
not even that is to touch them.

With --save the shape of the deployment is written to a file, which holds no secret, and
with --mask no name either; --from rehearses with such a file, without a sign-in.
With --fault something goes wrong on purpose (see "cartouche sim --help").`,
		Example: `  cartouche rehearse gis.example.com --pfx new.pfx
  cartouche rehearse gis.example.com --pfx new.pfx --fault wrong-leaf@edge
  cartouche rehearse gis.example.com --internal issue --reach direct
  cartouche rehearse gis.example.com --save shape.json --mask
  cartouche rehearse --from shape.json --pfx new.pfx --fault failed-operation@gateway-put
  cartouche rehearse --from masked.json`,
		Args:              atMostOneArgument,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	options.roll.add(cmd)
	flags.StringVar(&options.from, "from", "", "rehearse with a shape that --save wrote, instead of reading a deployment `FILE`")
	flags.StringVar(&options.save, "save", "", "write the shape of the deployment, to look at and to share `FILE`")
	flags.BoolVar(&options.mask, "mask", false, "replace names, addresses and certificates in the shape by others")
	flags.StringArrayVar(&options.faults, "fault", nil, "something goes wrong, as name@step or name@step*times, repeatable `FAULT`")
	flags.Float64Var(&options.scale, "scale", rehearseScale, "how many times faster than ours the time of the rehearsal goes `N`")
	groupFlags(flags, "Rehearsal", "from", "save", "mask", "fault", "scale")
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		if err := options.take(cmd, args); err != nil {
			return err
		}
		return a.rehearse(ctx, options)
	})
	return exits(cmd, exitDone, exitUnexpected, exitUsage, exitRefused, exitPreflight, exitRestored, exitNotRestored, exitInterrupted)
}

// take finds out what is rehearsed, and refuses what does not go together.
func (o *rehearseOptions) take(cmd *cobra.Command, args []string) error {
	switch {
	case o.from != "" && (len(args) > 0 || o.roll.about.gateway != ""):
		return usage("leave one of them out", "--from has the deployment in it, so none is named")
	case o.from != "" && o.roll.vault.vault != "" && o.roll.pfx.file == "":
		return usage("give --pfx FILE", "--from %s: without a sign-in nothing is read in Key Vault", o.from)
	case o.scale < 1 || o.scale > 1000:
		return usage("--scale 30", "--scale %g: from 1 to 1000", o.scale)
	case o.roll.reach.reach == reachDSC:
		return usage("--reach agent, or --reach direct", "the way dsc is not rehearsed: the extension's settings, which only Azure has, are not in a shape")
	case o.mask && o.save == "" && o.from == "":
		return usage("add --save FILE", "--mask is about the file that --save writes")
	}
	if o.roll.internal.asked() {
		if err := o.roll.onlyInternal(); err != nil {
			return err
		}
	} else if err := o.roll.forClients(); err != nil {
		return err
	}
	if o.from != "" {
		return nil
	}
	return o.roll.takeTarget(cmd, args, "")
}

// rehearsed is what is needed of the deployment for a rehearsal.
type rehearsed struct {
	shape shape.Shape
	// goal is that of the renewal, internal that of the machines' certificates.
	goal     rotation.Goal
	internal rollout.Goal
	roots    *pki.Roots
	// plan is that for the deployment itself, nil where only a file was read.
	plan *rotation.Plan
	// reachAuto tells that no way was named, near that the machines could be dialled.
	reachAuto bool
	near      bool
	name      string // by which it is typed
}

func (a *app) rehearse(ctx context.Context, options rehearseOptions) error {
	faults, err := faultsOf(options.faults)
	if err != nil {
		return err
	}
	var of rehearsed
	if options.from != "" {
		of, err = a.shapeFrom(ctx, options)
	} else {
		of, err = a.shapeOf(ctx, options)
	}
	if err != nil {
		return err
	}
	if options.save != "" && of.nothing(options) {
		return a.onlySaved(of.shape, options)
	}
	stage := &rehearsalStage{app: a, options: options, of: of}
	defer stage.end(context.WithoutCancel(ctx))
	if err := stage.start(ctx, faults); err != nil {
		return err
	}
	if options.roll.internal.asked() {
		return stage.runInternal(ctx)
	}
	return stage.runExternal(ctx)
}

// nothing tells that there is nothing to roll out: the shape alone was wanted.
func (of rehearsed) nothing(options rehearseOptions) bool {
	return of.goal.Bundle == nil && !of.goal.Vault.Named() && !options.roll.internal.asked() && options.roll.vault.form() == rotation.FormFitting
}

func faultsOf(texts []string) ([]ground.Fault, error) {
	var faults []ground.Fault
	for _, text := range texts {
		fault, err := ground.ParseFault(text)
		if err == nil {
			err = sim.CheckFault(fault)
		}
		if err != nil {
			return nil, usage("cartouche sim --help", "%s", err)
		}
		faults = append(faults, fault)
	}
	return faults, nil
}

// rehearsalStage is a rehearsal under way.
type rehearsalStage struct {
	*app
	options rehearseOptions
	of      rehearsed
	// inner is the program as it runs inside the world: the same code with the
	// world's environment instead of ours.
	inner   *app
	world   *sim.World
	missing []string
	memory  string
	bundle  *pki.Bundle // what is rolled out
}

// start makes the world.
func (r *rehearsalStage) start(ctx context.Context, faults []ground.Fault) error {
	var real []*x509.Certificate
	var extra [][]byte
	for _, certificate := range r.ofFile() {
		real = append(real, certificate)
		if r.of.roots.Contains(certificate) {
			extra = append(extra, certificate.Raw)
		}
	}
	copied, err := rehearsal.CopyOf(r.of.shape, real...)
	if err != nil {
		return usage("cartouche rehearse --help", "no world can be made of the shape: %s", err)
	}
	r.missing = copied.Missing
	r.ui.progress.doing(rotation.PhaseObserve, "making a world of "+r.of.shape.Deployment.Name)
	scripts := r.options.roll.reach.reach == reachAgent || r.options.roll.internal.asked() || r.options.roll.reach.reach == reachAuto
	var keys []crypto.Signer
	if r.of.goal.Bundle != nil {
		keys = append(keys, r.of.goal.Bundle.Key)
	}
	r.world, err = sim.Start(ctx, sim.Options{File: copied.File, Keys: keys, Scale: r.options.scale, Faults: faults, ExtraRoots: extra, Scripts: scripts, Known: rehearsal.Known()})
	r.ui.progress.done()
	if err != nil {
		return &failure{Code: "no-rehearsal", Message: "no world could be made of the deployment: " + err.Error(), Serving: nothingChanged, exit: exitUnexpected,
			Hint: "look at what was read: --save FILE"}
	}
	if r.memory, err = os.MkdirTemp("", "cartouche-rehearsal-"); err != nil {
		return fmt.Errorf("make a directory for the rehearsal's journal: %w", err)
	}
	r.bundle = r.of.goal.Bundle
	if r.bundle == nil && !r.of.goal.Vault.Named() && r.of.shape.Masked && !r.options.roll.internal.asked() {
		// Nobody has a certificate for names that are none.
		if r.bundle, err = r.newCertificate(); err != nil {
			return err
		}
		r.missing = append(r.missing, "the new certificate: names are masked, so the world made one for its own names")
	}
	variables := map[string]string{"CARTOUCHE_STATE_DIR": r.memory}
	for _, variable := range r.variables() {
		variables[variable.Name] = variable.Value
	}
	env := r.env
	env.Lookup = func(name string) string { return variables[name] }
	env.Patience, env.MachinePatience, env.PollInterval = r.patience(), r.machinePatience(), r.short(time.Second)
	env.Keychain, env.ReadPassword, env.StdinIsTerminal = nil, nil, false
	r.inner = newApp(env)
	r.inner.ui, r.inner.flags = r.ui, r.flags
	return nil
}

// ofFile are the certificates of the file, with the root that its chain ends in.
func (r *rehearsalStage) ofFile() []*x509.Certificate {
	if r.of.goal.Bundle == nil {
		return nil
	}
	return wholeChain(r.of.goal.Bundle, r.of.roots)
}

func wholeChain(bundle *pki.Bundle, roots *pki.Roots) []*x509.Certificate {
	list := append([]*x509.Certificate{bundle.Leaf}, bundle.Intermediates...)
	root := bundle.Root
	if root == nil {
		root = roots.Issuer(list[len(list)-1])
	}
	if root != nil {
		list = append(list, root)
	}
	return list
}

// variables are those of the world: of inside its network where the deployment
// is entered or its machines are reached from there.
func (r *rehearsalStage) variables() []sim.Variable {
	private := !slices.ContainsFunc(r.of.shape.Listeners, func(l shape.Listener) bool { return !l.Private })
	if private || r.of.near || r.options.roll.reach.reach == reachDirect {
		return r.world.InsideEnvironment()
	}
	return r.world.Environment()
}

// short is a wait of production as long as it takes in the world.
func (r *rehearsalStage) short(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)/r.options.scale), 20*time.Millisecond)
}

// patience is production's, in the world's time; what this computer computes
// takes its own time, so nothing is given up in less than half a minute.
func (r *rehearsalStage) patience() rotation.Patience {
	long := func(d time.Duration) time.Duration { return max(r.short(d), 30*time.Second) }
	return rotation.Patience{Write: long(time.Hour), Proof: long(10 * time.Minute), Recovery: long(75 * time.Minute), Restart: long(15 * time.Minute),
		Interval: r.short(time.Second), Backoff: r.short(5 * time.Second), Drain: r.short(time.Minute)}
}

func (r *rehearsalStage) machinePatience() rollout.Patience {
	long := func(d time.Duration) time.Duration { return max(r.short(d), 30*time.Second) }
	return rollout.Patience{Restart: long(15 * time.Minute), Interval: r.short(5 * time.Second), Backends: long(10 * time.Minute), Recovery: long(2 * time.Hour), Drain: r.short(time.Minute)}
}

// worldTime is how long something took in the world.
func (r *rehearsalStage) worldTime(d time.Duration) float64 {
	return (time.Duration(float64(d) * r.options.scale)).Seconds()
}

// end closes the world and removes what was written.
func (r *rehearsalStage) end(ctx context.Context) {
	if r.inner != nil {
		r.inner.tidy(ctx)
	}
	if r.world != nil {
		_ = r.world.Close()
	}
	if r.memory != "" {
		_ = os.RemoveAll(r.memory)
	}
}

// innerOptions are those of the run inside: the same, but for who signs in.
func (r *rehearsalStage) innerOptions() rollOutOptions {
	options := r.options.roll
	options.azure = azureFlags{}
	options.site = siteFlags{withoutPortal: options.site.withoutPortal}
	options.reach.serverPFXPass, options.reach.portalPFXPass = "", ""
	return options
}

// choose finds the copy in the world.
func (r *rehearsalStage) choose(ctx context.Context, s *session) (deployment.Deployment, error) {
	d := r.of.shape.Deployment
	if d.Alone {
		return s.ofGateway(ctx, d.GatewayID, d.Given)
	}
	found, err := deployment.Find(ctx, s.azure, s.scope)
	if err != nil {
		return deployment.Deployment{}, err
	}
	if chosen, ok := deployment.Again(found.Deployments, d.GatewayID, d.ID); ok {
		return chosen.Named(d.Given)
	}
	return deployment.Deployment{}, &failure{Code: "no-rehearsal", Message: "the world that was made has no deployment " + d.Name + ": its record is not whole", Serving: nothingChanged, exit: exitUnexpected,
		Hint: "rehearse it by its gateway: --gateway " + quote(d.GatewayID)}
}

// newCertificate is a certificate that the world made for its own names.
func (r *rehearsalStage) newCertificate() (*pki.Bundle, error) {
	_, pfx, password := r.world.NewCertificate()
	return readWorldPFX(pfx, password)
}

// reachOf is how machines of the deployment itself are looked at: nothing is run
// there unless that was asked for.
func (o rehearseOptions) reachOf() reachFlags {
	flags := o.roll.reach
	flags.serverPFXPass, flags.portalPFXPass = "", ""
	return flags
}

// realCommand is what does for the deployment what was rehearsed.
func (r *rehearsalStage) realCommand() string {
	if r.options.from != "" {
		return "cartouche apply DEPLOYMENT" + strings.TrimSuffix(r.options.roll.words(), " ")
	}
	return "cartouche apply " + cmp.Or(r.of.name, quote(r.of.shape.Deployment.Name)) + r.options.roll.words()
}
