package reach

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Login is an account of the machines' operating system: the one under which
// ArcGIS Server runs.
type Login struct {
	User     string
	Password secret.Secret
}

// AgentOptions are for [NewAgent].
type AgentOptions struct {
	Azure *cloud.ResourceManager
	// Storage is where the program is put for the machines to fetch it. See
	// [StorageOf].
	Storage cloud.StorageAccount
	// RunAs is the account that the program runs under; without a user it is
	// the machine's own (SYSTEM, root).
	RunAs Login
	// Tell, if set, hears what is being done.
	Tell func(string)
}

type agentWay struct {
	options AgentOptions
}

// NewAgent is the way for where only Azure can be reached: a small program is
// run on each machine by managed Run Command. Nothing of it stays.
func NewAgent(options AgentOptions) Way { return &agentWay{options: options} }

func (a *agentWay) Kind() Kind { return Agent }

func (a *agentWay) Close(context.Context) error { return nil }

func (a *agentWay) Do(ctx context.Context, at Machine, job machine.Job) (machine.Report, error) {
	return machine.Report{}, &Error{Code: NotThisWay, Machine: at.Name, Sentence: "the agent is not in this build yet"}
}

// StorageOf finds the storage account of a deployment: the one that its record
// names, or that the enterprise of Esri's Terraform modules has. The error is
// an *Error of code [NoStorage] when there is none.
func StorageOf(ctx context.Context, azure *cloud.ResourceManager, d deployment.Deployment) (cloud.StorageAccount, error) {
	return cloud.StorageAccount{}, &Error{Code: NoStorage, Sentence: "not in this build yet"}
}
