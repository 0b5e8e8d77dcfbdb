package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// machinesPlan is a plan for the certificates of machines, as pages show it.
type machinesPlan struct {
	Deployment string
	Facts      []fact
	Ports      []machinePort
	Steps      []reviewedStep
	// Downtime says what nobody can use meanwhile; Quiet that nobody notices.
	Downtime []string
	Quiet    bool
	Logins   []loginUse
	About    []about
	Rights   []right
	// Ready tells that it may be carried out, Nothing that there is nothing to do.
	Ready, Nothing bool
	// Changes are the machines whose certificates change, Restarts how many ports
	// go down and come back.
	Changes, Restarts int
}

// machinePort is one port whose certificate changes.
type machinePort struct {
	Machine, What, Port, New, How string
	Replaces                      *pages.Badge
	Served, Restarts              bool
}

// machinesPlanOf makes a plan fit to be shown.
func machinesPlanOf(ready *app.Replacement) machinesPlan {
	p, state := ready.Plan, ready.State
	v := machinesPlan{
		Deployment: p.Deployment, Downtime: p.Downtime, Ready: ready.Failure() == nil, Nothing: p.NothingToDo(),
		Changes: len(app.MachinesIn(p)), Restarts: app.RestartsIn(p),
		About: append(abouts(p.Findings), abouts(p.Obstacles)...), Rights: rights(p.Operations), Logins: loginsAtMachines(ready),
	}
	v.Quiet = len(p.Downtime) == 0 && v.Changes > 0
	for i := range v.About {
		v.About[i].Here = "" // the pages of a renewal are not these
	}
	slices.SortStableFunc(v.About, func(a, b about) int { return a.rank - b.rank })
	authority := ""
	if p.Authority != nil {
		authority = p.Authority.Subject + ", until " + pages.Day(p.Authority.NotAfter)
	}
	for _, f := range []fact{
		{"The certificates come from", app.SourceText(p.Source)},
		{"Issued by", authority},
		{"Who sees the private keys", p.Key},
		{"Entry in the keystores", p.Alias},
		{"How the machines are reached", pages.Capital(ready.Access.Why)},
	} {
		if f.Text != "" {
			v.Facts = append(v.Facts, f)
		}
	}
	for _, port := range p.Ports {
		shown := machinePort{
			Machine: port.Machine, What: port.Product.Name(), Port: strconv.Itoa(port.Port), Served: port.Served,
			How: app.HowText(port), Restarts: port.Restarts && !port.Served, New: "until " + pages.Day(port.NotAfter),
		}
		if port.Role != "" {
			shown.What += ", " + port.Role
		}
		if port.NotAfter.IsZero() {
			shown.New = app.FollowedText(port.Product)
		}
		if port.Before != "" {
			days := pki.DaysUntil(port.BeforeUntil, state.At)
			shown.Replaces = &pages.Badge{Kind: pages.UrgencyOf(days), Text: pages.Days(days)}
		}
		v.Ports = append(v.Ports, shown)
	}
	v.Steps = stepsAtMachines(p)
	return v
}

// stepsAtMachines are the steps of a plan; the turns of the machines are one.
func stepsAtMachines(p rollout.Plan) (list []reviewedStep) {
	turns := -1 // where the turns are
	for _, step := range p.Steps {
		if step.Kind != rollout.StepSwitch {
			turns = -1
		}
		if turns >= 0 {
			list[turns].turn(step)
			continue
		}
		shown := reviewedStep{Title: pages.Capital(step.Title), Undo: step.Undo, Writes: len(step.Touches) > 0}
		if len(step.Touches) == 1 {
			shown.Touches = app.LastSegment(step.Touches[0])
		} else if len(step.Touches) > 1 {
			shown.Touches = app.Count(len(step.Touches), "machine")
		}
		if step.Kind == rollout.StepProve {
			shown.Proofs = p.Proofs
		}
		list = append(list, shown)
		last := &list[len(list)-1]
		if step.Kind == rollout.StepSwitch {
			turns = len(list) - 1
			last.Title, last.Touches = "One after the other: each is proved before the next has its turn", ""
			last.Undo = "each goes back to the entry that it had, newest first, when a proof fails"
			last.turn(step)
			continue
		}
		last.Restarts = step.Restarts
		for _, text := range step.Changes {
			last.Changes = append(last.Changes, changeOf(text))
		}
	}
	return list
}

// turn adds the turn of a machine.
func (s *reviewedStep) turn(step rollout.Step) {
	s.Restarts = append(s.Restarts, step.Restarts...)
	s.Changes = append(s.Changes, change{"→", "changes", step.Title + ": " + strings.Join(step.Changes, "; ")})
}

// loginsAtMachines say what each login is used for.
func loginsAtMachines(ready *app.Replacement) []loginUse {
	given := ready.Runner.Rotation.Credentials
	uses := []loginUse{{"Site administrator " + given.SiteAdmin, "ok",
		"Signs in at the machines. Its password goes to a machine only when that shows a certificate that the gateway, or an authority you named, vouches for."}}
	switch account := given.ServiceAccount; {
	case ready.Plan.Way == reach.Direct && account != "":
		uses = append(uses, loginUse{"Service account " + account, "unknown", "Given and not used: no program runs on a machine."})
	case ready.Plan.Way == reach.Direct:
		uses = append(uses, loginUse{"Service account", "unknown", "Not needed: no program runs on a machine."})
	case account != "":
		uses = append(uses, loginUse{"Service account " + account, "ok", "The program on the machines runs as it."})
	default:
		uses = append(uses, loginUse{"Service account", "unknown", "Not given, so the program on the machines runs as SYSTEM or root."})
	}
	return uses
}
