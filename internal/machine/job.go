package machine

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Format is raised when an older agent could no longer do a job rightly. A
// worker refuses a job of another format.
const Format = 1

// Job is what is to be done at one machine. It holds secrets: its JSON form for
// the way to the machine is made by Encode and nothing else.
type Job struct {
	Format int
	// Host is the name by which the machine is dialled and its certificates are
	// asked for (SNI): its FQDN inside the virtual network.
	Host       string
	Components []Component
	// Admin and Password sign in to the admin APIs: the primary site
	// administrator. "" looks at the wire only.
	Admin    string
	Password secret.Secret
	// Pins are SHA-256 fingerprints (lower-case hex) of leaves to which the
	// password may be sent; Roots are certificates (DER) that a served chain may
	// also end in, with the machine's name checked: Host, or one of Names.
	Pins  []string
	Roots [][]byte
	// Names are further names of the machine, or addresses, by which a
	// certificate below one of Roots may call it.
	Names []string
	// Tasks are done first, in order. None only observes.
	Tasks []Task
	// Patience bounds one restart: how long until the component must be
	// healthy again. Zero is ten minutes, fifteen for Portal.
	Patience time.Duration
	// Interval is between two looks while waiting; zero is five seconds.
	Interval time.Duration
	// Limit bounds the whole job where the agent does it: what has not ended
	// then is interrupted and reported so, before Run Command ends the script
	// and nothing is heard. Zero is an hour.
	Limit time.Duration
}

// TaskKind says what a task does.
type TaskKind string

// The kinds of tasks.
const (
	// Trust imports the certificate of an authority (or a pinned leaf) under
	// Alias, without a restart. A certificate that is in the keystore already,
	// under whatever alias, is not imported again; an alias that holds another
	// one is refreshed (exported, deleted and imported; if that fails the old
	// one is put back).
	Trust TaskKind = "trust"
	// Install imports PFX under the new Alias and reads it back: the entry must
	// be a private key with the fingerprint Expect. Nothing is served yet.
	Install TaskKind = "install"
	// Activate makes the component serve Alias, with every other setting echoed
	// as read, and waits until the leaf Expect was served twice and the
	// component is healthy. It restarts the component.
	Activate TaskKind = "activate"
	// Replace puts PFX in place of the active entry without a restart (12.1).
	Replace TaskKind = "replace"
	// Remove deletes Alias, if it is there, holds Expect (when given) and is
	// not the active one.
	Remove TaskKind = "remove"
	// Restart restarts the component by its admin API, with everything echoed,
	// so that it reads its trust store anew, and waits until it is healthy.
	Restart TaskKind = "restart"
	// RestartService restarts the service of GeoEvent or Workflow Manager, if
	// it runs. It needs a Host.
	RestartService TaskKind = "restart-service"
	// ReplaceStore gives ArcGIS Data Store PFX by its tool, for Option
	// ("webserver", "relational", …). It needs a Host.
	ReplaceStore TaskKind = "replace-store"
	// Bind binds PFX in IIS wherever the leaf that Port serves is bound, which
	// thereby is replaced; without PFX it binds the certificate in the store of
	// the computer whose thumbprint is Alias: the way back, to what Before of an
	// earlier result names. It needs a Host.
	Bind TaskKind = "bind"
	// ValidateFederation asks Portal to validate its servers; ValidateStores
	// asks the hosting Server to validate its data stores. They change nothing.
	ValidateFederation TaskKind = "validate-federation"
	ValidateStores     TaskKind = "validate-stores"
)

// Task is one change at one component.
type Task struct {
	Kind TaskKind
	// Port is the component's.
	Port  int
	Alias string
	// Certificate is the DER of what is to be trusted.
	Certificate []byte
	// PFX is a PKCS#12 file and PFXPassword its password.
	PFX, PFXPassword secret.Secret
	// Expect is the SHA-256 fingerprint (lower-case hex) of the leaf.
	Expect string
	// WithChain asks for the chain in the PFX to be imported too
	// (importCertificateChain, 11.3 and later).
	WithChain bool
	// Option is the part of ArcGIS Data Store.
	Option string
}
