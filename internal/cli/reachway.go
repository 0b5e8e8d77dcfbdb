package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// tidyTime is how long what was left at machines may take to be removed, also
// after Ctrl-C.
const tidyTime = 2 * time.Minute

// need says how much a command depends on the machines.
type need int

const (
	// unneeded: they are looked at only when a way was named.
	unneeded need = iota
	// ifNear: they are looked at when they can be dialled from here.
	ifNear
	// wanted: they are looked at when a way is open.
	wanted
	// needed: without a way there is nothing to do.
	needed
)

// access is how the machines of a deployment are reached, and why so.
type access struct {
	way reach.Way // nil: they are not looked at
	why string
	// closed tells that no way is open: naming one would not help.
	closed bool
}

// openWay opens a way to the machines of a deployment as the flags say, or as
// what is there says. What it leaves anywhere is removed at the command's end.
func (s *session) openWay(ctx context.Context, d deployment.Deployment, credentials rotation.Credentials, flags reachFlags, machines need) (access, error) {
	choice, err := s.chooseWay(ctx, d, flags, machines)
	if err != nil || choice.Kind == "" {
		tried := machines == wanted && flags.reach != reachNone
		return access{why: choice.Why, closed: tried}, err
	}
	if choice.Kind == reach.Agent {
		s.tellReach(choice.Why) // before anything is run anywhere
	}
	way, err := s.wayOf(ctx, choice.Kind, d, credentials, flags)
	if lost, ok := errors.AsType[*reach.Error](err); ok && flags.reach == reachAuto && machines != needed {
		return access{why: lost.Error()}, nil
	}
	if err != nil {
		return access{}, app.WhileServing(s.proxy.instead(err), app.NothingChanged, "")
	}
	s.app.atMachines.Store(choice.Kind == reach.Agent)
	s.app.atEnd(func(ctx context.Context) {
		defer s.app.atMachines.Store(false)
		if err := way.Close(ctx); err != nil {
			s.app.ui.warn("not everything that was put at the machines could be removed: " + err.Error())
		}
	})
	return access{way: way, why: choice.Why}, nil
}

// chooseWay is the way that was named, or the best of those that are open.
func (s *session) chooseWay(ctx context.Context, d deployment.Deployment, flags reachFlags, machines need) (reach.Choice, error) {
	switch {
	case flags.reach == reachNone && machines == needed:
		return reach.Choice{}, app.Usage("leave --reach none out", "the certificates of machines cannot be replaced without reaching the machines")
	case flags.reach == reachNone:
		return reach.Choice{Why: "--reach none"}, nil
	case flags.reach == reachAgent:
		return reach.Choice{Kind: reach.Agent, Why: "agent, as was asked for (--reach): a small program is run on each machine by Azure's Run Command, and removed afterwards"}, nil
	case flags.reach != reachAuto && flags.reach != "":
		return reach.Choice{Kind: reach.Kind(flags.reach), Why: flags.reach + ", as was asked for (--reach)"}, nil
	case machines == unneeded:
		return reach.Choice{}, nil
	}
	s.app.ui.progress.Doing(rotation.PhaseObserve, "looking for a way to the machines of "+d.Name)
	defer s.app.ui.progress.Done()
	list := reach.Machines(d, d.Gateway)
	dialable, storage := reach.AllDialable(ctx, s.network, list), ""
	if machines > ifNear && slices.Contains(dialable, false) {
		if account, err := reach.StorageOf(ctx, s.azure, d); err == nil {
			storage = account.Name
		}
	}
	choice := reach.Choose(list, dialable, storage)
	if machines == ifNear && choice.Kind != reach.Direct {
		return reach.Choice{Why: "they cannot be dialled from here"}, nil
	}
	if choice.Kind == reach.Agent && machines == wanted && !s.mayRun(ctx, list) {
		return reach.Choice{Why: "this computer cannot dial them, and this sign-in may not use Run Command there (docs/reach.md)"}, nil
	}
	if choice.Kind == "" && machines == needed {
		return choice, &app.Failure{Code: "no-way", Message: choice.Why, Serving: app.NothingChanged, Exit: app.ExitPreflight, Hint: "the ways to machines, and what each takes: docs/reach.md"}
	}
	return choice, nil
}

// runCommandWrite is the right to run something on a machine.
const runCommandWrite = "Microsoft.Compute/virtualMachines/runCommands/write"

// mayRun tells whether the sign-in may use Run Command at the machines. Who only
// looks is not to find refusals in Azure's log, so Azure is asked first, at one
// machine of each resource group. What it does not tell counts as a yes.
func (s *session) mayRun(ctx context.Context, machines []reach.Machine) bool {
	asked := map[string]bool{}
	for _, m := range machines {
		id, err := cloud.ParseResourceID(m.ID)
		group := strings.ToLower(id.ResourceGroup)
		if err != nil || asked[group] {
			continue
		}
		asked[group] = true
		permissions, err := s.azure.Permissions(ctx, m.ID)
		if err == nil && !permissions.Allows(runCommandWrite) {
			return false
		}
	}
	return true
}

// wayOf makes the way of a kind.
func (s *session) wayOf(ctx context.Context, kind reach.Kind, d deployment.Deployment, credentials rotation.Credentials, flags reachFlags) (reach.Way, error) {
	if kind == reach.Direct {
		return reach.NewDirect(s.network, s.tellReach), nil
	}
	storage, err := reach.StorageOf(ctx, s.azure, d)
	if err != nil {
		return nil, err
	}
	account := reach.Login{User: credentials.ServiceAccount, Password: credentials.ServiceAccountPassword}
	if kind == reach.Agent {
		return reach.NewAgent(reach.AgentOptions{Azure: s.azure, Storage: storage, RunAs: account, Tell: s.tellReach, Interval: s.app.env.PollInterval}), nil
	}
	if account.User == "" || account.Password.Empty() {
		return nil, app.Usage("give --service-account NAME and its password (CARTOUCHE_SERVICE_ACCOUNT, CARTOUCHE_SERVICE_ACCOUNT_PASSWORD)",
			"--reach dsc needs the login under which ArcGIS Server runs: without it the machines' DSC does nothing and calls it success")
	}
	options := reach.DSCOptions{Azure: s.azure, Deployment: d, Storage: storage, Service: account, Tell: s.tellReach}
	if options.ServerPassword, err = s.app.ask(ctx, flags.serverPFX()); err != nil {
		return nil, err
	}
	if d.PortalContext != "" {
		if options.PortalPassword, err = s.app.ask(ctx, flags.portalPFX()); err != nil {
			return nil, err
		}
	}
	return reach.NewDSC(options), nil
}

// tellReach shows what is being done on the way to machines.
func (s *session) tellReach(text string) {
	s.app.ui.progress.Event(rotation.Event{At: s.app.env.Now(), Phase: rollout.PhaseMachines, Text: text})
}

// atEnd keeps what is to be done when the command has ended, however it ends.
func (a *program) atEnd(do func(context.Context)) { a.ends = append(a.ends, do) }

// tidy does what was kept for the end, the latest first, also after Ctrl-C.
func (a *program) tidy(ctx context.Context) {
	if len(a.ends) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	for len(a.ends) > 0 {
		last := a.ends[len(a.ends)-1]
		a.ends = a.ends[:len(a.ends)-1]
		last(ctx)
	}
}

// withMachines gives a runner its way to the machines, and whom to believe there.
func (s *session) withMachines(runner *rotation.Runner, way access, flags reachFlags) error {
	runner.Way = way.way
	for _, file := range flags.machineCAs {
		certs, err := readRoots("--machine-ca", file)
		if err != nil {
			return err
		}
		runner.MachineRoots = append(runner.MachineRoots, certs...)
	}
	return nil
}

// looking is how a command that looks treats the machines.
type looking struct {
	flags reachFlags
	when  when
	// changes tells that what is looked at is going to be changed.
	changes bool
	lease   leaseFlags
}

// when says when machines are looked at although no way was named.
type when int

const (
	never when = iota
	// nearby is where they can be dialled from here: that runs nothing on them
	// and writes nothing anywhere.
	nearby
	// withLogin is by whatever way is open, with the site administrator's login.
	withLogin
)

func (l looking) need(credentials rotation.Credentials) need {
	switch {
	case l.when == nearby:
		return ifNear
	case l.when == never || credentials.SiteAdmin == "":
		return unneeded
	}
	return wanted
}
