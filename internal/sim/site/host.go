package site

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

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
}

// NewHost joins what is installed on the machine of that FQDN. iis is nil
// where there is none.
func NewHost(g *ground.Ground, name string, sites []*Site, iis *IIS) *Host {
	h := &Host{ground: g, name: strings.ToLower(name), iis: iis}
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

// IIS is the machine's web server, nil without one.
func (h *Host) IIS() *IIS { return h.iis }

// Service is a service of the operating system.
type Service struct {
	Name    string // as Windows knows it: "ArcGIS Server", "ArcGISGeoEvent", …
	Running bool
}

// Services of the ArcGIS software on the machine.
func (h *Host) Services() []Service { return nil }

// RestartService stops and starts a service and returns when it was started,
// as Restart-Service does: that is before it is healthy.
func (h *Host) RestartService(ctx context.Context, name string) error {
	return fmt.Errorf("cannot find any service with service name '%s'", name)
}

// StoreTool is the name of the Data Store's tool on this machine, without
// extension: replacesslcertificate, before 11.3 updatesslcertificate, "" where
// there is no Data Store.
func (h *Host) StoreTool() string { return "" }

// ReplaceCertificate is what StoreTool does. option is webserver, relational,
// graph, object or tileCache, and "" for the older tool.
func (h *Host) ReplaceCertificate(pfx []byte, password, alias, option string) (stdout, stderr string, code int) {
	return "", "ArcGIS Data Store is not installed.\n", 1
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
	// Public is the file PublicKeySSLCertificateFileName; nil without.
	Public []byte
	// NoServiceAccount tells that the ServiceCredential's password is
	// "Placeholder": then nothing is done at all.
	NoServiceAccount bool
	// License tells that a license file is named: a first deployment.
	License bool
	// WebAdaptor is UseArcGISWebAdaptorForNotebookServer.
	WebAdaptor bool
	// ImportFrom are "host:port" of the portals and hosting servers whose
	// certificates ArcGIS_TLSCertificateImport fetches.
	ImportFrom []string
}

// ApplyDSC carries a configuration out, defects included, in the world's time.
// The log is what it would write with -Verbose; an error is an exception that
// makes the extension fail.
func (h *Host) ApplyDSC(ctx context.Context, run DSC) (log []string, err error) {
	return nil, errors.New("no configuration is known yet")
}

// IIS is the web server of a machine with a Web Adaptor, on port 443.
type IIS struct{}

// ImportPFX puts a certificate with its key into LocalMachine\My and answers
// its SHA-1 thumbprint (upper-case hex).
func (i *IIS) ImportPFX(pfx []byte, password string) (thumbprint string, err error) {
	return "", errors.New("no store yet")
}

// Certificates are those in LocalMachine\My.
func (i *IIS) Certificates() []*x509.Certificate { return nil }

// RemoveCertificate takes one out of LocalMachine\My.
func (i *IIS) RemoveCertificate(thumbprint string) error { return errors.New("no store yet") }

// Netsh is "netsh http …" with these arguments after "http":
// "show sslcert", "add sslcert ipport=… certhash=… appid=…", update and delete.
func (i *IIS) Netsh(args ...string) (stdout string, code int) { return "", 1 }

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

// InternalPFX is the certificate that the first machine was started with, as
// Cloud Builder keeps it in a file for all machines of the site.
func (s *Site) InternalPFX(password string) ([]byte, error) {
	return nil, errors.New("no file yet")
}
