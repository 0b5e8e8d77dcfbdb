package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// steps are the plan as people read it.
func steps(p Plan) []Step {
	list := []Step{}
	if len(p.Roots) > 0 {
		step := Step{
			Kind: StepRoots, Title: "the gateway trusts the new root beside the old one, in one conditional write",
			Touches: []string{p.GatewayID}, Restarts: []string{}, Undo: "it stays: trust does no harm; cartouche clean removes it",
		}
		for _, root := range p.Roots {
			step.Changes = append(step.Changes, fmt.Sprintf("trusted root %s in %s", root.Name, strings.Join(root.Settings, ", ")))
		}
		list = append(list, step)
	}
	if step := prepareStep(p); len(step.Changes) > 0 {
		list = append(list, step)
	}
	for _, turn := range turns(p.Ports) {
		if step, any := switchStep(p, turn); any {
			list = append(list, step)
		}
	}
	return append(list, Step{
		Kind: StepProve, Title: "validate federation and data stores, and prove that clients are served as before", Restarts: []string{},
		Undo: "when the proof fails, what was switched goes back, newest first, and that is proved",
	})
}

func prepareStep(p Plan) Step {
	step := Step{
		Kind: StepPrepare, Title: "trust the authority and install the new certificates on all machines side by side; nothing restarts",
		Restarts: []string{}, Undo: "what was installed is not in use; cartouche clean removes it",
	}
	touch := func(machine, change string) {
		if !slices.Contains(step.Touches, machine) {
			step.Touches = append(step.Touches, machine)
		}
		step.Changes = append(step.Changes, change)
	}
	for _, trust := range p.Trusts {
		touch(trust.Machine, fmt.Sprintf("%s port %d: trust %s", trust.Machine, trust.Port, trust.Alias))
	}
	for _, port := range p.Ports {
		if port.How == ByAlias && !port.Installed && !port.Served {
			touch(port.Machine, fmt.Sprintf("%s port %d: install %s (%s, until %s)", port.Machine, port.Port, port.Alias, first(port.Names), day(port.NotAfter)))
		}
	}
	return step
}

func first(names []string) string {
	switch len(names) {
	case 0:
		return "no names"
	case 1:
		return names[0]
	}
	return fmt.Sprintf("%s and %d more names", names[0], len(names)-1)
}

// turns are ports that change in one job: a port, and the services that follow it.
func turns(ports []Port) [][]Port {
	var list [][]Port
	for _, port := range ports {
		if port.How == Follows {
			if i := len(list) - 1; i >= 0 && list[i][0].Machine == port.Machine && list[i][0].Product == machine.Server {
				list[i] = append(list[i], port)
				continue
			}
		}
		list = append(list, []Port{port})
	}
	return list
}

func switchStep(p Plan, turn []Port) (Step, bool) {
	main := turn[0]
	step := Step{Kind: StepSwitch, Touches: []string{main.Machine}, Restarts: []string{}}
	for _, port := range turn {
		if port.Served {
			continue
		}
		step.Changes = append(step.Changes, change(port))
		if port.Restarts {
			step.Restarts = append(step.Restarts, fmt.Sprintf("%s (%s)", port.Machine, port.Product.Name()))
		}
	}
	if len(main.Away) > 0 && len(step.Restarts) > 0 {
		step.Touches = append(step.Touches, p.GatewayID)
		step.Changes = append([]string{"taken out of " + rotation.Leaves(main.Away) + " while it restarts, and put back when it is well"}, step.Changes...)
	}
	role := ""
	if main.Role != "" {
		role = ", " + main.Role
	}
	step.Title = fmt.Sprintf("%s on %s%s", main.Product.Name(), main.Machine, role)
	switch main.How {
	case ByAlias:
		step.Undo = "go back to " + main.BeforeAlias + ", with another restart"
	case Follows:
		step.Undo = "its service restarts when its server has gone back"
	default:
		step.Undo = "not possible, the old key is replaced; the new certificate stays, which everybody trusts"
	}
	if p.Source == Back {
		step.Undo = "apply the certificates of the run again"
	}
	return step, len(step.Changes) > 0
}

func change(port Port) string {
	at := fmt.Sprintf("port %d", port.Port)
	switch port.How {
	case InPlace:
		return fmt.Sprintf("%s: replace %s in place, without a restart (until %s)", at, port.Alias, day(port.NotAfter))
	case ByTool:
		return fmt.Sprintf("%s: replace the certificate of the %s by its tool, which restarts that part (until %s)", at, port.Option, day(port.NotAfter))
	case InIIS:
		return fmt.Sprintf("%s: bind the new certificate in IIS (until %s)", at, day(port.NotAfter))
	case Follows:
		return fmt.Sprintf("%s: restart the service of %s, which takes ArcGIS Server's certificate", at, port.Product.Name())
	}
	return fmt.Sprintf("%s: %s -> %s (until %s), one restart", at, cmp.Or(port.BeforeAlias, "?"), port.Alias, day(port.NotAfter))
}

// downtime says what nobody can use meanwhile. How long is Esri's own waiting
// time: DSC waits up to 180 s for a server and up to 360 s for a portal, and
// most restarts have been seen to take one to three minutes.
// Source: ArcGIS_Server_TLS and ArcGIS_Portal_TLS of Esri/arcgis-powershell-dsc.
func downtime(p Plan) []string {
	var list []string
	for _, port := range p.Ports {
		if !port.Restarts || !port.Alone || port.Served {
			continue
		}
		list = append(list, fmt.Sprintf("%s of site %q has the one machine %s: nobody can use it while it restarts, one to three minutes as a rule",
			port.Product.Name(), port.Site, port.Machine))
	}
	return list
}

func proofs(state rotation.State) []string {
	list := []string{
		"each port serves exactly its new leaf, seen twice from inside, and is healthy before the next has its turn",
		"the gateway sees the machine well again before the next, and sees another well before each",
		"clients are served by the same external certificate as before",
	}
	if state.Sites.SignedIn {
		list = append(list, fmt.Sprintf("Portal validates its federated servers (%d) as before or better", len(state.Sites.Federation)))
	}
	for _, o := range ports(state) {
		if len(o.Stores) > 0 {
			list = append(list, fmt.Sprintf("the hosting server validates its data stores (%d) as before or better", len(o.Stores)))
			break
		}
	}
	return list
}

// whoSeesTheKey says who sees which private key.
func whoSeesTheKey(goal Goal, p Plan) string {
	var carried string
	switch p.Way {
	case reach.Agent:
		carried = "each machine gets its own key, encrypted, in a protected parameter of Run Command, which Azure shows to nobody"
	default:
		carried = "each machine gets its own key over TLS, in a .pfx under a password that is used once"
	}
	switch {
	case p.Resumed:
		return "the keys are on the machines already; none is made or sent"
	case goal.Source == Fresh && goal.KeepAuthority == nil:
		return "the root's key is made in memory, signs the leafs and is forgotten: nobody can sign with it again; " + carried
	case goal.Source == Fresh:
		return "the root's key is made in memory, signs the leafs and is written, encrypted, to the file that was named; " + carried
	case goal.Source == FromAuthority:
		return "the authority's key stays in this process; " + carried
	}
	return "the keys of the files pass through this process; " + carried
}

// operations are what Azure must permit for all this.
func operations(p Plan, state rotation.State) []rotation.Operation {
	var list []rotation.Operation
	add := func(more ...rotation.Operation) {
		for _, operation := range more {
			if !slices.ContainsFunc(list, func(o rotation.Operation) bool {
				return strings.EqualFold(o.Action, operation.Action) && o.Data == operation.Data && strings.EqualFold(o.Scope, operation.Scope)
			}) {
				list = append(list, operation)
			}
		}
	}
	if len(p.Roots) > 0 || slices.ContainsFunc(p.Ports, func(port Port) bool { return len(port.Away) > 0 && !port.Served }) {
		add(state.GatewayOperations(rotation.StepKind(StepRoots))...)
	}
	if len(p.Ports) > 0 || len(p.Trusts) > 0 {
		var touched []reach.Machine
		for _, at := range state.Machines {
			if len(at.Components) > 0 {
				touched = append(touched, at.Machine)
			}
		}
		add(state.WayOperations(rotation.StepKind(StepPrepare), touched...)...)
	}
	for _, action := range []string{"Microsoft.Network/applicationGateways/read", "Microsoft.Network/applicationGateways/backendhealth/action"} {
		add(rotation.Operation{Action: action, Scope: state.Gateway.ID(), Step: rotation.StepKind(StepProve)})
	}
	if !p.NothingToDo() {
		add(state.ClaimOperations()...)
	}
	return list
}
