package sim

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"maps"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/edge"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// startDeployments brings up machines, then gateways, then what lies around.
func (w *World) startDeployments(ctx context.Context) error {
	created := w.ground.Clock.Now().AddDate(-1, 0, -3)
	for _, d := range w.layout.Deployments {
		subscription, err := w.subscriptionNamed(d.Subscription)
		if err != nil {
			return fmt.Errorf("deployment %s: %w", d.Prefix, err)
		}
		w.places = append(w.places, place{deployment: d, cloud: w.cloud, subscription: subscription, location: w.layout.Location, created: created})
	}
	certificates := make([]*authority.Issued, len(w.places))
	var work errgroup.Group
	for i, p := range w.places {
		work.Go(func() (err error) {
			certificates[i], err = w.current(p)
			return err
		})
	}
	work.Go(func() error { return w.issueNext() })
	if err := work.Wait(); err != nil {
		return err
	}
	for i, p := range w.places {
		if err := w.startDeployment(ctx, p, certificates[i]); err != nil {
			return fmt.Errorf("deployment %s: %w", p.Prefix, err)
		}
	}
	for _, n := range w.layout.Neighbours {
		if err := addNeighbour(ctx, w.manager, n, w.places[0]); err != nil {
			return err
		}
	}
	if err := w.addExtra(); err != nil {
		return err
	}
	w.manager.SetGrants(w.Grants()...)
	return nil
}

// current is the certificate that a deployment serves when the world begins.
func (w *World) current(p place) (*authority.Issued, error) {
	want := w.options.Current
	if want.Issued != nil {
		return want.Issued, nil
	}
	if want.DaysLeft == 0 {
		want.DaysLeft = 9
	}
	// An hour more, so that "9 days left" is true for as long as a test runs.
	end := w.ground.Clock.Now().AddDate(0, 0, want.DaysLeft).Add(time.Hour)
	return w.authority.Issue(authority.Spec{Names: p.names(), Key: want.Key, Via: w.issuer(p.deployment), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end})
}

// issueNext makes the renewed certificate for the first deployment: new.pfx.
func (w *World) issueNext() (err error) {
	if w.next, err = w.authority.Issue(authority.Spec{Names: w.places[0].names(), Via: w.issuer(w.places[0].deployment), NotAfter: w.ground.Clock.Now().AddDate(0, 0, 198)}); err != nil {
		return err
	}
	w.password = rand.Text()[:12]
	w.nextPFX, err = w.next.PFX(w.password)
	return err
}

// NewCertificate is the renewed certificate of the first deployment, its PFX
// file and that file's password.
func (w *World) NewCertificate() (issued *authority.Issued, pfx []byte, password string) {
	return w.next, w.nextPFX, w.password
}

func (w *World) startDeployment(ctx context.Context, p place, certificate *authority.Issued) error {
	if err := p.addResources(w.manager); err != nil {
		return err
	}
	anchors, err := w.startSites(p, certificate.Leaf)
	if err != nil {
		return err
	}
	pfx, err := certificate.PFX("frontend")
	if err != nil {
		return err
	}
	gateway := edge.New(w.ground, p.Gateway)
	gateway.Options = w.options.Guesses.Gateway
	gateway.Options.WellKnown = append(gateway.Options.WellKnown, w.authority.PublicRoot())
	w.gateways = append(w.gateways, gateway)
	if err := w.manager.AddGateway(ctx, p.gatewayDocument(pfx, "frontend", anchors), gateway); err != nil {
		return err
	}
	w.addNames(p)
	return nil
}

// startSites starts Portal, the hosting Server and the federated sites, and
// answers what the gateway must trust of each, by context.
func (w *World) startSites(p place, leaf *x509.Certificate) (map[string][]*x509.Certificate, error) {
	anchors := map[string][]*x509.Certificate{}
	start := func(context string, spec site.Spec) (*site.Site, error) {
		spec.Version, spec.Admin, spec.Password, spec.PublicRoots = p.Version, w.identity.admin, w.identity.adminPassword, w.publicRoots()
		spec.PublicURL, spec.ExternalLeaf, spec.Options = "https://"+p.Domain+"/"+context, leaf, w.options.Guesses.Sites
		spec.Trusted = w.trusted(p.deployment)
		s, err := site.Start(w.ground, spec)
		if err != nil {
			return nil, err
		}
		w.sites = append(w.sites, s)
		anchors[context] = s.TrustAnchors()
		return s, nil
	}
	// Source: Esri/arcgis-powershell-dsc: federation uses the secondary name
	// when there is one, else the external one.
	admin := p.Domain
	if p.Secondary != "" {
		admin = p.Secondary
	}
	servers := []site.FederatedSpec{{ID: uniqueString(p.deploymentID(), "hosting"), URL: "https://" + p.Domain + "/server", AdminURL: "https://" + admin + "/server",
		Role: "HOSTING_SERVER", Function: "GeneralPurposeServer", Hosting: true}}
	for _, f := range p.Sites {
		spec := site.FederatedSpec{ID: uniqueString(p.siteID(f), "site"), URL: "https://" + p.Domain + "/" + f.Context, AdminURL: "https://" + admin + "/" + f.Context,
			Role: "FEDERATED_SERVER", Function: strings.Join(f.Functions, ",")}
		if f.Role == "NotebookServer" {
			spec.Type = "ARCGIS_NOTEBOOK_SERVER"
		}
		servers = append(servers, spec)
	}
	portal, err := start("portal", site.Spec{Product: site.Portal, Machines: p.specs(with(p.Machines, "Portal"), true), Federated: servers})
	if err != nil {
		return nil, err
	}
	if _, err := start("server", site.Spec{Product: site.Server, Machines: p.specs(with(p.Machines, "Server"), false), Portal: portal}); err != nil {
		return nil, err
	}
	for _, f := range p.Sites {
		product := site.Server
		if f.Role == "NotebookServer" {
			product = site.Notebook
		}
		if _, err := start(f.Context, site.Spec{Product: product, Machines: p.specs(f.Machines, false), Portal: portal}); err != nil {
			return nil, err
		}
	}
	return anchors, nil
}

func (p place) specs(machines []machine, portal bool) []site.MachineSpec {
	var out []site.MachineSpec
	for i, m := range machines {
		spec := site.MachineSpec{Name: p.fqdn(m), Names: []string{m.Name, m.Address}}
		if portal {
			spec.Role = []string{"primary", "standby"}[min(i, 1)]
		}
		out = append(out, spec)
	}
	return out
}

func (w *World) publicRoots() []*x509.Certificate {
	roots := []*x509.Certificate{w.authority.PublicRoot()}
	for _, der := range w.options.ExtraRoots {
		if root, err := x509.ParseCertificate(der); err == nil {
			roots = append(roots, root)
		}
	}
	return roots
}

// addExtra adds resources of the options and the groups that they are in.
func (w *World) addExtra() error {
	for _, document := range w.options.Extra {
		id, _ := document["id"].(string)
		id = strings.Replace(id, "{subscription}", w.subscriptions[0].ID, 1)
		document = maps.Clone(document)
		document["id"] = id
		parts := strings.Split(id, "/")
		if len(parts) > 4 {
			w.manager.AddGroup(w.subscriptions[0].ID, parts[4], w.layout.Location, nil)
		}
		if err := w.manager.Add(document); err != nil {
			return err
		}
	}
	return nil
}
