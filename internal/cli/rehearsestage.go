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

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// rehearsalStage is a rehearsal under way.
type rehearsalStage struct {
	*program
	options rehearseOptions
	of      rehearsed
	// inner is the program as it runs inside the world: the same code with the
	// world's environment instead of ours.
	inner   *program
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
		return app.Usage("cartouche rehearse --help", "no world can be made of the shape: %s", err)
	}
	r.missing = copied.Missing
	r.ui.progress.Doing(rotation.PhaseObserve, "making a world of "+r.of.shape.Deployment.Name)
	scripts := r.options.roll.reach.reach == app.ReachAgent || r.options.roll.internal.asked() || r.options.roll.reach.reach == app.ReachAuto
	var keys []crypto.Signer
	if r.of.goal.Bundle != nil {
		keys = append(keys, r.of.goal.Bundle.Key)
	}
	r.world, err = sim.Start(ctx, sim.Options{File: copied.File, Keys: keys, Scale: r.options.scale, Faults: faults, ExtraRoots: extra, Scripts: scripts, Known: rehearsal.Known()})
	r.ui.progress.Done()
	if err != nil {
		return &app.Failure{Code: "no-rehearsal", Message: "no world could be made of the deployment: " + err.Error(), Serving: app.NothingChanged, Exit: app.ExitUnexpected,
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
	r.inner = newProgram(env)
	r.inner.ui, r.inner.flags = r.ui, r.flags
	r.inner.Tell, r.inner.Verbose = r.Tell, r.Verbose
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
	if private || r.of.near || r.options.roll.reach.reach == app.ReachDirect {
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
func (r *rehearsalStage) choose(ctx context.Context, s *app.Session) (deployment.Deployment, error) {
	d := r.of.shape.Deployment
	if d.Alone {
		return s.OfGateway(ctx, d.GatewayID, d.Given)
	}
	found, err := deployment.Find(ctx, s.Azure, s.Scope)
	if err != nil {
		return deployment.Deployment{}, err
	}
	if chosen, ok := deployment.Again(found.Deployments, d.GatewayID, d.ID); ok {
		return chosen.Named(d.Given)
	}
	return deployment.Deployment{}, &app.Failure{Code: "no-rehearsal", Message: "the world that was made has no deployment " + d.Name + ": its record is not whole", Serving: app.NothingChanged, Exit: app.ExitUnexpected,
		Hint: "rehearse it by its gateway: --gateway " + app.Quote(d.GatewayID)}
}

// newCertificate is a certificate that the world made for its own names.
func (r *rehearsalStage) newCertificate() (*pki.Bundle, error) {
	_, pfx, password := r.world.NewCertificate()
	return readWorldPFX(pfx, password)
}

// realCommand is what does for the deployment what was rehearsed.
func (r *rehearsalStage) realCommand() string {
	if r.options.from != "" {
		return "cartouche apply DEPLOYMENT" + strings.TrimSuffix(r.options.roll.words(), " ")
	}
	return "cartouche apply " + cmp.Or(r.of.name, app.Quote(r.of.shape.Deployment.Name)) + r.options.roll.words()
}
