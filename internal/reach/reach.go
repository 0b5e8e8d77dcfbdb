// Package reach gets a job to a machine, whichever way is open: direct, where
// Cartouche can dial the machine itself; agent, where a small program is run on
// it by Azure's Run Command; dsc, where the machine's own DSC extension is put
// once more, as Esri's Cloud Builder does it.
package reach

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/machine"
)

// Kind names a way.
type Kind string

// The ways.
const (
	Direct Kind = "direct"
	Agent  Kind = "agent"
	DSC    Kind = "dsc"
)

// Machine is where a job goes.
type Machine struct {
	// ID is the resource id of the virtual machine.
	ID string `json:"id"`
	// Name is the virtual machine's, Host its name inside the virtual network.
	Name     string `json:"name"`
	Host     string `json:"host"`
	Location string `json:"location"`
	// OS is "linux" or "windows".
	OS string `json:"os"`
	// Site is the context of the site that the machine belongs to ("portal",
	// "server", "image"); Roles are those of its tag.
	Site       string              `json:"site"`
	Roles      []string            `json:"roles"`
	Components []machine.Component `json:"components"`
	// Off says that the machine does not run, "" when it does or it is not known.
	Off string `json:"off,omitempty"`
}

// Way is a way to machines. Its methods are safe for concurrent use.
type Way interface {
	Kind() Kind
	// Do gets a job done at a machine. Its error, an *Error, means that the job
	// did not begin, or that what became of it is not known; what failed in the
	// job itself is in the report.
	Do(ctx context.Context, at Machine, job machine.Job) (machine.Report, error)
	// Close removes everything that the way left anywhere. It is called also
	// after an interruption, with a context that has not ended.
	Close(ctx context.Context) error
}
