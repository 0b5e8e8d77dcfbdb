package site

import (
	"crypto/tls"
	"crypto/x509"
	"time"
)

// Products, the values of Spec.Product.
const (
	Portal   = "portal"
	Server   = "server"
	Notebook = "notebook"
	Mission  = "mission"
	Video    = "video"
)

// Spec says what site to start.
type Spec struct {
	Product  string // one of the products above
	Version  string // "11.3"
	Machines []MachineSpec
	// Context is the internal context, the first path segment on the machines;
	// empty means "arcgis".
	Context string
	// Also are further ports where the machines answer as on their own, with
	// the same certificate: those of GeoEvent, Workflow Manager and Mission's
	// web sockets. Source: Configurations-Azure of Esri/arcgis-powershell-dsc.
	Also []int
	// Admin and Password are those of the primary site administrator.
	Admin, Password string
	// PublicURL is the URL under which clients know the site, for example
	// https://gis.example.com/portal.
	PublicURL string
	// PublicRoots are trusted by the site's Java besides Mozilla's list.
	PublicRoots []*x509.Certificate
	// Federated are the server sites that a portal knows.
	Federated []FederatedSpec
	// Trusted are authorities that an administrator imported into the keystores
	// of all machines, by alias.
	Trusted map[string]*x509.Certificate
	// Alias is that of the certificate which the machines serve; "" is Cloud
	// Builder's ApplicationGateway.
	Alias string
	// ExternalLeaf, if given, is pinned in the keystores under the alias
	// AppGW-ExternalDNSCerCert, as Cloud Builder does it. Source:
	// Configurations-Azure of Esri/arcgis-powershell-dsc.
	ExternalLeaf *x509.Certificate
	// Portal is the portal with which a server site is federated: its
	// administrator's tokens are good here too. Source: "Accessing the
	// administrator directory on a federated server", enterprise.arcgis.com.
	Portal  *Site
	Options Options
}

// MachineSpec is one machine of a site.
type MachineSpec struct {
	Name  string   // FQDN
	Role  string   // primary or standby, for a portal
	Names []string // other names or addresses under which it is dialled
	// Pair, if given for all machines of a site, is what the machine serves,
	// instead of the self-signed certificate of Cloud Builder.
	Pair *tls.Certificate
}

// FederatedSpec is a server site that is federated with a portal.
type FederatedSpec struct {
	ID       string
	URL      string // services URL, https://gis.example.com/server
	AdminURL string // https://gis1.example.com:6443/arcgis
	Role     string // HOSTING_SERVER, FEDERATED_SERVER, …
	Function string // GeneralPurposeServer, NotebookServer, …
	Hosting  bool
	Type     string // ARCGIS, ARCGIS_NOTEBOOK_SERVER, …; empty means ARCGIS
}

// Options switch what Esri's documentation leaves open. The zero value is the
// likeliest reading.
type Options struct {
	// AnswerFor is how long a machine goes on with its old certificate after
	// a change that restarts it (0: 5 s), DownFor how long it then refuses
	// connections (0: 30 s), WarmFor how long it then answers 503 (0: 30 s).
	// guess: Esri's own clients wait 30 to 60 s and poll for 150 s more.
	AnswerFor, DownFor, WarmFor time.Duration
	// ExpiresAsString answers "expires" of a token as the text that the
	// documentation shows; live servers answer a number.
	ExpiresAsString bool
	// TokenInMultipart lets Notebook, Mission and Video read the token from a
	// multipart form. guess: they do not, for Esri's DSC moved it to a header.
	TokenInMultipart bool
	// SilentBadPassword answers success to a PFX with a wrong password and
	// imports nothing, as support.esri.com 000037586 describes.
	SilentBadPassword bool
	// CertificatesKey makes Notebook and Mission list under "certificates" as
	// their documentation says; Esri's DSC reads "sslCertificates".
	CertificatesKey bool
	// DeleteActive allows the active certificate to be deleted. guess: refused.
	DeleteActive bool
	// DropAnswer cuts the connection instead of answering a change that
	// restarts the machine.
	DropAnswer bool
}
