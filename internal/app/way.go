package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Need says how much a command depends on the machines.
type Need int

// The needs.
const (
	// Unneeded: they are looked at only when a way was named.
	Unneeded Need = iota
	// IfNear: they are looked at when they can be dialled from here.
	IfNear
	// Wanted: they are looked at when a way is open.
	Wanted
	// Needed: without a way there is nothing to do.
	Needed
)

// Access is how the machines of a deployment are reached, and why so.
type Access struct {
	Way reach.Way // nil: they are not looked at
	Why string
	// Closed tells that no way is open: naming one would not help.
	Closed bool
}

// OpenWay opens a way to the machines of a deployment as the flags say, or as
// what is there says. What it leaves anywhere is removed at the command's end.
func (s *Session) OpenWay(ctx context.Context, d deployment.Deployment, credentials rotation.Credentials, asked Reach, machines Need) (Access, error) {
	asked.Way = cmp.Or(asked.Way, ReachAuto)
	choice, err := s.chooseWay(ctx, d, asked, machines)
	if err != nil || choice.Kind == "" {
		tried := machines == Wanted && asked.Way != ReachNone
		return Access{Why: choice.Why, Closed: tried}, err
	}
	if choice.Kind == reach.Agent {
		s.tellReach(choice.Why) // before anything is run anywhere
	}
	way, err := s.wayOf(ctx, choice.Kind, d, credentials, asked)
	if lost, ok := errors.AsType[*reach.Error](err); ok && asked.Way == ReachAuto && machines != Needed {
		return Access{Why: lost.Error()}, nil
	}
	if err != nil {
		return Access{}, WhileServing(s.Instead(err), NothingChanged, "")
	}
	s.app.atMachines(choice.Kind == reach.Agent)
	s.ends = append(s.ends, func(ctx context.Context) {
		defer s.app.atMachines(false)
		if err := way.Close(ctx); err != nil {
			s.app.warn("not everything that was put at the machines could be removed: " + err.Error())
		}
	})
	return Access{Way: way, Why: choice.Why}, nil
}

// chooseWay is the way that was named, or the best of those that are open.
func (s *Session) chooseWay(ctx context.Context, d deployment.Deployment, asked Reach, machines Need) (reach.Choice, error) {
	switch {
	case asked.Way == ReachNone && machines == Needed:
		return reach.Choice{}, Usage("leave --reach none out", "the certificates of machines cannot be replaced without reaching the machines")
	case asked.Way == ReachNone:
		return reach.Choice{Why: "--reach none"}, nil
	case asked.Way == ReachAgent:
		return reach.Choice{Kind: reach.Agent, Why: "agent, as was asked for (--reach): a small program is run on each machine by Azure's Run Command, and removed afterwards"}, nil
	case asked.Way != ReachAuto:
		return reach.Choice{Kind: reach.Kind(asked.Way), Why: asked.Way + ", as was asked for (--reach)"}, nil
	case machines == Unneeded:
		return reach.Choice{}, nil
	}
	s.app.teller().Doing(rotation.PhaseObserve, "looking for a way to the machines of "+d.Name)
	defer s.app.teller().Done()
	list := reach.Machines(d, d.Gateway)
	dialable, storage := reach.AllDialable(ctx, s.Network, list), ""
	if machines > IfNear && slices.Contains(dialable, false) {
		if account, err := reach.StorageOf(ctx, s.Azure, d); err == nil {
			storage = account.Name
		}
	}
	choice := reach.Choose(list, dialable, storage)
	if machines == IfNear && choice.Kind != reach.Direct {
		return reach.Choice{Why: "they cannot be dialled from here"}, nil
	}
	if choice.Kind == reach.Agent && machines == Wanted && !s.mayRun(ctx, list) {
		return reach.Choice{Why: "this computer cannot dial them, and this sign-in may not use Run Command there (docs/reach.md)"}, nil
	}
	if choice.Kind == "" && machines == Needed {
		return choice, &Failure{Code: "no-way", Message: choice.Why, Serving: NothingChanged, Exit: ExitPreflight, Hint: "the ways to machines, and what each takes: docs/reach.md"}
	}
	return choice, nil
}

// runCommandWrite is the right to run something on a machine.
const runCommandWrite = "Microsoft.Compute/virtualMachines/runCommands/write"

// mayRun tells whether the sign-in may use Run Command at the machines. Who only
// looks is not to find refusals in Azure's log, so Azure is asked first, at one
// machine of each resource group. What it does not tell counts as a yes.
func (s *Session) mayRun(ctx context.Context, machines []reach.Machine) bool {
	asked := map[string]bool{}
	for _, m := range machines {
		id, err := cloud.ParseResourceID(m.ID)
		group := strings.ToLower(id.ResourceGroup)
		if err != nil || asked[group] {
			continue
		}
		asked[group] = true
		permissions, err := s.Azure.Permissions(ctx, m.ID)
		if err == nil && !permissions.Allows(runCommandWrite) {
			return false
		}
	}
	return true
}

// wayOf makes the way of a kind.
func (s *Session) wayOf(ctx context.Context, kind reach.Kind, d deployment.Deployment, credentials rotation.Credentials, asked Reach) (reach.Way, error) {
	if kind == reach.Direct {
		return reach.NewDirect(s.Network, s.tellReach), nil
	}
	storage, err := reach.StorageOf(ctx, s.Azure, d)
	if err != nil {
		return nil, err
	}
	account := reach.Login{User: credentials.ServiceAccount, Password: credentials.ServiceAccountPassword}
	if kind == reach.Agent {
		return reach.NewAgent(reach.AgentOptions{Azure: s.Azure, Storage: storage, RunAs: account, Tell: s.tellReach, Interval: s.app.PollInterval}), nil
	}
	if asked.PFXPassword == nil {
		return nil, Usage("--reach agent", "--reach dsc is a way of the command line")
	}
	if account.User == "" || account.Password.Empty() {
		return nil, Usage("give --service-account NAME and its password (CARTOUCHE_SERVICE_ACCOUNT, CARTOUCHE_SERVICE_ACCOUNT_PASSWORD)",
			"--reach dsc needs the login under which ArcGIS Server runs: without it the machines' DSC does nothing and calls it success")
	}
	options := reach.DSCOptions{Azure: s.Azure, Deployment: d, Storage: storage, Service: account, Tell: s.tellReach}
	if options.ServerPassword, err = asked.PFXPassword(ctx, false); err != nil {
		return nil, err
	}
	if d.PortalContext != "" {
		if options.PortalPassword, err = asked.PFXPassword(ctx, true); err != nil {
			return nil, err
		}
	}
	return reach.NewDSC(options), nil
}

// tellReach shows what is being done on the way to machines.
func (s *Session) tellReach(text string) {
	s.app.teller().Event(rotation.Event{At: s.app.Now(), Phase: rollout.PhaseMachines, Text: text})
}

// WithMachines gives a runner its way to the machines, and whom to believe there.
func WithMachines(runner *rotation.Runner, way Access, asked Reach) {
	runner.Way = way.Way
	runner.MachineRoots = append(runner.MachineRoots, asked.MachineRoots...)
}

// atMachines tells whoever must know that a program of ours is at machines.
func (a *App) atMachines(there bool) {
	if a.AtMachines != nil {
		a.AtMachines(there)
	}
}
