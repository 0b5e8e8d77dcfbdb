package sim

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
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
	work.Go(func() error { return w.issueVaults() })
	if err := work.Wait(); err != nil {
		return err
	}
	if err := w.addVaults(certificates); err != nil {
		return err
	}
	w.manager.SetGrants(w.Grants()...) // gateways read vaults from the beginning
	for i, p := range w.places {
		if err := w.startDeployment(ctx, p, certificates[i]); err != nil {
			return fmt.Errorf("deployment %s: %w", p.Prefix, err)
		}
	}
	for _, n := range w.layout.Neighbours {
		if err := w.addNeighbour(ctx, n); err != nil {
			return err
		}
	}
	if err := w.addExtra(); err != nil {
		return err
	}
	if err := w.openHosts(); err != nil {
		return err
	}
	return w.fillVaults(true)
}

// current is the certificate that a deployment serves when the world begins.
func (w *World) current(p place) (*authority.Issued, error) {
	if p.Kind == kindCopy {
		return nil, nil // its own are likenesses
	}
	want := w.options.Current
	if want.Issued != nil {
		return want.Issued, nil
	}
	if want.DaysLeft == 0 {
		want.DaysLeft = 9
	}
	// An hour more, so that "9 days left" is true for as long as a test runs.
	end := w.ground.Clock.Now().AddDate(0, 0, want.DaysLeft).Add(time.Hour)
	return w.authority.Issue(authority.Spec{Names: p.certificateNames(), Key: want.Key, Via: w.issuer(p.deployment), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end})
}

// issueNext makes the renewed certificate for the first deployment: new.pfx.
// A renewal keeps the kind of key.
func (w *World) issueNext() (err error) {
	names := w.places[0].certificateNames()
	if c := w.places[0].Copy; c != nil {
		if theirs, _ := w.renewedAs(c); len(theirs) > 0 {
			names = theirs
		}
	}
	if w.next, err = w.authority.Issue(authority.Spec{Names: names, Key: w.options.Current.Key, Via: w.nextIssuer(w.places[0].deployment), NotAfter: w.ground.Clock.Now().AddDate(0, 0, 198)}); err != nil {
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
	switch p.Kind {
	case kindGitOps:
		return w.startGitOps(ctx, p, certificate)
	case kindCopy:
		return w.startCopy(ctx, p)
	}
	if err := p.addResources(w.manager); err != nil {
		return err
	}
	if p.Kind == kindV1 {
		return w.startV1(p, certificate)
	}
	anchors, err := w.startSites(p, certificate.Leaf)
	if err != nil {
		return err
	}
	certificates, err := w.certificateEntries(p, certificate)
	if err != nil {
		return err
	}
	for _, l := range p.Listeners {
		if l.Web != "" {
			if err := w.startWeb(l.Web, l.Hosts[0]); err != nil {
				return err
			}
		}
	}
	document := p.gatewayDocument(certificates, anchors)
	if err := w.refer(p, document); err != nil {
		return err
	}
	if err := w.manager.AddGateway(ctx, document, w.newPlane(p.Gateway)); err != nil {
		return err
	}
	w.addNames(p)
	return nil
}

// certificateEntries are the gateway's certificates: the deployment's own, and
// one for each listener that has another entry.
func (w *World) certificateEntries(p place, own *authority.Issued) ([]any, error) {
	first, err := certificateEntry(ownEntry, own)
	if err != nil {
		return nil, err
	}
	entries := []any{first}
	for _, l := range p.Listeners {
		if l.entry() == ownEntry {
			continue
		}
		other, err := w.authority.Issue(authority.Spec{Names: l.Hosts, Key: "p256"})
		if err != nil {
			return nil, err
		}
		entry, err := certificateEntry(l.Certificate, other)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func certificateEntry(name string, issued *authority.Issued) (tree, error) {
	pfx, err := issued.PFX("frontend")
	if err != nil {
		return nil, err
	}
	return tree{"name": name, "properties": tree{"data": base64.StdEncoding.EncodeToString(pfx), "password": "frontend"}}, nil
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
