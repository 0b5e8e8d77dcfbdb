package rollout

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// planFormat is raised when a saved plan of an older program can no longer be
// understood.
const planFormat = 1

// PlanKind is what every plan of this package says it is.
const PlanKind = "internal"

// Plan is what a rollout will do, for people to read and for Apply to carry
// out. It holds no secret and survives a round trip through JSON. Certificates
// that are issued are issued when the plan is applied, so it says of them only
// how they will be.
type Plan struct {
	Format int `json:"format"`
	// Kind is PlanKind, so that a plan file tells which plan it is.
	Kind   string    `json:"kind"`
	MadeAt time.Time `json:"madeAt"`
	// Hash is over everything else in the plan.
	Hash string `json:"hash"`

	Cloud        string `json:"cloud"`
	Deployment   string `json:"deployment"`
	DeploymentID string `json:"deploymentId"`
	GatewayID    string `json:"gatewayId"`

	Source Source `json:"source"`
	// UndoOf is the run that a plan of source Back takes back.
	UndoOf string `json:"undoOf,omitempty"`
	// Way is how the machines are reached.
	Way reach.Kind `json:"way"`
	// Alias is the new one, the same on every machine.
	Alias string `json:"alias,omitempty"`
	// Resumed tells that the entries of Alias are there from a run that was cut
	// off, and nothing is issued for them.
	Resumed bool `json:"resumed,omitempty"`
	// Authority is the root that will be trusted; only its subject and its dates
	// are set while it is yet to be made. nil for files of several roots.
	Authority *pki.Description `json:"authority,omitempty"`
	LeafDays  int              `json:"leafDays,omitempty"`
	RootDays  int              `json:"rootDays,omitempty"`
	// Key says who sees which private key.
	Key string `json:"key"`

	// Findings judge the certificates, Obstacles the deployment. A Refusal in
	// either keeps the plan from being applied.
	Findings  pki.Findings `json:"findings"`
	Obstacles pki.Findings `json:"obstacles"`

	// Roots are what the gateway gets beside what it has.
	Roots []Root `json:"roots"`
	// Trusts are the authorities that keystores lack.
	Trusts []Trust `json:"trusts"`
	// Ports are the certificates that change, in the order in which they do.
	Ports []Port `json:"ports"`

	Steps      []Step               `json:"steps"`
	Proofs     []string             `json:"proofs"`
	Operations []rotation.Operation `json:"operations"`
	// Downtime says plainly what nobody can use for how long, one sentence each;
	// empty when every role has a machine that stays up.
	Downtime []string `json:"downtime,omitempty"`

	// Basis are the facts on which the plan rests.
	Basis map[string]string `json:"basis"`
}

// Root is a root that the gateway is to trust, in every backend setting by
// which it reaches the machines that will serve under it.
type Root struct {
	// Name is of the trustedRootCertificates entry, Settings of the backend
	// HTTP settings that lack it.
	Name     string   `json:"name"`
	SHA256   string   `json:"sha256,omitempty"` // "" for one that is yet to be made
	Settings []string `json:"settings"`
	// Data is the certificate (DER), nil for one that is yet to be made.
	Data []byte `json:"data,omitempty"`
}

// Trust is an authority that a keystore is to trust.
type Trust struct {
	Machine string `json:"machine"`
	Port    int    `json:"port"`
	Alias   string `json:"alias"`
	SHA256  string `json:"sha256,omitempty"`
	Data    []byte `json:"data,omitempty"`
}

// How is how a port gets its certificate.
type How string

// The ways to give a port its certificate.
const (
	// ByAlias installs a new entry and makes it the active one: one restart.
	ByAlias How = "alias"
	// InPlace replaces the active entry without a restart (12.1).
	InPlace How = "in-place"
	// ByTool uses the tool of ArcGIS Data Store.
	ByTool How = "tool"
	// InIIS binds the certificate in IIS.
	InIIS How = "iis"
	// Follows restarts a service that takes ArcGIS Server's certificate.
	Follows How = "follows"
)

// Port is one TLS port whose certificate changes.
type Port struct {
	Machine string          `json:"machine"`
	Host    string          `json:"host"`
	Site    string          `json:"site"`
	Product machine.Product `json:"product"`
	Port    int             `json:"port"`
	How     How             `json:"how"`
	// Option is the part of ArcGIS Data Store.
	Option string `json:"option,omitempty"`
	// Role is "primary" or "standby" at a portal.
	Role string `json:"role,omitempty"`
	// Alias is the entry that becomes active.
	Alias string `json:"alias,omitempty"`
	// Names and NotAfter are of the new certificate, SHA256 is its fingerprint,
	// "" when it is yet to be issued.
	Names    []string  `json:"names"`
	NotAfter time.Time `json:"notAfter"`
	SHA256   string    `json:"sha256,omitempty"`
	// Before is what is served now, "" when the port did not answer, BeforeUntil
	// its last day, BeforeAlias the active entry.
	Before      string    `json:"before,omitempty"`
	BeforeAlias string    `json:"beforeAlias,omitempty"`
	BeforeUntil time.Time `json:"beforeUntil,omitzero"`
	// BeforeChain is what is served now (DER): it tells which roots it needs.
	BeforeChain [][]byte `json:"beforeChain,omitempty"`
	// Restarts tells that the component goes down and comes back.
	Restarts bool `json:"restarts"`
	// Alone tells that no other machine of the role carries on meanwhile.
	Alone bool `json:"alone,omitempty"`
	// Away are the pools that the machine is taken out of while it restarts.
	Away []cloud.Member `json:"away,omitempty"`
	// Served tells that the port serves it already; Installed that the entry is there.
	Served    bool `json:"served,omitempty"`
	Installed bool `json:"installed,omitempty"`
}

// StepKind names what a step does.
type StepKind string

// The steps in their order.
const (
	// StepRoots makes the gateway trust the new root beside the old one.
	StepRoots StepKind = "gateway-roots"
	// StepPrepare makes every keystore trust the authority and puts the new
	// entries there, on all machines side by side. Nothing restarts.
	StepPrepare StepKind = "prepare"
	// StepSwitch changes one port, with what follows it.
	StepSwitch StepKind = "switch"
	// StepProve validates federation and data stores, and proves that clients
	// notice nothing.
	StepProve StepKind = "prove"
	StepUndo  StepKind = "undo"
	StepClean StepKind = "clean"
)

// Step is one line of the plan as people read it.
type Step struct {
	Kind  StepKind `json:"kind"`
	Title string   `json:"title"`
	// Touches are the gateway or machines that are written.
	Touches []string `json:"touches,omitempty"`
	Changes []string `json:"changes,omitempty"`
	// Restarts lists the components that restart, "machine (product)".
	Restarts []string `json:"restarts"`
	// Undo says how it is taken back.
	Undo string `json:"undo,omitempty"`
}

// Refused tells whether the certificates must not be rolled out.
func (p Plan) Refused() bool { return p.Findings.Refused() }

// Blocked tells whether the deployment does not allow the change now.
func (p Plan) Blocked() bool { return p.Obstacles.Refused() }

// NothingToDo tells whether every port serves its new certificate already.
func (p Plan) NothingToDo() bool {
	for _, port := range p.Ports {
		if !port.Served {
			return false
		}
	}
	return len(p.Roots) == 0 && len(p.Trusts) == 0
}
