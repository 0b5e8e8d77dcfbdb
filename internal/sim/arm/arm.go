// Package arm is the Resource Manager of a simulated world: tenants,
// subscriptions, groups, resources, Resource Graph, permissions, locks and
// Application Gateways with asynchronous operations, under the production
// host name and with real token checks.
//
// Resources are JSON trees; what the simulator does not understand it keeps.
package arm

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/computer"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Options are the parts that the rest of a world decides.
type Options struct {
	Ground *ground.Ground
	Cloud  Cloud
	// OtherClouds are named beside Cloud in its metadata.
	OtherClouds []Cloud
	// Verify checks a bearer token; Revoke makes one worthless.
	Verify func(token string, audiences []string) (entra.Caller, error)
	Revoke func(entra.Caller)
	// TenantsOf are the ids of all tenants that a caller is in; nil is the one
	// of its token.
	TenantsOf func(entra.Caller) []string

	// Fetch reads a secret of Key Vault with a gateway's identity; newest takes
	// the newest version even if it is disabled. Errors are *vault.FetchError.
	Fetch func(ctx context.Context, principal, secretID string, newest bool) (tls.Certificate, error)

	// Computer is the computer of a virtual machine, by its resource id; nil,
	// or no computer: run commands are kept and not run.
	Computer func(id string) *computer.Computer

	// Configure applies the configuration of a DSC extension to a machine; nil:
	// extensions are kept and not run.
	Configure func(ctx context.Context, machine string, settings, protected map[string]any) error
	// StorageKeys are the two keys of a storage account.
	StorageKeys func(account string) ([2][]byte, bool)

	Tenants       []Tenant
	Subscriptions []Subscription
	Guesses       Guesses
	// PageSize of lists; 0 is 1000. Small ones make clients follow nextLink.
	PageSize int
}

// Cloud is the names of one Azure cloud.
type Cloud struct {
	Name           string // AzureCloud, AzureUSGovernment
	Host           string // management.azure.com
	Login          string // login.microsoftonline.com
	Audiences      []string
	VaultSuffix    string // vault.azure.net
	BlobSuffix     string // core.windows.net
	Portal         string
	Graph          string
	MicrosoftGraph string
	Gallery        string
}

// Tenant and Subscription are as their documents show them.
type (
	Tenant       struct{ ID, Name, Domain string }
	Subscription struct{ ID, Name, Tenant string }
)

// Guesses are the behaviours that no public source settles. The zero value is
// what is believed; each can be turned round.
type Guesses struct {
	// IgnoreIfMatch: gateways do not honour If-Match. guess: the Network
	// provider does for public IP addresses (cloud-provider-azure#9729); the
	// API description of gateways does not list the header.
	IgnoreIfMatch bool
	// Busy is what a second write meets while an operation runs: "retry"
	// (429 RetryableError), "conflict" (409 AnotherOperationInProgress) or
	// "supersede" (the first is canceled, azure-cli#21156). "" is conflict.
	Busy string
	// LinkedReads: a write demands read beside join on the subnet and the public
	// address, as the documentation's table of permissions has it. guess: it
	// does not, since LinkedAuthorizationFailed is only seen to name join and
	// assign in the field.
	LinkedReads bool
	// TagsKeepETag: a PATCH of tags does not change the gateway's ETag.
	TagsKeepETag bool
	// OneTenantName: a list of tenants names only the token's own; the others
	// are ids. guess: all are named.
	OneTenantName bool
	// FailedKeepsOld: the document of a gateway whose operation failed shows
	// what was before. guess: it shows what was asked for, as Failed.
	FailedKeepsOld bool
	// NoOpDoesNotLook: a PUT that changes nothing does not make the gateway
	// read its references. guess: it does (azure-docs#109280).
	NoOpDoesNotLook bool
	// TagsDoNotLook: a PATCH of tags does not. guess: it does, as "any change".
	TagsDoNotLook bool
	// NewestThoughDisabled: an id without version means the newest version, and
	// a disabled one breaks access. guess: the newest enabled one.
	NewestThoughDisabled bool
	// VaultsOfSubscription: a vault in another subscription is refused. guess:
	// it is not; documentation of 2021 says so.
	VaultsOfSubscription bool
	// RunsAgain: a run command or extension that is put once more without any
	// change runs again. guess: it does not (bicep-types-az#1525).
	RunsAgain bool
	// TimeoutIsFailed: a script that ran out of time is Failed with exit code
	// -1, as Azure's handler for Linux has it. guess: TimedOut.
	TimeoutIsFailed bool
	// CancelLeavesRunning: a cancelled or deleted run command runs on unseen.
	// guess: its process group is killed, as documented and as older versions of
	// Azure's handler for Linux do; in the newer ones that line is a comment.
	CancelLeavesRunning bool
	// SudoKeeps: a script that runs as another user of Linux gets its named
	// parameters. guess: it does not, since Azure's handler calls sudo without -E.
	SudoKeeps bool
	// DirectParameters: parameters reach a script of Windows as they are. guess:
	// they pass through cmd.exe, as with the older form (azure-powershell#29880).
	DirectParameters bool
	// RunAsIsSilent: a script that runs as another user of Windows has no output.
	// guess: it has; reports of 2023 say otherwise.
	RunAsIsSilent bool
	// TagsStale is by how much reads of a group's tags lag behind writes. guess:
	// not at all, a read sees every write that was answered before it.
	TagsStale time.Duration
	// TagsMergeStale: a write of tags starts from what lags behind, so that two
	// at once lose one. guess: it does not.
	TagsMergeStale bool
	// TagsGoByName: Delete takes a tag away whatever its value is by now. guess:
	// it compares values that are given ("names or name/value pairs").
	TagsGoByName bool
	// Update is how long a gateway operation takes in the world's time; 0 is
	// 90 s. Reports range from 2 to 30 minutes.
	Update time.Duration
}

// Server is one Resource Manager.
type Server struct {
	o      Options
	ground *ground.Ground
	ctx    context.Context // ends with the world; operations run in it
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu         sync.Mutex
	resources  map[string]*resource // by lower-case id
	order      []*resource          // as they were added
	gateways   map[string]*gateway  // by lower-case id
	operations map[string]*operation
	errands    map[string]*errand  // what machines were asked last, by lower-case id
	commands   map[string]*command // by lower-case id
	acting     map[string]bool     // machines with the action Run Command under way
	grants     []Grant
	denies     []Deny
	locks      []Lock
	polled     chan struct{}       // closed and replaced when a gateway has looked
	required   map[string]demand   // by lower-case object id
	tagsBefore map[string][]tagged // of groups, by lower-case id, oldest first
	members    map[string][]string // of groups, by lower-case object id
}

// New makes an empty Resource Manager; resources are added by Add.
func New(o Options) *Server {
	if o.PageSize <= 0 {
		o.PageSize = 1000
	}
	if o.Guesses.Update == 0 {
		o.Guesses.Update = 90 * time.Second
	}
	s := &Server{o: o, ground: o.Ground, resources: map[string]*resource{}, gateways: map[string]*gateway{}, operations: map[string]*operation{}, errands: map[string]*errand{}, commands: map[string]*command{}, acting: map[string]bool{}, polled: make(chan struct{}), members: map[string][]string{}, tagsBefore: map[string][]tagged{}, required: map[string]demand{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Close cancels running operations and waits for them.
func (s *Server) Close() {
	s.stop()
	s.work.Wait()
}

var _ http.Handler = (*Server)(nil)
