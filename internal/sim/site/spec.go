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
	// DataStore has no site: every machine is on its own, and no API changes its
	// certificate (S30).
	DataStore = "datastore"
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
	// NotAfter is when certificates end that the machines make themselves; zero
	// is five years from now. They are five years long.
	NotAfter time.Time
	// Key is the kind of key that machines make themselves: RSA with 2048 bits, or
	// "p256".
	Key string
	// Leftover is an alias under which a run that died left a certificate with a
	// key, "" without.
	Leftover string
	// Security replaces settings by name: Protocol, sslProtocols, cipherSuites, HSTSEnabled.
	Security map[string]string
	// Stores are the machines of the Data Store that a hosting Server knows, and
	// StoreTypes what they keep: Relational, ObjectStore, TileCache,
	// SpatioTemporal, GraphStore.
	Stores     *Site
	StoreTypes []string
	// Linux is what the machines run on, instead of Windows.
	Linux bool
	// Adaptor is the name of the Web Adaptor on each machine, "" without.
	Adaptor string
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
	// Alias, if given, is that of this machine, where somebody gave each another one.
	Alias string
	// Keystore are further entries by alias, without a key trusted ones.
	Keystore map[string]tls.Certificate
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
	// restarts the machine; DropChance does so with that probability (S15). The
	// fault lost-answer does it a number of times.
	DropAnswer bool
	DropChance float64
	// NoSite is a server without a site yet, NoSiteRedirects one that says so by
	// 302 (S7).
	NoSite, NoSiteRedirects bool
	// Answers replace what nobody has published, by its name below.
	Answers map[Unpublished]Answer
	// ChainNumbered numbers several intermediates from 1; ChainClash fails an
	// import whose <alias>_root exists; ChainNotServed serves the leaf alone if
	// importCertificateChain was false. guess: none of them.
	ChainNumbered, ChainClash, ChainNotServed bool
	// NoUpdate is a 12.1 without {alias}/update, UpdateOfRelatives one where
	// Notebook, Mission and Video have it too; UpdateImportsChain lets that make
	// entries of the chain; UpdateReachesExtensions lets GeoEvent and
	// Workflow Manager serve the new certificate at once. guess: none of them.
	NoUpdate, UpdateOfRelatives, UpdateImportsChain, UpdateReachesExtensions bool
	// TrustAtOnce brings an imported authority into force without a restart.
	// guess: Java reads its trust at the start (S19).
	TrustAtOnce bool
	// KeytoolDetail lays the detail of a certificate out as the documentation of
	// Notebook and Mission shows it; DuplicateKeys writes keys twice, as old
	// releases did (DSC v3.0.0 read them by a regular expression); Zone is that
	// of the dates without epoch, UTC when nil.
	KeytoolDetail, DuplicateKeys bool
	Zone                         *time.Location
	// EditKeeps lets an edit keep the heap sizes that it does not name.
	// guess: it sets them back.
	EditKeeps bool
	// RSAOnly fails every handshake with a key of another kind; OldPKCS12 does
	// not read a file with PBES2 (Java before 8u301). guess: neither.
	RSAOnly, OldPKCS12 bool
	// StoreDownFor is how long the Data Store's web server is away when its tool
	// gave it a certificate. guess: 0 is 20 s.
	StoreDownFor time.Duration
	// StoreStays leaves it running: the certificate is served from the next
	// restart of the service. guess: the tool restarts it.
	StoreStays bool
	// StoreSpatiotemporal lets the tool take that option; guess: it refuses it.
	StoreSpatiotemporal bool
	// SharingValidates answers /sharing/rest/portals/self/servers/{id}/validate
	// too, which the documentation does not have.
	SharingValidates bool
	// StoresVerified makes the hosting Server verify what the Data Store serves.
	// guess: it does not (Esri Community: importing its authority is "usually
	// not necessary").
	StoresVerified bool
	// AdaptorVerifies makes a Web Adaptor verify the machine behind it.
	// guess: it does not.
	AdaptorVerifies bool
	// NonEnglish lets Windows' own programs speak German.
	NonEnglish bool
}

// Unpublished names an answer whose wording or code nobody has published.
type Unpublished string

// The unpublished answers.
const (
	WrongPassword Unpublished = "wrong-password" // at /admin/generateToken
	ImportFailed  Unpublished = "import-failed"  // alias taken, wrong password of the file, no PKCS#12
	ActiveDeleted Unpublished = "active-deleted"
	AliasUnknown  Unpublished = "alias-unknown" // when it is to be served
	UpdateDone    Unpublished = "update-done"   // of 12.1's update; Raw only
)

// Answer is one of them. HTML makes it a page with HTTP 200; Raw, if given, is
// the JSON as it is.
type Answer struct {
	Code    int
	Message string
	HTML    bool
	Raw     string
}
