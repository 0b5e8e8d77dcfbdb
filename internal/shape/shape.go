// Package shape is what a deployment looks like from outside, as one value that
// holds no secret: what a rotation depends on, for a world to be made of it in
// which the rotation is rehearsed.
//
//	state := runner.Observe(ctx, deployment, asked)  // reads, changes nothing
//	shape, err := shape.Of(state, roots)
//	masked, err := shape.Masked()                    // the same with other names
//
// Its JSON form is a contract, described in docs/rehearse.md.
package shape

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

// Format is raised when an older program can no longer understand a shape.
const Format = 1

// Shape is a deployment as it was read at one moment.
type Shape struct {
	Format int       `json:"format"`
	At     time.Time `json:"at"`
	// Masked tells that names were replaced, and certificates described only.
	Masked       bool       `json:"masked,omitempty"`
	Cloud        string     `json:"cloud"`
	Subscription string     `json:"subscription"`
	Deployment   Deployment `json:"deployment"`
	// Gateway is the gateway's document as it came, without certificates, which
	// are in Entries and Roots, and without what may be secret, whose places are
	// in LeftOut.
	Gateway map[string]any `json:"gateway"`
	LeftOut []string       `json:"leftOut,omitempty"`
	Entries []Entry        `json:"entries"`
	Roots   []Entry        `json:"roots"`
	// Addresses are the public IP addresses of the gateway's frontends.
	Addresses []Address  `json:"addresses"`
	Listeners []Listener `json:"listeners"`
	Served    []Served   `json:"served"`
	// Way is how machines were looked at, "" when they were not.
	Way      string                `json:"way,omitempty"`
	Machines []Machine             `json:"machines"`
	Health   []cloud.BackendServer `json:"health"`
	// Federated are the servers that the portal knows, by the portal's own word.
	Federated []Federated `json:"federated,omitempty"`
	Vaults    []Vault     `json:"vaults,omitempty"`
	// Certificates are all that the rest refers to, by id.
	Certificates []Certificate `json:"certificates"`
	// Unread says what could not be read, and so is not here.
	Unread []string `json:"unread,omitempty"`
}

// Deployment is what the record of a deployment says.
type Deployment struct {
	ID         string                `json:"id"`
	Name       string                `json:"name"`
	Generation deployment.Generation `json:"generation"`
	GatewayID  string                `json:"gatewayId"`
	Domain     string                `json:"domain"`
	Secondary  string                `json:"secondary,omitempty"`
	OtherNames []string              `json:"otherNames,omitempty"`
	// Given are names that a person gave, Alone that only the gateway was looked at.
	Given         []string          `json:"given,omitempty"`
	Alone         bool              `json:"alone,omitempty"`
	Shared        string            `json:"shared,omitempty"`
	Version       string            `json:"version,omitempty"`
	Prefix        string            `json:"prefix,omitempty"`
	ResourceGroup string            `json:"resourceGroup"`
	Location      string            `json:"location"`
	ServerContext string            `json:"serverContext,omitempty"`
	PortalContext string            `json:"portalContext,omitempty"`
	SecondContext string            `json:"secondContext,omitempty"`
	ServerRole    string            `json:"serverRole,omitempty"`
	Stores        []string          `json:"stores,omitempty"`
	Sites         []deployment.Site `json:"sites,omitempty"`
	// Enterprise and Ingress are ids of Esri's Terraform modules.
	Enterprise string              `json:"enterprise,omitempty"`
	Ingress    string              `json:"ingress,omitempty"`
	Storage    *deployment.Storage `json:"storage,omitempty"`
	Problems   []string            `json:"problems,omitempty"` // codes
}

// Entry is a certificate of the gateway: of a listener, or a trusted root.
type Entry struct {
	Name string `json:"name"`
	// Chain are ids, the leaf first.
	Chain []string `json:"chain"`
	// Vault is the identifier in Key Vault, where it is a reference.
	Vault string `json:"vault,omitempty"`
}

// Address is a public IP address.
type Address struct {
	ID   string `json:"id"`
	IP   string `json:"ip"`
	Name string `json:"name,omitempty"` // that Azure gives it
}

// Listener is one that serves the deployment.
type Listener struct {
	Name      string   `json:"name"`
	Entry     string   `json:"entry"`
	Names     []string `json:"names"`
	Port      int      `json:"port"`
	Addresses []string `json:"addresses"`
	// Private tells that it is entered from inside the virtual network only.
	Private bool `json:"private,omitempty"`
}

// Served is one handshake.
type Served struct {
	Target     string   `json:"target"`
	Address    string   `json:"address,omitempty"`
	ServerName string   `json:"serverName"`
	Protocol   string   `json:"protocol,omitempty"`
	Chain      []string `json:"chain"`
	// Failure is a code.
	Failure string `json:"failure,omitempty"`
}

// Machine is a virtual machine, with what runs there.
type Machine struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	Host         string      `json:"host"`
	OS           string      `json:"os,omitempty"`
	Site         string      `json:"site,omitempty"`
	Roles        []string    `json:"roles"`
	DeploymentID string      `json:"deploymentId,omitempty"`
	Interfaces   []string    `json:"interfaces,omitempty"`
	Off          bool        `json:"off,omitempty"`
	Components   []Component `json:"components"`
	// Looked tells that somebody was there.
	Looked bool `json:"looked"`
}

// Component is one port of a machine.
type Component struct {
	Product machine.Product `json:"product"`
	Port    int             `json:"port"`
	Context string          `json:"context,omitempty"`
	// Chain is what it served, as ids.
	Chain    []string          `json:"chain,omitempty"`
	Version  string            `json:"version,omitempty"`
	Role     string            `json:"role,omitempty"`
	Healthy  bool              `json:"healthy,omitempty"`
	Alias    string            `json:"alias,omitempty"`
	Keystore []Held            `json:"keystore,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
	// Federated are the servers that a portal knows, Stores the data stores
	// that a hosting server knows.
	Federated []Federated `json:"federated,omitempty"`
	Stores    []string    `json:"stores,omitempty"`
}

// Held is an entry of a keystore.
type Held struct {
	Alias   string `json:"alias"`
	Trusted bool   `json:"trusted"`
	// Certificate is an id.
	Certificate string `json:"certificate,omitempty"`
}

// Federated is a server as a portal knows it.
type Federated struct {
	ID       string `json:"id"`
	URL      string `json:"url"`
	AdminURL string `json:"adminUrl"`
	Role     string `json:"role"`
	Function string `json:"function"`
	Type     string `json:"type,omitempty"`
	Hosting  bool   `json:"hosting"`
}

// Vault is a certificate in Key Vault that listeners refer to, or that was
// asked for.
type Vault struct {
	Vault   string `json:"vault"` // its address
	ID      string `json:"id,omitempty"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Roles   bool   `json:"roles"`
	Closed  bool   `json:"closed,omitempty"`
	// Secret tells that it is a secret by itself, no certificate.
	Secret bool `json:"secret,omitempty"`
	// Newest is the newest version's certificate, an id; "" where it was not read.
	Newest  string   `json:"newest,omitempty"`
	Missing bool     `json:"missing,omitempty"`
	Readers []Reader `json:"readers"`
}

// Reader is an identity of the gateway that may read a vault, or not.
type Reader struct {
	Identity string `json:"identity"`
	May      string `json:"may"`
}

// Certificate is a certificate by its public part, or one that others name as
// their issuer and nobody showed.
type Certificate struct {
	ID string `json:"id"`
	// DER is empty where it was not seen, and in a masked shape.
	DER    []byte `json:"der,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	SHA1   string `json:"sha1,omitempty"`
	// Subject is the whole name in DER, where DER is not there to tell.
	Subject      []byte    `json:"subject,omitempty"`
	CommonName   string    `json:"commonName,omitempty"`
	Organization string    `json:"organization,omitempty"`
	Names        []string  `json:"names,omitempty"`
	Key          string    `json:"key"` // "RSA 2048", "ECDSA P-256", "Ed25519"
	NotBefore    time.Time `json:"notBefore"`
	NotAfter     time.Time `json:"notAfter"`
	CA           bool      `json:"ca,omitempty"`
	// Issuer is an id; its own for one that is self-signed.
	Issuer string `json:"issuer"`
	// Known tells that ArcGIS and clients know this root without being told.
	Known bool `json:"known,omitempty"`
	// Fetchable tells that it names where its issuer can be fetched.
	Fetchable bool `json:"fetchable,omitempty"`
}
