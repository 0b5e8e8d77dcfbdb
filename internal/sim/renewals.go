package sim

import (
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// further are the names beside the first deployment's that somebody may renew
// a certificate of.
func (w *World) further() []string {
	var names []string
	for i, p := range w.places {
		if i > 0 {
			names = append(names, p.Domain)
		}
		for _, l := range p.Listeners {
			if l.entry() != ownEntry && l.Site != "" {
				names = append(names, l.Hosts[0])
			}
		}
	}
	for _, bare := range w.BareGateways() {
		names = append(names, bare.Domain)
	}
	return names
}

// Renew makes a renewed certificate as NewCertificate is one, for a further
// name of the world: from the authority that its deployment has it from, for
// all names that it must cover. The PFX has the password of new.pfx.
func (w *World) Renew(domain string) (*authority.Issued, []byte, error) {
	spec := authority.Spec{Names: []string{domain}, NotAfter: w.ground.Clock.Now().AddDate(0, 0, 198).Add(time.Hour)}
	for _, p := range w.places {
		if p.Domain == domain {
			spec.Names, spec.Via = p.certificateNames(), w.issuer(p.deployment)
		}
	}
	issued, err := w.authority.Issue(spec)
	if err != nil {
		return nil, nil, fmt.Errorf("renew %s: %w", domain, err)
	}
	pfx, err := issued.PFX(w.password)
	return issued, pfx, err
}

// renewalFiles are new-NAME.pfx for the further names.
func (w *World) renewalFiles() ([]worldFile, error) {
	names := w.further()
	files := make([]worldFile, len(names))
	var work errgroup.Group
	for i, name := range names {
		work.Go(func() error {
			_, pfx, err := w.Renew(name)
			files[i] = worldFile{renewalFile(name), pfx}
			return err
		})
	}
	return files, work.Wait()
}

func renewalFile(name string) string { return "new-" + name + ".pfx" }
