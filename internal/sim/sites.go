package sim

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// role is what runs on the machines of a server site.
type role struct {
	product    string
	serverType string // as the portal's federation has it; "" is ARCGIS
	also       []int  // ports of extensions
}

// roles that are not ArcGIS Server alone.
// Source: Esri/arcgis-azure-templates, Releases/11.4/getAppGatewayObject.py for
// ports; Esri/arcgis-powershell-dsc for server types.
var roles = map[string]role{
	"NotebookServer": {site.Notebook, "ARCGIS_NOTEBOOK_SERVER", nil},
	// guess: the server type is called like the others.
	"VideoServer":           {site.Video, "ARCGIS_VIDEO_SERVER", nil},
	"MissionServer":         {site.Mission, "ARCGIS_MISSION_SERVER", []int{20301}},
	"GeoEventServer":        {site.Server, "", []int{6143}},
	"WorkflowManagerServer": {site.Server, "", []int{13443}},
}

func roleOf(name string) role {
	if known, ok := roles[name]; ok {
		return known
	}
	return role{product: site.Server}
}

// starter starts the sites of one deployment.
type starter struct {
	world   *World
	place   place
	leaf    *x509.Certificate // of the gateway; nil: it is in no keystore
	mu      sync.Mutex
	anchors map[string][]*x509.Certificate // by context
	// pairs are what machines serve, by name, and root who issued them; without
	// them machines make their own.
	pairs map[string]*authority.Issued
	root  *x509.Certificate
}

func (s *starter) start(context, name string, spec site.Spec) (*site.Site, error) {
	w, p := s.world, s.place
	spec.Version, spec.Admin, spec.Password, spec.PublicRoots = p.Version, w.identity.admin, w.identity.adminPassword, w.publicRoots()
	spec.PublicURL, spec.ExternalLeaf, spec.Options = "https://"+name+"/"+context, s.leaf, w.options.Guesses.Sites
	spec.Trusted = w.trusted(p.deployment)
	spec.Linux = p.Kind == kindGitOps
	spec.Leftover, spec.Key, spec.NotAfter = p.Internal.Leftover, w.options.Machines.Key, w.daysFromNow(p.Internal.Days)
	if spec.Product == site.DataStore {
		spec.NotAfter = w.daysFromNow(p.Internal.StoreDays)
	}
	if spec.Product == site.Server {
		// What Esri's DSC leaves: HTTP beside HTTPS (ArcGIS_Server_TLS is never told otherwise).
		spec.Security = map[string]string{"Protocol": cmp.Or(p.Internal.Protocol, "HTTP_AND_HTTPS"), "HSTSEnabled": strconv.FormatBool(p.Internal.HSTS)}
	}
	if s.root != nil {
		// Source: Esri/arcgis-gitops, the machines' Chef attributes.
		spec.Alias = map[string]string{site.Portal: "portalcert", site.Server: "servercert"}[spec.Product]
		spec.Trusted = map[string]*x509.Certificate{"rootcert": s.root}
		for i, m := range spec.Machines {
			if spec.Product == site.DataStore {
				break // it keeps its own
			}
			pair := s.pairs[m.Name].TLS()
			spec.Machines[i].Pair = &pair
		}
	}
	started, err := site.Start(w.ground, spec)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.sites = append(w.sites, started)
	s.anchors[context] = started.TrustAnchors()
	return started, nil
}

func (w *World) daysFromNow(days int) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return w.ground.Clock.Now().AddDate(0, 0, days).Add(time.Hour)
}

// startSites starts the sites of a deployment and answers what the gateway must
// trust of each, by context. Sites make keys, which is slow: they do it side by
// side, behind the portal that they know.
func (w *World) startSites(p place, leaf *x509.Certificate) (map[string][]*x509.Certificate, error) {
	s := &starter{world: w, place: p, leaf: leaf, anchors: map[string][]*x509.Certificate{}}
	if own, alone := p.alone(); alone {
		return s.anchors, s.startServer(own, nil)
	}
	return s.anchors, s.startBase()
}

// startBase starts Portal, the Data Store, the hosting Server and the further sites.
func (s *starter) startBase() error {
	p := s.place
	machines := p.specs(with(p.Machines, "Portal"), true)
	for i, alias := range p.Internal.Aliases {
		if i < len(machines) {
			machines[i].Alias = alias
		}
	}
	portal, err := s.start("portal", p.Domain, site.Spec{Product: site.Portal, Machines: machines, Federated: p.federation()})
	if err != nil {
		return err
	}
	var work errgroup.Group
	work.Go(func() error {
		stores, err := s.startStores()
		if err != nil {
			return err
		}
		server, err := s.start("server", p.Domain, site.Spec{Product: site.Server, Machines: p.specs(with(p.Machines, "Server"), false), Portal: portal,
			Stores: stores, StoreTypes: p.storeTypes()})
		if err == nil && p.Internal.Direct {
			for i, anchor := range server.TrustAnchors() {
				portal.Trust(fmt.Sprintf("server-internal-%d", i+1), anchor)
			}
		}
		return err
	})
	for _, further := range p.Sites {
		work.Go(func() error { return s.startServer(further, portal) })
	}
	return work.Wait()
}

// startStores starts the Data Store on the machines that have it; nil without any.
func (s *starter) startStores() (*site.Site, error) {
	var machines []machine
	for _, m := range s.place.Machines {
		if slices.ContainsFunc(m.Roles, func(role string) bool { return strings.HasSuffix(role, "DataStore") }) {
			machines = append(machines, m)
		}
	}
	if len(machines) == 0 {
		return nil, nil
	}
	return s.start("", s.place.Domain, site.Spec{Product: site.DataStore, Machines: s.place.specs(machines, false), StoreTypes: s.place.storeTypes()})
}

// storeTypes of the Data Store; guess: a Terraform module makes a relational one.
func (p place) storeTypes() []string {
	if len(p.DataStores) == 0 {
		return []string{"Relational"}
	}
	return p.DataStores
}

func (s *starter) startServer(of serverSite, portal *site.Site) error {
	if of.StandAlone {
		portal = nil
	}
	role := roleOf(of.Role)
	spec := site.Spec{Product: role.product, Machines: s.place.specs(of.Machines, false), Portal: portal, Also: role.also}
	if of.WebAdaptor {
		spec.Adaptor = of.Context
		s.mu.Lock()
		for _, m := range spec.Machines {
			s.world.adaptors[strings.ToLower(m.Name)] = of.Context
		}
		s.mu.Unlock()
	}
	_, err := s.start(of.Context, s.place.hostOf(of.Context), spec)
	return err
}

// hostOf is the name under which clients reach a site.
func (p place) hostOf(context string) string {
	for _, l := range p.Listeners {
		if l.Site == context {
			return l.Hosts[0]
		}
	}
	return p.Domain
}

// federation is what the portal knows of its servers.
// Source: Esri/arcgis-powershell-dsc: federation uses the secondary name when
// there is one, else the external one.
func (p place) federation() []site.FederatedSpec {
	admin := p.Domain
	if p.Secondary != "" {
		admin = p.Secondary
	}
	adminURL := "https://" + admin + "/server"
	if p.Internal.Direct {
		adminURL = "https://" + p.fqdn(with(p.Machines, "Server")[0]) + ":6443/arcgis"
	}
	servers := []site.FederatedSpec{{ID: uniqueString(p.deploymentID(), "hosting"), URL: "https://" + p.Domain + "/server", AdminURL: adminURL,
		Role: "HOSTING_SERVER", Function: "GeneralPurposeServer", Hosting: true}}
	for _, f := range p.Sites {
		if !f.StandAlone {
			servers = append(servers, site.FederatedSpec{ID: uniqueString(p.siteID(f), "site"), URL: "https://" + p.Domain + "/" + f.Context, AdminURL: "https://" + admin + "/" + f.Context,
				Role: "FEDERATED_SERVER", Function: strings.Join(f.Functions, ","), Type: roleOf(f.Role).serverType})
		}
	}
	return servers
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
