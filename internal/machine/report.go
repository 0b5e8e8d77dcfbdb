package machine

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
)

// Report is what came of a job. It holds no secret.
type Report struct {
	Format int `json:"format"`
	// Host is the job's.
	Host string    `json:"host"`
	At   time.Time `json:"at"`
	// Tasks are the job's, in order, with what became of each.
	Tasks []TaskResult `json:"tasks,omitempty"`
	// Components are as they were seen after the tasks, in the job's order.
	Components []Seen `json:"components"`
	// Bindings are those of HTTP.sys with a certificate (Windows, on the machine only).
	Bindings []Binding `json:"bindings,omitempty"`
	// BindingsTrouble says why they could not be read, "" when they were, or
	// there is no Windows to be asked.
	BindingsTrouble string `json:"bindingsTrouble,omitempty"`
	// Trouble says why nothing could be done at all, "" normally.
	Trouble string `json:"trouble,omitempty"`
}

// Failed is the first task that failed, nil when none did.
func (r Report) Failed() *TaskResult {
	for i, task := range r.Tasks {
		if task.State == TaskFailed {
			return &r.Tasks[i]
		}
	}
	return nil
}

// TaskState is what became of a task.
type TaskState string

// The states of a task.
const (
	TaskDone    TaskState = "done"
	TaskAlready TaskState = "already" // its effect was there
	TaskFailed  TaskState = "failed"
	TaskSkipped TaskState = "skipped" // a task before it failed
)

// TaskResult is what became of one task.
type TaskResult struct {
	Kind  TaskKind  `json:"kind"`
	Port  int       `json:"port"`
	Alias string    `json:"alias,omitempty"`
	State TaskState `json:"state"`
	// Code is stable, one of the Code constants, for a failure; Detail says
	// what happened, for people.
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Unsure tells that the change may have taken effect all the same.
	Unsure bool `json:"unsure,omitempty"`
	// Lost is a trusted certificate (DER) that was deleted to make room for
	// another and could not be put back.
	Lost []byte `json:"lost,omitempty"`
	// Restarted tells that the component went down and came back, or may have.
	Restarted bool    `json:"restarted,omitempty"`
	Seconds   float64 `json:"seconds"`
	// Before is the alias that was active before an activation, and the
	// fingerprint of what was served before any change: what going back needs.
	Before     string `json:"before,omitempty"`
	BeforeLeaf string `json:"beforeLeaf,omitempty"`
	// Federation and Stores are the answers of the validations.
	Federation []Validated `json:"federation,omitempty"`
	Stores     []Validated `json:"stores,omitempty"`
}

// Validated is one federated server or data store as it was validated.
type Validated struct {
	Name     string   `json:"name"`
	Status   string   `json:"status"` // "success", "success with warnings", "failure", …
	Messages []string `json:"messages,omitempty"`
}

// Seen is a component as it was seen.
type Seen struct {
	Component
	// Chain is what the port sent (DER, leaf first), empty when it did not answer.
	Chain    [][]byte `json:"chain,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	// WireTrouble says why the handshake failed.
	WireTrouble string `json:"wireTrouble,omitempty"`

	// The rest is of components with an admin API that could be entered.
	//
	// MachineName is the machine as its site spells it, Role "primary" or
	// "standby" at a portal, Peers all machines of the site.
	MachineName string   `json:"machineName,omitempty"`
	Role        string   `json:"role,omitempty"`
	Peers       []string `json:"peers,omitempty"`
	Version     string   `json:"version,omitempty"`
	Healthy     bool     `json:"healthy"`
	// Alias is the active one; Entries is the keystore.
	Alias   string  `json:"alias,omitempty"`
	Entries []Entry `json:"entries,omitempty"`
	// Settings are those that a change must echo, by the API's own names
	// (sslProtocols, cipherSuites, HSTSEnabled, Protocol, …).
	Settings map[string]string `json:"settings,omitempty"`
	// Federated are the servers that a portal knows.
	Federated []arcgis.FederatedServer `json:"federated,omitempty"`
	// Stores are the registered data stores that a hosting server knows, by path.
	Stores []string `json:"stores,omitempty"`
	// Trouble says why the admin API could not be entered or read; TroubleCode
	// is one of the Code constants.
	Trouble     string `json:"trouble,omitempty"`
	TroubleCode string `json:"troubleCode,omitempty"`
}

// Entry is one entry of a keystore, as the admin API tells it.
type Entry struct {
	Alias string `json:"alias"` // lower-case
	// Trusted tells a trustedCertEntry from a private key. Until 10.7.1 products
	// do not say which it is; then it is false.
	Trusted   bool      `json:"trusted"`
	Subject   string    `json:"subject,omitempty"`
	Issuer    string    `json:"issuer,omitempty"`
	Names     []string  `json:"names,omitempty"`
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
	SHA1      string    `json:"sha1,omitempty"` // lower-case hex
	SHA256    string    `json:"sha256,omitempty"`
	// Trouble says why the entry could not be read.
	Trouble string `json:"trouble,omitempty"`
}

// Binding is a certificate that HTTP.sys serves for IIS.
type Binding struct {
	// At is "0.0.0.0:443" or "host:443".
	At         string `json:"at"`
	Thumbprint string `json:"thumbprint"` // SHA-1, upper-case hex
	// Subject and NotAfter are of the certificate, where it is the one that is
	// served there.
	Subject  string    `json:"subject,omitempty"`
	NotAfter time.Time `json:"notAfter,omitzero"`
}
