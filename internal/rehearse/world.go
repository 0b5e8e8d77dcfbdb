package rehearse

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// copied is the world that was made of a deployment, with who works in it.
type copied struct {
	*Original
	// inner is the application inside the world: the same code with the world's
	// environment instead of ours.
	inner *app.App
	world *sim.World
	// missing is what the world cannot stand in for.
	missing []string
	memory  string
	bundle  *pki.Bundle // what is rolled out
	session *app.Session
}

// copy makes the world. Whoever gets it ends it.
func (o *Original) copy(ctx context.Context, a *app.App) (*copied, error) {
	c := &copied{Original: o, bundle: o.goal.Bundle}
	if err := c.start(ctx, a); err != nil {
		c.end(ctx)
		return nil, err
	}
	return c, nil
}

func (c *copied) start(ctx context.Context, a *app.App) error {
	var real []*x509.Certificate
	var extra [][]byte
	for _, certificate := range c.ofFile() {
		real = append(real, certificate)
		if c.roots.Contains(certificate) {
			extra = append(extra, certificate.Raw)
		}
	}
	made, err := rehearsal.CopyOf(c.Shape, real...)
	if err != nil {
		return app.Usage("cartouche rehearse --help", "no world can be made of the shape: %s", err)
	}
	c.missing = append([]string{}, made.Missing...)
	var keys []crypto.Signer
	if c.bundle != nil {
		keys = append(keys, c.bundle.Key)
	}
	if a.Tell != nil {
		a.Tell.Doing(rotation.PhaseObserve, "making a world of "+c.Shape.Deployment.Name)
		defer a.Tell.Done()
	}
	scripts := c.asked.Machines != nil || c.asked.reach() == app.ReachAgent || c.asked.reach() == app.ReachAuto
	c.world, err = sim.Start(ctx, sim.Options{File: made.File, Keys: keys, Scale: c.asked.Scale, Faults: c.asked.Faults, ExtraRoots: extra, Scripts: scripts, Known: rehearsal.Known()})
	if err != nil {
		return &app.Failure{Code: "no-rehearsal", Message: "no world could be made of the deployment: " + err.Error(), Serving: app.NothingChanged, Exit: app.ExitUnexpected,
			Hint: "look at what was read: --save FILE"}
	}
	if c.memory, err = os.MkdirTemp("", "cartouche-rehearsal-"); err != nil {
		return fmt.Errorf("make a directory for the rehearsal's journal: %w", err)
	}
	if c.bundle == nil && !c.goal.Vault.Named() && c.Shape.Masked && c.asked.Machines == nil {
		// Nobody has a certificate for names that are none.
		if c.bundle, err = c.newCertificate(); err != nil {
			return err
		}
		c.missing = append(c.missing, "the new certificate: names are masked, so the world made one for its own names")
	}
	c.inner = Inside(a, c.world, c.memory, c.asked.Scale, c.inside())
	c.session, err = c.inner.Connect(ctx, app.SignInAsked{})
	return err
}

// end closes the world and removes what was written.
func (c *copied) end(ctx context.Context) {
	if c.session != nil {
		c.session.Close(ctx)
	}
	if c.world != nil {
		_ = c.world.Close()
	}
	if c.memory != "" {
		_ = os.RemoveAll(c.memory)
	}
}

// ofFile are the certificates of the file, with the root that its chain ends in.
func (c *copied) ofFile() []*x509.Certificate {
	if c.goal.Bundle == nil {
		return nil
	}
	return wholeChain(c.goal.Bundle, c.roots)
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

// newCertificate is a certificate that the world made for its own names.
func (c *copied) newCertificate() (*pki.Bundle, error) {
	_, pfx, password := c.world.NewCertificate()
	return pki.ReadPFX(pfx, secret.New(password))
}

// inside tells that one works from inside the world's network: where the
// deployment is entered, or its machines are reached, from there.
func (c *copied) inside() bool {
	private := !slices.ContainsFunc(c.Shape.Listeners, func(l shape.Listener) bool { return !l.Private })
	return private || c.near || c.asked.reach() == app.ReachDirect
}

// choose finds the copy in the world.
func (c *copied) choose(ctx context.Context) (deployment.Deployment, error) {
	d := c.Shape.Deployment
	if d.Alone {
		return c.session.OfGateway(ctx, d.GatewayID, d.Given)
	}
	found, err := deployment.Find(ctx, c.session.Azure, c.session.Scope)
	if err != nil {
		return deployment.Deployment{}, err
	}
	if chosen, ok := deployment.Again(found.Deployments, d.GatewayID, d.ID); ok {
		return chosen.Named(d.Given)
	}
	return deployment.Deployment{}, &app.Failure{Code: "no-rehearsal", Message: "the world that was made has no deployment " + d.Name + ": its record is not whole", Serving: app.NothingChanged, Exit: app.ExitUnexpected,
		Hint: "rehearse it by its gateway: --gateway " + app.Quote(d.GatewayID)}
}

// enter finds the deployment in the world, and the logins for it.
func (c *copied) enter(ctx context.Context) (deployment.Deployment, rotation.Credentials, error) {
	chosen, err := c.choose(ctx)
	if err != nil {
		return deployment.Deployment{}, rotation.Credentials{}, err
	}
	logins, err := c.logins(chosen)
	return chosen, logins, err
}

// logins are those of the world. A change of machines needs the site administrator.
func (c *copied) logins(d deployment.Deployment) (rotation.Credentials, error) {
	given := c.inner.GivenLogins()
	if c.asked.WithoutPortal && c.asked.Machines == nil {
		given.SiteAdmin, given.SiteAdminPassword = "", secret.Secret{}
		return given, nil
	}
	needed := cmp.Or(d.PortalContext, d.ServerContext) // a server that stands alone has one, too
	if c.asked.Machines == nil {
		needed = d.PortalContext
	}
	if needed != "" && given.SiteAdmin == "" {
		return given, app.NoSiteAdmin(d.Name)
	}
	return given, nil
}

// Inside is the application as it works in a simulated world: with the world's
// environment instead of ours, of inside its network or of outside, its memory in a
// directory of its own, and waits that are as short as the world is fast.
func Inside(a *app.App, world *sim.World, memory string, scale float64, within bool) *app.App {
	variables := map[string]string{"CARTOUCHE_STATE_DIR": memory}
	environment := world.Environment()
	if within {
		environment = world.InsideEnvironment()
	}
	for _, variable := range environment {
		variables[variable.Name] = variable.Value
	}
	inner := *a
	inner.Lookup = func(name string) string { return variables[name] }
	inner.Keychain = nil
	inner.Changing, inner.AtMachines = nil, nil // nothing of ours is half changed, whoever leaves
	waits := pace(scale)
	inner.Patience, inner.MachinePatience, inner.PollInterval = waits.patience(), waits.machinePatience(), waits.short(time.Second)
	return &inner
}
