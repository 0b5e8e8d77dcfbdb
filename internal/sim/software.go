package sim

import (
	"cmp"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// Host is what is installed on a virtual machine, by its FQDN; nil when no
// machine of the world has that name.
func (w *World) Host(fqdn string) *site.Host { return w.hosts[strings.ToLower(fqdn)] }

// InternalPassword is that of the PFX files with the machines' own
// certificates, Site.InternalPFX.
func (w *World) InternalPassword() string { return w.identity.internal }

// openHosts joins the sites of each virtual machine, starts IIS where a Web
// Adaptor is, and leaves the files there that Cloud Builder left.
func (w *World) openHosts() error {
	w.hosts = map[string]*site.Host{}
	for _, p := range w.places {
		for _, m := range p.allMachines() {
			fqdn := strings.ToLower(p.fqdn(m))
			h := site.NewHost(w.ground, fqdn, w.sites, nil)
			if adaptor, ok := w.adaptors[fqdn]; ok {
				iis, err := site.StartIIS(h.Sites()[0], fqdn, adaptor)
				if err != nil {
					return err
				}
				h = site.NewHost(w.ground, fqdn, w.sites, iis)
			}
			w.hosts[fqdn] = h
			for _, s := range h.Sites() {
				if pfx, err := s.InternalPFX(w.identity.internal); err == nil {
					h.Keep(s.PFXFile(), pfx)
				}
			}
		}
	}
	return nil
}

// change takes over what the options say.
func (i *internal) change(by MachineState) {
	i.Days = cmp.Or(by.InternalDays, i.Days)
	i.StoreDays = cmp.Or(by.StoreDays, i.StoreDays)
	if len(by.PortalAliases) > 0 {
		i.Aliases = by.PortalAliases
	}
	i.Direct = i.Direct || by.DirectFederation
	if by.UnseenAuthority {
		i.NextCA = privateCA
	}
	i.Leftover = cmp.Or(by.Leftover, i.Leftover)
	i.Protocol = cmp.Or(by.Protocol, i.Protocol)
	i.HSTS = i.HSTS || by.HSTS
}
