package reach

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

// DSCOptions are for [NewDSC].
type DSCOptions struct {
	Azure *cloud.ResourceManager
	// Deployment is the one whose machines are reached.
	Deployment deployment.Deployment
	// Storage is where the artifacts go. See [StorageOf].
	Storage cloud.StorageAccount
	// Service is the account under which ArcGIS Server runs; without its
	// password the configurations do nothing and call it success.
	Service Login
	// Tell, if set, hears what is being done.
	Tell func(string)
}

type dscWay struct {
	options DSCOptions
}

// NewDSC is the way of Cloud Builder: the DSC extension that each machine has
// is put once more, told to update certificates. It restarts every machine and
// cannot look at one.
func NewDSC(options DSCOptions) Way { return &dscWay{options: options} }

func (d *dscWay) Kind() Kind { return DSC }

func (d *dscWay) Close(context.Context) error { return nil }

func (d *dscWay) Do(ctx context.Context, at Machine, job machine.Job) (machine.Report, error) {
	return machine.Report{}, &Error{Code: NotThisWay, Machine: at.Name, Sentence: "DSC is not in this build yet"}
}
