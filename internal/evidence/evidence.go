// Package evidence makes one file of each run that somebody who was not there
// can check: what was to be done, what clients got before and after, as
// handshakes showed it, and what came of it.
//
//	document := evidence.Of(run, when)           // from the journal alone
//	kept, err := store.Keep(runs, key, when)     // numbered, chained, signed, on disk
//	file, err := evidence.Read(data)             // the form and its hash
//	reports := evidence.Verify(given, allowed)   // hash, chain, signature, and whether it holds together
//
// A file is one JSON object with three members, in this order: the evidence, the
// SHA-256 of its message, and an SSH signature of the same message or null. The
// message is the evidence as canonical JSON (see canonical): what
//
//	jq -S .evidence FILE
//
// prints. So it can be checked without this program: with jq, sha256sum and
// ssh-keygen -Y verify. The format is told in docs/evidence.md.
package evidence

import (
	"encoding/json"
	"strings"
	"time"
)

const (
	// Format is what every file says it is, version the number of its form.
	Format  = "cartouche-evidence"
	version = 1
)

// Document is the evidence of one run.
type Document struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Number counts the files of one deployment on one computer, from 1, and
	// Previous is the one before, null for the first.
	Number   int       `json:"number"`
	Previous *Previous `json:"previous"`
	// MadeAt is when it was written: at the end of the run, or later.
	MadeAt time.Time `json:"madeAt"`
	// SignedBy is the public key that the file is signed by, as in
	// authorized_keys; null means that it is unsigned.
	SignedBy *string `json:"signedBy"`

	Deployment Deployment `json:"deployment"`
	Run        Run        `json:"run"`
	Outcome    Outcome    `json:"outcome"`

	// Plan is what was to be done, as the person saw and confirmed it, and
	// PlanHash its own hash, "" when it has none.
	Plan     json.RawMessage `json:"plan"`
	PlanHash string          `json:"planHash"`

	// Before is what was seen before anything was changed, After what was seen
	// last; EarlierProofs are those that failed or were repeated. After is null
	// when nobody looked any more.
	Before        *Look  `json:"before"`
	EarlierProofs []Look `json:"earlierProofs"`
	After         *Look  `json:"after"`

	Steps []Step `json:"steps"`
	// Operations are Azure's own ids of what it was asked to do.
	Operations []string `json:"operations"`
	Restarts   Restarts `json:"restarts"`
	// Certificates are all that were seen, as PEM by their SHA-256 fingerprints.
	Certificates map[string]string `json:"certificates"`
}

// Previous names the file before.
type Previous struct {
	Run    string `json:"run"`
	SHA256 string `json:"sha256"`
}

// Deployment is what the run was about.
type Deployment struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	GatewayID string `json:"gatewayId"`
	Cloud     string `json:"cloud"`
}

// Run is who did what when and where.
type Run struct {
	ID string `json:"id"`
	// Command is apply, undo or clean; About is "external" for the certificate
	// that clients see, "internal" for those of the machines.
	Command    string    `json:"command"`
	About      string    `json:"about"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
	// By is the login at the computer, Caller the object id of who was signed in at Azure.
	By       string `json:"by"`
	Computer string `json:"computer"`
	System   string `json:"system"`
	Caller   string `json:"caller"`
	// Program is the version of Cartouche.
	Program string `json:"program"`
}

// Outcome is how the run ended.
type Outcome struct {
	// Word is as in the history: verified, restored, in doubt ….
	Word        string   `json:"word"`
	Failure     string   `json:"failure"`
	NotRestored []string `json:"notRestored"`
	Unknown     []string `json:"unknown"`
	Left        []string `json:"left"`
	Removed     []string `json:"removed"`
	Interrupted bool     `json:"interrupted"`
	// Unclaimed says that the run's claim on the deployment was lost before its end.
	Unclaimed string `json:"unclaimed,omitempty"`
	// GatewayWrites counts the writes that may have taken effect.
	GatewayWrites int `json:"gatewayWrites"`
}

// Look is what was seen at one time.
type Look struct {
	// At is when the last of it was seen.
	At time.Time `json:"at"`
	// What it was for, in words.
	What string `json:"what"`
	// Proved tells whether it was what was wanted; null when nothing was.
	Proved   *bool    `json:"proved"`
	Failures []string `json:"failures"`
	// Rounds is how many times the handshakes were made; those of the last are here.
	Rounds      int          `json:"rounds"`
	Handshakes  []Handshake  `json:"handshakes"`
	Backends    []Backend    `json:"backends"`
	Sites       []Site       `json:"sites"`
	Validations []Validation `json:"validations"`
	Ports       []Port       `json:"ports"`
}

// Handshake is one TLS handshake with an endpoint that clients use.
type Handshake struct {
	At           time.Time `json:"at"`
	Target       string    `json:"target"`
	Address      string    `json:"address"`
	ServerName   string    `json:"serverName"`
	Proxy        string    `json:"proxy"`
	Milliseconds int64     `json:"milliseconds"`
	Protocol     string    `json:"protocol"`
	CipherSuite  string    `json:"cipherSuite"`
	// Chain are fingerprints of what was sent, leaf first; the certificates
	// themselves stand in Certificates.
	Chain []string `json:"chain"`
	// Expected are the leaves of which one was wanted, none when the handshake
	// proves nothing: it could not be made before, either.
	Expected []string `json:"expected"`
	Failure  string   `json:"failure"`
}

func (h Handshake) leaf() string {
	if len(h.Chain) == 0 || h.Failure != "" {
		return ""
	}
	return h.Chain[0]
}

// spot tells handshakes of one endpoint apart.
func (h Handshake) spot() string {
	return strings.Join([]string{h.Target, h.Address, h.ServerName}, " ")
}

// Backend is a machine behind the gateway as the gateway's probes see it.
type Backend struct {
	Pool    string `json:"pool"`
	Setting string `json:"setting"`
	Address string `json:"address"`
	Health  string `json:"health"`
	Log     string `json:"log"`
}

// Up tells whether the gateway sends requests there.
func (b Backend) Up() bool {
	return strings.EqualFold(b.Health, "Up") || strings.EqualFold(b.Health, "Healthy")
}

// Site is Portal or ArcGIS Server, asked through the gateway.
type Site struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	Version string `json:"version"`
	// Trouble is "" for one that answered its health check well.
	Trouble string `json:"trouble"`
}

// Validation is how a portal found a federated server, or a hosting server a data store.
type Validation struct {
	Kind     string   `json:"kind"`
	Name     string   `json:"name"`
	URL      string   `json:"url"`
	Status   string   `json:"status"`
	Messages []string `json:"messages"`
}

// Port is a TLS port of a machine, seen from inside the virtual network.
type Port struct {
	Machine  string   `json:"machine"`
	Product  string   `json:"product"`
	Port     int      `json:"port"`
	Role     string   `json:"role"`
	Version  string   `json:"version"`
	Alias    string   `json:"alias"`
	Protocol string   `json:"protocol"`
	Chain    []string `json:"chain"`
	Healthy  bool     `json:"healthy"`
	Trouble  string   `json:"trouble"`
}

// Step is one change of the run: written down before it was done, and after.
type Step struct {
	Index      int       `json:"index"`
	Kind       string    `json:"kind"`
	Title      string    `json:"title"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
	// Outcome is done, failed, or "in doubt" for a step without an end.
	Outcome string          `json:"outcome"`
	Error   string          `json:"error"`
	Intent  json.RawMessage `json:"intent"`
	// Result is null for a proof, which stands in After or EarlierProofs.
	Result json.RawMessage `json:"result"`
}

// Restarts are those of components at machines.
type Restarts struct {
	Count    int       `json:"count"`
	Machines []Restart `json:"machines"`
}

// Restart is one component at one machine.
type Restart struct {
	Machine      string `json:"machine"`
	Product      string `json:"product"`
	Port         int    `json:"port"`
	Times        int    `json:"times"`
	Milliseconds int64  `json:"milliseconds"`
}
