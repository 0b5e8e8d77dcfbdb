package journal

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"time"
)

// InDoubt is the outcome of a run or a step without an end: it is still going
// on, or its process died, and the journal cannot tell which. Look at the
// world to find out.
const InDoubt = "in doubt"

// Run is one execution of a rotation.
type Run struct {
	// ID is from NewRunID.
	ID             string `json:"id"`
	DeploymentID   string `json:"deploymentId"`
	DeploymentName string `json:"deploymentName"`
	GatewayID      string `json:"gatewayId"`
	// Cloud is the cloud's name ("AzureCloud").
	Cloud string `json:"cloud"`
	// Plan is what was to be done (not read by Runs), Before what was there before.
	Plan     json.RawMessage `json:"plan,omitempty"`
	PlanHash string          `json:"planHash"`
	Before   json.RawMessage `json:"before,omitempty"`
	// Version is that of Cartouche, By the person or principal.
	Version   string    `json:"version"`
	By        string    `json:"by"`
	StartedAt time.Time `json:"startedAt"`

	// The fields below are not for Begin: they are what Runs and Run read.

	// Outcome is what Finish was given, or InDoubt.
	Outcome    string          `json:"outcome"`
	Summary    json.RawMessage `json:"summary,omitempty"`
	FinishedAt time.Time       `json:"finishedAt,omitzero"`
	// Steps and Evidence are in the order in which they were written. Runs
	// does not read them.
	Steps    []Step     `json:"steps,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Step is one change of a run.
type Step struct {
	// Index is unique within the run.
	Index int    `json:"index"`
	Kind  string `json:"kind"`
	Title string `json:"title"`
	// Intent is what is about to be done, written before it is done.
	Intent json.RawMessage `json:"intent,omitempty"`

	// The fields below are not for StepStarted.

	StartedAt time.Time `json:"startedAt"`
	// Outcome is what StepFinished was given, or InDoubt.
	Outcome    string          `json:"outcome"`
	Result     json.RawMessage `json:"result,omitempty"`
	Error      string          `json:"error,omitempty"`
	FinishedAt time.Time       `json:"finishedAt,omitzero"`
}

// Evidence is something that was seen: a handshake, a health check.
type Evidence struct {
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data,omitempty"`
	At   time.Time       `json:"at"`
}

// NewRunID makes the id of a run: the minute in UTC and four random digits,
// "20261123-0941-7f3a". It sorts by time and is short enough to type; Run
// accepts any beginning of it that fits one run only. Two runs of one minute
// share an id once in 65,536 times, which Begin refuses.
func NewRunID(now time.Time, random io.Reader) string {
	var digits [2]byte
	_, err := io.ReadFull(random, digits[:])
	if err != nil {
		// Better a guessable id than none: it is no secret.
		nanos := now.Nanosecond()
		digits = [2]byte{byte(nanos >> 8), byte(nanos)}
	}
	return now.UTC().Format("20060102-1504-") + hex.EncodeToString(digits[:])
}
