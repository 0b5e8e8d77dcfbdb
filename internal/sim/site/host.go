package site

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Host is one virtual machine as somebody sees it who is logged in there: the
// Windows or Linux services of the ArcGIS software on it, the Data Store's
// tool, and IIS. Whoever simulates a computer carries out programs with it.
type Host struct {
	ground *ground.Ground
	name   string // FQDN
	sites  []*Site
	iis    *IIS

	mu    sync.Mutex
	files map[string][]byte // below C:\ArcGIS\Certs
}

// NewHost joins what is installed on the machine of that FQDN. iis is nil
// where there is none.
func NewHost(g *ground.Ground, name string, sites []*Site, iis *IIS) *Host {
	h := &Host{ground: g, name: strings.ToLower(name), iis: iis, files: map[string][]byte{}}
	for _, s := range sites {
		if s.machine(name) != nil {
			h.sites = append(h.sites, s)
		}
	}
	return h
}

// Name is the FQDN, lower-case.
func (h *Host) Name() string { return h.name }

// Sites are those that the machine takes part in.
func (h *Host) Sites() []*Site { return h.sites }

// Keep puts a file below C:\ArcGIS\Certs, as the last run of a configuration
// left it: SSLCertificateForServer.pfx, SSLCertificateForPortal.pfx.
func (h *Host) Keep(file string, content []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[file] = content
}

// Close stops what belongs to the machine and to no site.
func (h *Host) Close() error {
	if h.iis == nil {
		return nil
	}
	return h.iis.Close()
}

// IIS is the machine's web server, nil without one.
func (h *Host) IIS() *IIS { return h.iis }

// Service is a service of the operating system.
type Service struct {
	Name    string // as Windows knows it: "ArcGIS Server", "ArcGISGeoEvent", …
	Running bool
}

// services by product. Source: Get-ArcGISServiceName of Esri/arcgis-powershell-dsc.
var services = map[string]string{
	Portal: "Portal for ArcGIS", Server: "ArcGIS Server", Notebook: "ArcGIS Notebook Server", Mission: "ArcGIS Mission Server",
	Video: "ArcGIS Video Server", DataStore: "ArcGIS Data Store",
}

// Services of the ArcGIS software on the machine.
func (h *Host) Services() []Service {
	var list []Service
	for _, s := range h.sites {
		m := s.machine(h.name)
		list = append(list, Service{services[s.spec.Product], m.listening()})
		for _, e := range m.extensions {
			list = append(list, Service{e.service, e.running.Load()})
		}
	}
	return list
}

// RestartService stops and starts a service and returns when it was started,
// as Restart-Service does: that is before it is healthy.
func (h *Host) RestartService(ctx context.Context, name string) error {
	for _, s := range h.sites {
		m := s.machine(h.name)
		if strings.EqualFold(services[s.spec.Product], name) {
			options := s.spec.Options
			select {
			case <-m.begin("service restart", pace{0, options.DownFor, options.WarmFor}):
				return nil
			case <-s.ctx.Done():
				return errors.New("the machine is gone")
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		for _, e := range m.extensions {
			if strings.EqualFold(e.service, name) {
				return e.restart(ctx)
			}
		}
	}
	return fmt.Errorf("cannot find any service with service name '%s'", name) // PowerShell's words
}

// at is the site of a product that the machine takes part in, and it there.
func (h *Host) at(product string) (*Site, *machine) {
	for _, s := range h.sites {
		if s.spec.Product == product {
			return s, s.machine(h.name)
		}
	}
	return nil, nil
}

// DSC is a run of one of Esri's Azure configurations on the machine.
type DSC struct {
	// Configuration is the function: ServerConfiguration, PortalConfiguration,
	// GISServerMultiTierConfiguration, NotebookServerSingleTierConfiguration, …
	Configuration string
	// Updating is IsUpdatingCertificates.
	Updating bool
	// Admin and Password are the SiteAdministratorCredential.
	Admin, Password string
	// PFX is SSLCertificateForServer.pfx or SSLCertificateForPortal.pfx as it was
	// downloaded; nil when the download failed, which the configuration ignores:
	// it goes on with the file that lies there from the last time.
	PFX []byte
	// PFXPassword is ServerInternalCertificatePassword or its like of Portal.
	PFXPassword string
	// PortalPFX and PortalPFXPassword are those of Portal where one configuration
	// sets up both; the password is PFXPassword when it is empty.
	PortalPFX         []byte
	PortalPFXPassword string
	// Public is the file PublicKeySSLCertificateFileName; nil without.
	Public []byte
	// NoServiceAccount tells that the ServiceCredential's password is
	// "Placeholder": then nothing is done at all.
	NoServiceAccount bool
	// License tells that a license file is named: a first deployment.
	License bool
	// WebAdaptor is UseArcGISWebAdaptorForNotebookServer.
	WebAdaptor bool
	// External is ExternalDNSHostName.
	External string
	// ImportFrom are "host:port" of the portals and hosting servers whose
	// certificates ArcGIS_TLSCertificateImport fetches.
	ImportFrom []string
}

// Product is one of the products.
func (s *Site) Product() string { return s.spec.Product }

// Version is as the world's file has it: "11.3".
func (s *Site) Version() string { return s.spec.Version }

// Machines are the FQDNs of the site's machines, lower-case.
func (s *Site) Machines() []string {
	var names []string
	for _, m := range s.machines {
		names = append(names, m.host)
	}
	return names
}

// PFXFile is the name that Cloud Builder gives it.
func (s *Site) PFXFile() string {
	if s.spec.Product == Portal {
		return portalFile
	}
	return serverFile
}

// InternalPFX is the certificate that all machines of the site were started
// with, as Cloud Builder keeps it in a file.
func (s *Site) InternalPFX(password string) ([]byte, error) {
	if s.first == nil {
		return nil, errors.New("the machines of the site have certificates of their own")
	}
	issued := authority.Issued{Key: s.first.key, Leaf: s.first.leaf, Chain: s.first.chain}
	return issued.PFX(password)
}
