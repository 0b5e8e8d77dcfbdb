package rotation

import (
	"context"
	"errors"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Outcome is how a run ended. Nothing else is ever reported as success than
// what was proved.
type Outcome string

const (
	// Verified: the new certificate is served everywhere and was proved.
	Verified Outcome = "verified"
	// NothingToDo: it was served and proved already; nothing was written.
	NothingToDo Outcome = "nothing-to-do"
	// Unchanged: the run ended before anything was changed.
	Unchanged Outcome = "unchanged"
	// Restored: the run failed; the state from before is back and was proved.
	Restored Outcome = "restored"
	// PartlyRestored: the run failed, and what is in NotRestored was seen not to
	// be as before. There may be Unknown besides.
	PartlyRestored Outcome = "partly-restored"
	// NotKnown: the run failed, nothing was seen to be different from before, and
	// what is in Unknown could not be seen, so that nothing is proved.
	NotKnown Outcome = "unknown"
	// Cleaned: entries that nothing uses were removed.
	Cleaned Outcome = "cleaned"
)

// Proved tells of an outcome of a run that changed something, and proved at its end
// how things are.
func (o Outcome) Proved() bool { return o == Verified || o == Restored || o == Cleaned }

// Result is what a run did and what came of it.
type Result struct {
	Outcome    Outcome `json:"outcome"`
	RunID      string  `json:"run,omitempty"`
	Deployment string  `json:"deployment"`
	// UndoOf is the run that this one was to take back, "" of others.
	UndoOf string `json:"undoOf,omitempty"`
	// Endpoint is host:port of the deployment's external name.
	Endpoint string           `json:"endpoint"`
	Before   *pki.Description `json:"before"`
	After    *pki.Description `json:"after"`
	// GatewayWrites counts the writes that may have taken effect, going back included.
	GatewayWrites int `json:"gatewayWrites"`
	// Restarts counts the restarts of machines, Machines is what was done at them.
	Restarts int           `json:"restarts"`
	Machines []MachineDone `json:"machines,omitempty"`
	// Operations are Azure's own operation ids.
	Operations []string `json:"operations,omitempty"`
	// Proof is of the last thing that was proved: the new certificate, or the old one.
	Proof *Proof `json:"proof,omitempty"`
	// Failure says why the run did not reach its goal.
	Failure string `json:"failure,omitempty"`
	// Hint is what Azure's code means and what to do, "" when there is nothing to add.
	Hint string `json:"hint,omitempty"`
	// NotRestored is what was seen not to be as it was.
	NotRestored []Difference `json:"notRestored,omitempty"`
	// Unknown is what could not be seen, with how to find out.
	Unknown []Difference `json:"unknown,omitempty"`
	// Left says what stays behind of a run that went back.
	Left []string `json:"left,omitempty"`
	// Unclaimed says that the run's claim on the deployment was lost before its
	// end, and how: what was proved may not be so any more.
	Unclaimed string `json:"unclaimed,omitempty"`
	// Interrupted tells that the run was asked to stop.
	Interrupted bool `json:"interrupted,omitempty"`
	// Removed are the entries that cleaning removed, Soaking those that it left
	// for later.
	Removed []string  `json:"removed,omitempty"`
	Soaking []Soaking `json:"soaking,omitempty"`
	Seconds float64   `json:"seconds"`
	// started is for Seconds; imported are the versions that Key Vault has got,
	// or may have: then the version is not known.
	started  time.Time
	imported []InVault
	// out are the members that may be out of their pools, by the name of the run;
	// poolWrites are those of
	// GatewayWrites that took one out or put it back.
	out        []cloud.Member
	by         string
	poolWrites int
}

func (r *Runner) newResult(state State) Result {
	result := Result{
		Deployment: state.Deployment.Name,
		Before:     describeLeaf(servingNow(state)),
		started:    r.now(),
		by:         NewOwner(),
	}
	for _, listener := range state.Listeners {
		for _, target := range listener.targets() {
			result.Endpoint = target.String()
			return result
		}
	}
	return result
}

// seen sets what is served at the end from what the handshakes showed.
func (result *Result) seen(proof Proof) {
	result.Proof = &proof
	if leaf := firstServed(proof.Wire); leaf != nil {
		result.After = describeLeaf(leaf)
	}
}

// failed says why the run did not reach its goal.
func (result *Result) failed(err error) {
	result.Failure = err.Error()
	switch { // whose own words are for programmers
	case err == context.Canceled:
		result.Failure = "interrupted"
	case err == context.DeadlineExceeded:
		result.Failure = "it took longer than anybody waits for"
	}
	if at := (*MachineError)(nil); errors.As(err, &at) {
		result.Hint = at.Mend
	}
	if answer := (*cloud.Error)(nil); errors.As(err, &answer) {
		result.Hint = answer.Hint
	}
}

func (result *Result) add(done written) {
	result.GatewayWrites += done.Writes
	result.Operations = append(result.Operations, done.Operations...)
}
