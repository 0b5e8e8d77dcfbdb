// Package rotation is the heart of Cartouche: it replaces the external
// certificate of a deployment and proves that the new one is served, or puts
// the old one back and proves that.
//
// The flow goes one way:
//
//	state  := runner.Observe(ctx, deployment, asked) // reads everything, changes nothing
//	plan   := NewPlan(state, goal)                   // pure: no clock, no network
//	result := runner.Apply(ctx, plan, goal, state)   // one conditional write, then proof
//
// Apply is convergent. Each write first looks whether its effect is already
// there, so a plan that is run twice, or again after a crash, ends in the same
// place; resuming is observing and planning anew. Proof is handshakes, health
// and federation, never an API's word. When the proof fails, listeners go back
// to the certificate entry that they had, which is still on the gateway because
// nothing old is removed before the new is proved, and that is proved too.
//
// The sequence and its reasons are told in docs/rotation.md.
package rotation

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// State is everything that a rotation depends on, as it was read at one moment.
type State struct {
	At         time.Time             `json:"at"`
	Cloud      string                `json:"cloud"`
	Deployment deployment.Deployment `json:"deployment"`
	// Gateway is the gateway as Resource Manager gave it, with its ETag.
	Gateway *cloud.Gateway `json:"-"`
	// Listeners are the HTTPS listeners whose certificate this deployment owns.
	Listeners []Listener `json:"listeners"`
	// Wire is what every endpoint served, from here.
	Wire []handshake.Observation `json:"wire"`
	// Backends are the machines behind the gateway as its probes see them.
	Backends []cloud.BackendServer `json:"backends"`
	Sites    Sites                 `json:"sites"`
	// Way is how the machines were reached, "" when they were not looked at, and
	// Machines is what was seen there.
	Way      reach.Kind `json:"way,omitempty"`
	Machines []Machine  `json:"machines,omitempty"`
	// WayNeeds are the rights that the way takes at all machines.
	WayNeeds []cloud.Need `json:"-"`
	// addresses are those behind the gateway that it knows by no name.
	addresses []string
	// pending are roots in keystores whose components have not read them.
	pending []unrestarted
	// Ahead is how far this computer's clock goes before Azure's, as far as it is
	// known; less than zero: behind.
	Ahead time.Duration `json:"-"`
	// Claims tells that a run claims the deployment first.
	Claims bool `json:"-"`
	// Access is what the caller may do with all this.
	Access Access `json:"-"`
	// Vaulted are the certificates in Key Vault that this is about, if any is.
	Vaulted []Vaulted `json:"vaulted,omitempty"`
	// Obstacles are what stands against a write: busy gateway, locks, missing
	// permissions, and what could not be read.
	Obstacles pki.Findings `json:"obstacles"`
}

// Listener is an HTTPS listener of the gateway that serves this deployment.
type Listener struct {
	Name string `json:"name"`
	// Entry is the sslCertificates entry that the listener points to.
	Entry string `json:"entry"`
	// KeyVaultSecretID is set when the entry is a reference to Key Vault.
	KeyVaultSecretID string `json:"keyVaultSecretId,omitempty"`
	// Names are the DNS names that clients use for it.
	Names []string `json:"names"`
	Port  int      `json:"port"`
	// Addresses are the gateway's own IP addresses for it.
	Addresses []string `json:"addresses"`
	// Leaf is the entry's leaf as Resource Manager tells it, nil when it does not.
	Leaf *pki.Description `json:"leaf"`
}

// Sites is how Portal and Server are, asked through the gateway.
type Sites struct {
	// PortalURL and ServerURL are "" when the deployment has none.
	PortalURL     string `json:"portalUrl,omitempty"`
	ServerURL     string `json:"serverUrl,omitempty"`
	PortalVersion string `json:"portalVersion,omitempty"`
	PortalTrouble string `json:"portalTrouble,omitempty"`
	ServerTrouble string `json:"serverTrouble,omitempty"`
	// portalUnseen and serverUnseen tell that the trouble is that nobody was reached.
	portalUnseen, serverUnseen bool
	// loginRefused tells that Portal has judged the site administrator's login.
	loginRefused bool
	Federation   []FederationResult `json:"federation,omitempty"`
	// SignedIn tells that the site administrator's login was accepted.
	SignedIn bool `json:"signedIn"`
}

// LoginRefused tells that Portal was asked with the site administrator's login, and
// did not take it. Where Portal was not reached nobody knows.
func (s Sites) LoginRefused() bool { return s.loginRefused }

// FederationResult is Portal's own judgement of one federated server.
type FederationResult struct {
	Server     arcgis.FederatedServer `json:"server"`
	Validation arcgis.Validation      `json:"validation"`
	// Trouble says why there is no validation, "" when there is one.
	Trouble string `json:"trouble,omitempty"`
}

// Credentials are the two logins that the certificate page of Cloud Builder asks for.
type Credentials struct {
	// SiteAdmin signs in to Portal, for its version and federation validation.
	SiteAdmin         string
	SiteAdminPassword secret.Secret
	// ServiceAccount is the login under which ArcGIS Server runs. Only steps
	// on machines need it; renewing the external certificate has none.
	ServiceAccount         string
	ServiceAccountPassword secret.Secret
}
