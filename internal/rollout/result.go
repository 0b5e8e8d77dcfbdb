package rollout

import (
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Result is what a run did and what came of it.
type Result struct {
	Outcome    rotation.Outcome `json:"outcome"`
	RunID      string           `json:"run,omitempty"`
	Deployment string           `json:"deployment"`
	// UndoOf is the run that this one was to take back, "" of others.
	UndoOf string `json:"undoOf,omitempty"`
	Alias  string `json:"alias,omitempty"`
	// Machines are the ports that were to change, as they are at the end.
	Machines []Changed `json:"machines"`
	// GatewayWrites counts the writes that may have taken effect.
	GatewayWrites int `json:"gatewayWrites"`
	// Restarts counts the restarts of components, going back included.
	Restarts   int      `json:"restarts"`
	Operations []string `json:"operations,omitempty"`
	// Federation and Stores are the last validations.
	Federation []machine.Validated `json:"federation,omitempty"`
	Stores     []machine.Validated `json:"stores,omitempty"`
	// Failure says why the run did not reach its goal, Code the kind of failure
	// (a code of package machine or reach), Machine where it was.
	Failure string `json:"failure,omitempty"`
	Code    string `json:"code,omitempty"`
	Machine string `json:"machine,omitempty"`
	// Hint is what to do about it.
	Hint string `json:"hint,omitempty"`
	// NotRestored is what was seen not to be as it was, Unknown what could not be
	// seen, with how to find out.
	NotRestored []rotation.Difference `json:"notRestored,omitempty"`
	Unknown     []rotation.Difference `json:"unknown,omitempty"`
	// Left says what stays behind and does no harm.
	Left []string `json:"left,omitempty"`
	// Unclaimed says that the run's claim on the deployment was lost before its
	// end, and how: what was proved may not be so any more.
	Unclaimed string `json:"unclaimed,omitempty"`
	// Removed is what cleaning removed, Soaking what it left for later.
	Removed     []string           `json:"removed,omitempty"`
	Soaking     []rotation.Soaking `json:"soaking,omitempty"`
	Interrupted bool               `json:"interrupted,omitempty"`
	Seconds     float64            `json:"seconds"`
}

// Changed is one port at the end of a run.
type Changed struct {
	Machine string          `json:"machine"`
	Product machine.Product `json:"product"`
	Port    int             `json:"port"`
	How     How             `json:"how"`
	// Before and After are fingerprints of what was and is served.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// State is "new", "old" or "unknown".
	State     string  `json:"state"`
	Restarted int     `json:"restarted"`
	Seconds   float64 `json:"seconds"`
	Trouble   string  `json:"trouble,omitempty"`
}
