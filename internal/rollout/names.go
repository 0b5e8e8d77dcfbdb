package rollout

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// dnsName is what may stand in a certificate as a name of a machine.
var dnsName = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

// maxNames bounds what is taken over from certificates and sites: a site has a
// few dozen machines at most.
const maxNames = 60

// namesFor are the names of a machine's certificate: its full name first, its
// short one, those of the machines that stand in for it (a load balancer
// within the site may ask any of them under one name, and Cloud Builder's own
// certificates have all of them), and whatever the certificates that it serves
// now have, so that nobody who relied on a name loses it.
// Source: Esri/arcgis-azure-templates, Releases/*/GenerateSSLCerts.ps1.
func namesFor(state rotation.State, machineName string) []string {
	var names []string
	add := func(name string) {
		name = strings.ToLower(strings.TrimSpace(name))
		good := len(name) <= 253 && dnsName.MatchString(name) || net.ParseIP(name) != nil
		if good && len(names) < maxNames && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	full := func(host string) {
		add(host)
		if net.ParseIP(host) == nil {
			short, _, _ := strings.Cut(host, ".")
			add(short)
		}
	}
	var own []observed
	for _, o := range ports(state) {
		if strings.EqualFold(o.at.Name, machineName) {
			own = append(own, o)
		}
	}
	for _, o := range own {
		full(o.at.Host)
		add(o.at.Name)
		full(o.MachineName)
	}
	for _, o := range own {
		for _, other := range state.Machines {
			same := strings.EqualFold(other.Site, o.at.Site) && slices.ContainsFunc(other.Components, func(c machine.Component) bool { return c.Product == o.Product })
			if same {
				full(other.Host)
			}
		}
		for _, peer := range o.Peers {
			full(peer)
		}
		if leaf := o.certificate(); leaf != nil {
			for _, name := range pki.Names(leaf) {
				add(name)
			}
		}
	}
	return names
}

// hostOf is the host of a URL, "" when it has none.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Hostname()
}
