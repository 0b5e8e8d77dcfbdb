package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// internalPlan shows what will become of the certificates of the machines.
func (u *ui) internalPlan(ready *app.Replacement) {
	p := ready.Plan
	if p.UndoOf != "" {
		u.say(title("Take back run "+p.UndoOf), faint("  the certificates of the machines of "+p.Deployment))
	} else {
		u.say(title("Plan for "+p.Deployment), faint("  the certificates of its machines"))
	}
	list := []field{{"from", words(app.SourceText(p.Source))}}
	if p.Authority != nil {
		list = append(list, field{"authority", words(p.Authority.Subject, ", until "+app.Day(p.Authority.NotAfter))})
	}
	list = append(list,
		field{"key", words(p.Key)}, field{"alias", words(p.Alias)}, field{"machines", words(ready.Access.Why)},
		field{"needs", words(rightsNeeded(p.Operations), faint(" (--json names each)"))},
	)
	u.fields(list...)
	u.ports(p.Ports, ready.State.At)
	for i := 0; i < len(p.Steps); i++ {
		switch step := p.Steps[i]; step.Kind {
		case rollout.StepPrepare:
			u.prepareStep(step, p)
		case rollout.StepSwitch:
			last := i
			for last+1 < len(p.Steps) && p.Steps[last+1].Kind == rollout.StepSwitch {
				last++
			}
			u.switchSteps(p.Steps[i:last+1], p.UndoOf != "")
			i = last
		default:
			u.internalStep(step, p)
		}
	}
	if len(p.Downtime) > 0 {
		u.heading("Who notices")
		for _, sentence := range p.Downtime {
			u.item(caution("!"), sentence)
		}
	}
	u.internalLogins(ready)
	if len(p.Findings) > 0 {
		u.heading("About the certificates")
		u.findings(p.Findings)
	}
	if len(p.Obstacles) > 0 {
		u.heading("About the deployment")
		u.findings(p.Obstacles)
	}
}

// ports shows the certificates that change, in the order in which they do.
func (u *ui) ports(ports []rollout.Port, now time.Time) {
	if len(ports) == 0 {
		return
	}
	u.heading("Certificates, in this order")
	rows := make([][]line, len(ports))
	for i, port := range ports {
		replaces := words("-")
		if port.Before != "" {
			replaces = words(daysLeft(port.BeforeUntil, now))
		}
		becomes := words("until " + app.Day(port.NotAfter))
		if port.Served {
			becomes = words(u.outStyle.tick(), " served already")
		} else if port.NotAfter.IsZero() {
			becomes = words(app.FollowedText(port.Product))
		}
		rows[i] = []line{
			words(port.Machine), words(nameOf(port.Product, port.Role)), words(fmt.Sprint(port.Port)), replaces, becomes, words(app.HowText(port)),
		}
	}
	u.table([]string{"machine", "what", "port", "replaces", "new", "how"}, rows)
}

// nameOf names a product, and which of a portal's machines it is on.
func nameOf(product machine.Product, role string) string {
	return roleOf(machine.Seen{Component: machine.Component{Product: product}, Role: role})
}

// internalStep shows a step of the plan.
func (u *ui) internalStep(step rollout.Step, p rollout.Plan) {
	u.heading(upperFirst(step.Title))
	for _, change := range step.Changes {
		u.item(accent(changeSign(change)), change)
	}
	if step.Kind == rollout.StepProve {
		for _, proof := range p.Proofs {
			u.item(u.outStyle.bullet(), proof)
		}
	}
	restarts := words(good("none"))
	if len(step.Restarts) > 0 {
		restarts = words(caution(strings.Join(step.Restarts, ", ")))
	}
	if len(step.Touches) == 0 {
		restarts = nil
	}
	u.fields(field{"touches", words(shortList(step.Touches))}, field{"restarts", restarts}, field{"undo", words(step.Undo)})
}

// prepareStep shows what every machine gets, without a row for each.
func (u *ui) prepareStep(step rollout.Step, p rollout.Plan) {
	u.heading(upperFirst(step.Title))
	trusting, installing := map[string][]string{}, map[string][]string{}
	for _, trust := range p.Trusts {
		trusting[trust.Alias] = append(trusting[trust.Alias], trust.Machine)
	}
	for _, port := range p.Ports {
		if port.How == rollout.ByAlias && !port.Installed && !port.Served {
			installing[port.Alias] = append(installing[port.Alias], port.Machine)
		}
	}
	for _, alias := range slices.Sorted(maps.Keys(trusting)) {
		u.item(accent("+"), "trust ", alias, faint(": "+strings.Join(trusting[alias], ", ")))
	}
	for _, alias := range slices.Sorted(maps.Keys(installing)) {
		u.item(accent("+"), "install ", alias, faint(": "+strings.Join(installing[alias], ", ")))
	}
	u.fields(field{"restarts", words(good("none"))}, field{"undo", words(step.Undo)})
}

// switchSteps shows the turns of the machines, one line each: how a port
// changes stands in the table.
func (u *ui) switchSteps(steps []rollout.Step, back bool) {
	text := "One after the other: each is proved before the next has its turn"
	if back {
		text = "Back, one after the other: each is proved before the next has its turn"
	}
	u.heading(text)
	for _, step := range steps {
		u.item(accent("~"), step.Title, faint(": "+strings.Join(step.Changes, "; ")))
	}
	var restarts []string
	for _, step := range steps {
		restarts = append(restarts, step.Restarts...)
	}
	line := words(good("none"))
	if len(restarts) > 0 {
		line = words(caution(fmt.Sprintf("%d, one at a time", len(restarts))))
	}
	u.fields(field{"restarts", line}, field{"undo", words("each goes back to the entry that it had, newest first, when a proof fails")})
}

// shortList is a list of resources, by the ends of their ids.
func shortList(list []string) string {
	short := make([]string, len(list))
	for i, item := range list {
		short[i] = app.LastSegment(item)
	}
	return strings.Join(short, ", ")
}

// internalLogins says which login is used for what.
func (u *ui) internalLogins(ready *app.Replacement) {
	u.heading("Logins")
	credentials := ready.Runner.Rotation.Credentials
	u.item(u.outStyle.bullet(), fmt.Sprintf("site administrator %s: signs in at the machines; its password goes to a machine only when that shows a certificate that the gateway, or --machine-ca, trusts", credentials.SiteAdmin))
	switch {
	case credentials.ServiceAccount == "":
		u.item(u.outStyle.bullet(), "service account: not given")
	case ready.Plan.Way == "direct":
		u.item(u.outStyle.bullet(), fmt.Sprintf("service account %s: given and not used, since no program runs on a machine", credentials.ServiceAccount))
	default:
		u.item(u.outStyle.bullet(), fmt.Sprintf("service account %s: the program on the machines runs as it", credentials.ServiceAccount))
	}
}

// nextInternal says the command that carries the plan out.
func (u *ui) nextInternal(ready *preparedInternal, save string) {
	options := ready.options
	command := "cartouche apply " + app.CallDeployment(ready.State.Deployment) + options.words()
	if save != "" {
		command = "cartouche apply --plan " + app.Quote(save) + options.internal.words() + options.reach.words() + options.site.words() + options.azure.words()
	}
	fmt.Fprintln(u.out)
	u.advice(u.out, u.outStyle, 0, "nothing was changed; next: ", command)
}

// internalResult shows what a run at machines did and what came of it.
func (u *ui) internalResult(result rollout.Result, name string, now time.Time) {
	fmt.Fprintln(u.out)
	tone, known := toneOf(result.Outcome)
	if !known {
		tone = toneBad
	}
	u.say(span{app.Undone(result.Outcome, result.UndoOf, app.MachinesOutcomeText(result.Outcome)), tone})
	rows := make([][]line, len(result.Machines))
	for i, m := range result.Machines {
		rows[i] = []line{
			words(m.Machine), words(nameOf(m.Product, "")), words(fmt.Sprint(m.Port)),
			words(app.OrDash(brief(m.Before, u.outStyle))), words(app.OrDash(brief(m.After, u.outStyle))), u.changedLine(m),
		}
	}
	if len(rows) > 0 {
		u.table([]string{"machine", "what", "port", "before", "now", ""}, rows)
	}
	for _, m := range result.Machines {
		if m.Trouble != "" {
			u.item(u.outStyle.cross(), m.Machine, faint(fmt.Sprintf(":%d: ", m.Port)), m.Trouble)
		}
	}
	u.differences(result.NotRestored, result.Unknown)
	for _, what := range result.Left {
		u.item(caution("!"), what)
	}
	u.unclaimed(result.Unclaimed, name)
	u.fields(
		field{"federation", words(validatedText(result.Federation, "server"))},
		field{"data stores", words(validatedText(result.Stores, "data store"))},
		field{"gateway writes", words(fmt.Sprint(result.GatewayWrites))},
		field{"restarts", words(fmt.Sprint(result.Restarts))},
		field{"removed", words(strings.Join(result.Removed, ", "))},
		field{"took", words((time.Duration(result.Seconds*1000) * time.Millisecond).String())},
		field{"run", words(result.RunID)},
	)
	if result.Outcome == rotation.Verified && result.RunID != "" {
		u.advice(u.out, u.outStyle, 0, "after a week, when all is well: ", "cartouche clean "+name+" --internal")
		u.advice(u.out, u.outStyle, 0, "to go back: ", "cartouche undo "+result.RunID)
	}
}

// changedLine says how a port is at the end of a run.
func (u *ui) changedLine(m rollout.Changed) line {
	var l line
	switch m.State {
	case "new":
		l = words(u.outStyle.tick(), " new")
	case "old":
		l = words("as before")
	default:
		l = words(caution(m.State))
	}
	if m.Restarted > 0 {
		l = append(l, words(faint(", "+app.Count(m.Restarted, "restart")+", "+(time.Duration(m.Seconds)*time.Second).String()))...)
	}
	return l
}

// validatedText counts validations and names those that did not succeed.
func validatedText(list []machine.Validated, noun string) string {
	if len(list) == 0 {
		return ""
	}
	var wrong []string
	for _, v := range list {
		if !strings.HasPrefix(v.Status, "success") {
			wrong = append(wrong, v.Name+": "+v.Status)
		}
	}
	text := app.Count(len(list), noun) + " validated"
	if len(wrong) > 0 {
		text += "; " + strings.Join(wrong, "; ")
	}
	return text
}
