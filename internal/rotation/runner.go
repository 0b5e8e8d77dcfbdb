package rotation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// Runner carries plans out. Its fields are set once, before first use.
type Runner struct {
	Azure *cloud.ResourceManager
	// Vault makes a client for the vault at an address; nil where Key Vault is
	// not to be asked.
	Vault       func(uri string) (*cloud.VaultClient, error)
	Network     *egress.Network
	Looker      *handshake.Looker
	Credentials Credentials
	// Way gets to the machines; nil where they are not to be looked at.
	Way reach.Way
	// MachineRoots are authorities that a machine's certificate may also end in
	// before a password is sent to it.
	MachineRoots []*x509.Certificate
	// May is asked before every change: of the gateway, of a vault, at a machine.
	// Its error ends the run without another one, going back included. Nil may.
	May func(context.Context) error
	// Claimed says for the journal by what claim nobody else works on the
	// deployment meanwhile, or that there is none.
	Claimed string
	// RunID is the id under which the next run begins, so that its claim can bear
	// it; "", or one that the journal has already, and the run draws its own.
	RunID string
	// Journal remembers runs; nil keeps no memory.
	Journal *journal.Journal
	// Begun is told the id of a run as soon as the journal has it. Nil is fine.
	Begun func(runID string)
	// Report is told what happens, in order, from one goroutine at a time. Nil is fine.
	Report func(Event)
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Patience is how long things may take; the zero value is for production.
	Patience Patience
	// Version of this program, for the journal.
	Version string
}

// Patience is how long a run waits for what, in real time.
type Patience struct {
	// Write bounds one change of the gateway, from the first attempt to its
	// end. Gateways have been seen to take half an hour (azure.md §5): 60 min.
	Write time.Duration
	// Proof bounds waiting for all endpoints to serve the expected leaf: 10 min.
	Proof time.Duration
	// Interval is between two looks: 1 s.
	Interval time.Duration
	// Rounds is how many looks in a row must be good: 5. A gateway has two or
	// more instances behind one address that switch one by one.
	Rounds int
	// Recovery bounds everything that is done after Ctrl-C or a failed proof: 75 min.
	Recovery time.Duration
	// Restart bounds one restart of a component at a machine; zero is package
	// machine's own patience.
	Restart time.Duration
	// Drain is how long requests under way may go on at a machine that was taken
	// out of its pools; zero is what the gateway itself is set to.
	Drain time.Duration
	// Backoff is the first wait after a refused write: 5 s, doubled up to a minute.
	Backoff time.Duration
}

func (p Patience) withDefaults() Patience {
	orElse := func(value *time.Duration, fallback time.Duration) {
		if *value == 0 {
			*value = fallback
		}
	}
	orElse(&p.Write, time.Hour)
	orElse(&p.Proof, 10*time.Minute)
	orElse(&p.Interval, time.Second)
	orElse(&p.Recovery, 75*time.Minute)
	orElse(&p.Backoff, 5*time.Second)
	if p.Rounds == 0 {
		p.Rounds = 5
	}
	return p
}

// Phase is where in the flow a run is.
type Phase string

// The phases in the order of the flow.
const (
	PhaseObserve Phase = "observe"
	PhaseTrust   Phase = "trust"
	PhaseStage   Phase = "stage"
	PhaseSwitch  Phase = "switch"
	PhaseProve   Phase = "prove"
	PhasePin     Phase = "pin"
	PhaseUndo    Phase = "undo"
	PhaseClean   Phase = "clean"
	PhaseDone    Phase = "done"
	// PhaseJournal tells of a journal that cannot be written.
	PhaseJournal Phase = "journal"
)

// Event is one thing that a run tells while it goes on.
type Event struct {
	At    time.Time `json:"at"`
	Phase Phase     `json:"phase"`
	Text  string    `json:"text"`
	// Waiting marks what may be overwritten by the next event of its phase.
	Waiting bool `json:"waiting,omitempty"`
}

func (r *Runner) tell(phase Phase, text string) {
	r.report(Event{At: r.now(), Phase: phase, Text: text})
}

func (r *Runner) tellWaiting(phase Phase, text string) {
	r.report(Event{At: r.now(), Phase: phase, Text: text, Waiting: true})
}

func (r *Runner) report(event Event) {
	if r.Report != nil {
		r.Report(event)
	}
}

// Permitted tells whether the run may make its next change.
func (r *Runner) Permitted(ctx context.Context) error {
	if r.May == nil {
		return nil
	}
	return r.May(ctx)
}

// asking bounds the last question whether a run has the deployment for itself.
const asking = 30 * time.Second

// Unclaimed says why a run that ends with a proof had not the deployment for itself
// until its end, "" when it had. Somebody who broke its claim after its last change
// may have begun to change what was just proved.
func (r *Runner) Unclaimed(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), asking)
	defer cancel()
	err := r.Permitted(ctx)
	if err == nil || ctx.Err() != nil {
		return ""
	}
	return "somebody else may have been at work before this run had ended: " + err.Error()
}

func (r *Runner) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// errStranger is why a password is not sent.
var errStranger = errors.New("the certificate served is neither valid nor the one that the gateway is configured with")

// pinnedClient is an HTTP client for the deployment's own name. It accepts a
// certificate that is valid, or one of the given leaves: those are what Azure
// says the gateway has, so an expired certificate cannot hinder its own
// renewal, and no password goes to a stranger.
func (r *Runner) pinnedClient(leaves []string) *http.Client {
	transport := r.Network.Transport()
	roots := r.Network.Roots()
	transport.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // verified just below, by pin or by chain
		VerifyConnection: func(state tls.ConnectionState) error {
			leaf := state.PeerCertificates[0]
			if slices.Contains(leaves, pki.Fingerprint(leaf)) {
				return nil
			}
			intermediates := x509.NewCertPool()
			for _, certificate := range state.PeerCertificates[1:] {
				intermediates.AddCert(certificate)
			}
			_, err := leaf.Verify(x509.VerifyOptions{
				Roots: roots, Intermediates: intermediates, DNSName: state.ServerName, CurrentTime: r.now(),
			})
			if err != nil {
				return errors.Join(errStranger, err)
			}
			return nil
		},
	}
	return &http.Client{
		Transport: transport,
		Timeout:   2 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a password must not follow a redirect
		},
	}
}

// mustJSON is for our own plain values, which always marshal.
func mustJSON(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil {
		panic("rotation: value is not JSON: " + err.Error())
	}
	return data
}
