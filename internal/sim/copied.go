package sim

import (
	"time"
)

// kindCopy is a deployment that stands in for one that exists: its documents
// are given as Resource Manager showed them, its certificates as they looked.
const kindCopy = "copy"

// likeness is a certificate as a world's file describes it: another like it is
// made, or, where its public part is given and nobody needs its key, itself.
type likeness struct {
	ID           string
	CommonName   string `yaml:"common-name"`
	Organization string
	Subject      string // DER in base64, instead of these
	Names        []string
	Key          string
	From, Until  time.Time
	CA           bool
	Issuer       string // id; its own when self-signed
	Known        bool   // clients and ArcGIS know this root
	Fetchable    bool
	DER          string // base64
}

// copied is what a copy has instead of what Cloud Builder's rules would make.
type copied struct {
	// Gateway is the document, without certificates. Entries and Roots are
	// those of its sslCertificates and trustedRootCertificates.
	Gateway        tree
	Entries, Roots []copiedEntry
	// Resources are further documents, Groups the resource groups.
	Resources []tree
	Groups    []string
	Names     []copiedName
	Sites     []copiedSite
	Webs      []copiedWeb
	// Serving is what the first listener serves: a renewal is like it.
	Serving string
	// Identities are those of the gateway, by name of this file.
	Identities []string
}

// copiedEntry is a certificate of the gateway: one that it has itself, or one
// in a vault of the world.
type copiedEntry struct {
	Name      string
	Chain     []string // ids, the leaf first
	Vault     string
	Secret    string // name in the vault
	Versioned bool
}

// copiedName is a DNS name.
type copiedName struct {
	Name, Address string
	Inside        bool
}

// copiedSite is one site of ArcGIS software.
type copiedSite struct {
	Product, Version, Host, Context string
	Also                            []int
	StoreTypes                      []string `yaml:"store-types"`
	Security                        map[string]string
	Federated                       []copiedFederated
	// WithPortal tells that the copy's portal knows the site.
	WithPortal bool   `yaml:"with-portal"`
	Pinned     string // the external leaf in the keystores, as Cloud Builder puts it
	Adaptor    string
	Machines   []copiedMachine
}

type copiedFederated struct {
	ID, URL        string
	AdminURL       string `yaml:"admin-url"`
	Role, Function string
	Type           string
	Hosting        bool
}

// copiedMachine is a machine in a site, by its name inside the network.
type copiedMachine struct {
	Host, Role, Alias string
	Names             []string
	Chain             []string
	Keystore          []copiedHeld
}

type copiedHeld struct {
	Alias       string
	Trusted     bool
	Certificate string
}

// copiedWeb is a server behind the gateway that is none of ArcGIS': with TLS
// where it has a chain.
type copiedWeb struct {
	Host  string
	Port  int
	Chain []string
}
