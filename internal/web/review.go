package web

import (
	"maps"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// reviewed is a plan as the review shows it.
type reviewed struct {
	Deployment string
	Names      []string
	Compare    comparison
	Facts      []fact
	Steps      []reviewedStep
	Logins     []loginUse
	// About are what is to be said of certificate and deployment, worst first.
	About []about
	// Ready tells that it may be carried out, Nothing that there is nothing to do.
	Ready, Nothing bool
	// Restarts are the machines that restart in some step.
	Restarts []string
	Rights   []right
	// Hash is the plan's own: what is confirmed must be what was shown.
	Hash string
}

// fact is a line of a description list.
type fact struct{ Label, Text string }

// reviewedStep is one step of the plan.
type reviewedStep struct {
	Title, Touches, Undo string
	Changes              []change
	Proofs               []string
	Restarts             []string
	// Writes tells that the step changes something.
	Writes bool
}

// change is one line of a step; Sign marks additions, removals, what stays and
// what moves, Word says it.
type change struct{ Sign, Word, Text string }

// loginUse says what a login is used for. Kind is that of a badge.
type loginUse struct{ Who, Kind, Text string }

// right is something that Azure must permit, once for each resource.
type right struct {
	Resource string
	Actions  []string
}

// review makes a plan fit to be shown.
func review(p rotation.Plan, state rotation.State, logins wizard.Logins, machines string) reviewed {
	v := reviewed{
		Deployment: p.Deployment, Names: p.Names, Hash: p.Hash,
		Compare: compare(p.Serving, &p.Certificate, state.At),
		Ready:   !p.Refused() && !p.Blocked(), Nothing: p.NothingToDo(),
		About:  append(abouts(p.Findings), abouts(p.Obstacles)...),
		Logins: loginUses(p, state, logins),
		Rights: rights(p.Operations),
	}
	gateway := app.LastSegment(p.GatewayID)
	if state.Gateway != nil {
		gateway += " in " + state.Gateway.ResourceGroup()
	}
	key := p.Key
	if p.NothingToDo() {
		key = "" // it goes nowhere
	}
	for _, f := range []fact{
		{"The certificate comes from", p.Source},
		{"Its private key", key},
		{"Why Portal and Server will trust it", p.Trust},
		{"Machines", machines},
		{"Gateway", gateway},
	} {
		if f.Text != "" {
			v.Facts = append(v.Facts, f)
		}
	}
	slices.SortStableFunc(v.About, func(a, b about) int { return a.rank - b.rank })
	for _, step := range p.Steps {
		shown := reviewedStep{Title: pages.Capital(step.Title), Touches: app.LastSegment(step.Touches), Undo: step.Undo, Restarts: step.Restarts, Writes: step.Touches != "" || step.Kind == rotation.StepTrust || step.Kind == rotation.StepPin}
		for _, text := range step.Changes {
			shown.Changes = append(shown.Changes, changeOf(text))
		}
		if step.Kind == rotation.StepProve {
			shown.Proofs = p.Proofs
		}
		v.Restarts = append(v.Restarts, step.Restarts...)
		v.Steps = append(v.Steps, shown)
	}
	return v
}

// changeOf marks a change by how it begins.
func changeOf(text string) change {
	switch {
	case strings.HasPrefix(text, "add "):
		return change{"+", "new", text}
	case strings.HasPrefix(text, "keep "), strings.Contains(text, " stays at "):
		return change{"=", "stays", text}
	case strings.HasPrefix(text, "remove "):
		return change{"−", "goes", text}
	}
	return change{"→", "changes", text}
}

// loginUses say what each login is used for, so that nobody wonders what a
// password was asked for.
func loginUses(p rotation.Plan, state rotation.State, logins wizard.Logins) []loginUse {
	var uses []loginUse
	switch {
	case state.Sites.PortalURL == "":
		uses = append(uses, loginUse{"Site administrator", "unknown", "Not needed: there is no Portal."})
	case state.Sites.SignedIn:
		uses = append(uses, loginUse{"Site administrator " + logins.SiteAdmin, "ok",
			"Accepted by Portal. It is used to validate " + federated(len(state.Sites.Federation)) + " before and after."})
	case logins.WithoutPortal:
		uses = append(uses, loginUse{"Site administrator", "soon", "Left out, as you chose: federation is not validated."})
	default:
		uses = append(uses, loginUse{"Site administrator " + logins.SiteAdmin, "urgent", "Not signed in."})
	}
	account := logins.ServiceAccount
	switch {
	case p.Way == reach.Agent && account != "":
		return append(uses, loginUse{"Service account " + account, "ok", "The program on the machines runs as it."})
	case p.Way == reach.Agent:
		return append(uses, loginUse{"Service account", "unknown", "Not given, so the program on the machines runs as SYSTEM or root."})
	case p.Way == reach.DSC:
		return append(uses, loginUse{"Service account " + account, "ok", "The machines’ own DSC works as it."})
	case account != "":
		return append(uses, loginUse{"Service account " + account, "unknown", "Given and not used: no step runs on a machine."})
	}
	return append(uses, loginUse{"Service account", "unknown", "Not needed: no step runs on a machine."})
}

func federated(servers int) string {
	if servers == 0 {
		return "Portal"
	}
	return "the " + app.Count(servers, "federated server")
}

// rights lists what Azure must permit, by resource.
func rights(operations []rotation.Operation) []right {
	byScope := map[string][]string{}
	for _, o := range operations {
		if !slices.Contains(byScope[o.Scope], o.Action) {
			byScope[o.Scope] = append(byScope[o.Scope], o.Action)
		}
	}
	var list []right
	for _, scope := range slices.Sorted(maps.Keys(byScope)) {
		list = append(list, right{scope, byScope[scope]})
	}
	return list
}
