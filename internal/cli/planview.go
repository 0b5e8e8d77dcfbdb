package cli

import (
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// plan shows a prepared rotation: what changes, what it touches, what restarts,
// what will be proved, and what speaks against it.
func (u *ui) plan(ready *prepared) {
	p := ready.Plan
	u.say(title("Plan for "+p.Deployment), faint("  "+strings.Join(p.Names, ", ")))
	u.planCertificates(p, ready)
	for _, step := range p.Steps {
		u.step(step, p)
	}
	u.logins(ready)
	if len(p.Findings) > 0 {
		u.heading("About the certificate")
		u.findings(p.Findings)
	}
	if len(p.Obstacles) > 0 {
		u.heading("About the deployment")
		u.findings(p.Obstacles)
	}
}

func (u *ui) planCertificates(p rotation.Plan, ready *prepared) {
	now := ready.State.At
	list := []field{{"new", summary(p.Certificate, now)}, {"", words(faint("issued by "), p.Certificate.Issuer)}}
	if p.Serving != nil {
		list = append(list, field{"replaces", summary(*p.Serving, now)})
	}
	list = append(list, field{"trust", words(p.Trust)}, field{"machines", words(machinesText(ready))}, field{"from", words(p.Source)}, field{"key", words(p.Key)}, field{"gateway", words(app.LastSegment(p.GatewayID), faint(" in "+ready.State.Gateway.ResourceGroup()))},
		field{"needs", words(rightsNeeded(p.Operations), faint(" (--json names each)"))})
	u.fields(list...)
}

// machinesText says how the machines are reached, or why they need not be.
func machinesText(ready *prepared) string {
	switch d := ready.State.Deployment; {
	case ready.Access.Way != nil:
		return ready.Access.Why
	case ready.Access.Why != "":
		return "not looked at: " + ready.Access.Why
	case d.Generation == deployment.Plain:
		return ""
	}
	return "not looked at, since nothing on them depends on it; to refresh the entry in which Cloud Builder pins this certificate: --reach agent, or --reach direct"
}

// rightsNeeded says how much Azure must permit the account to do.
func rightsNeeded(operations []rotation.Operation) string {
	resources := map[string]bool{}
	for _, operation := range operations {
		resources[strings.ToLower(operation.Scope)] = true
	}
	return fmt.Sprintf("the right to %s on %s", app.Count(len(operations), "operation"), app.Count(len(resources), "resource"))
}

func (u *ui) step(step rotation.Step, p rotation.Plan) {
	u.heading(upperFirst(step.Title))
	for _, change := range step.Changes {
		u.item(accent(changeSign(change)), change)
	}
	if step.Kind == rotation.StepProve {
		for _, proof := range p.Proofs {
			u.item(u.outStyle.bullet(), proof)
		}
	}
	restarts := words(good("none"))
	if len(step.Restarts) > 0 {
		restarts = words(caution(strings.Join(step.Restarts, ", ")))
	}
	if step.Kind == rotation.StepTrust || step.Kind == rotation.StepPin {
		u.fields(field{"restarts", restarts}, field{"undo", words(step.Undo)})
		return
	}
	if step.Touches != "" {
		u.fields(field{"touches", words(step.Touches)}, field{"restarts", restarts}, field{"undo", words(step.Undo)})
		return
	}
	u.fields(field{"otherwise", words(step.Undo)})
}

// changeSign marks additions, and moves.
func changeSign(change string) string {
	switch {
	case strings.HasPrefix(change, "add "):
		return "+"
	case strings.HasPrefix(change, "keep "), strings.Contains(change, " stays at "):
		return "="
	case strings.HasPrefix(change, "remove "):
		return "-"
	}
	return "~"
}

// logins says which login is used for what, so that nobody wonders what a
// password was asked for.
func (u *ui) logins(ready *prepared) {
	u.heading("Logins")
	sites := ready.State.Sites
	switch {
	case sites.PortalURL == "":
		u.item(u.outStyle.bullet(), "site administrator: not needed, there is no Portal")
	case sites.SignedIn:
		u.item(u.outStyle.tick(), fmt.Sprintf("site administrator %s: accepted by Portal; used to validate its %s before and after",
			ready.Credentials.SiteAdmin, app.Count(len(sites.Federation), "federated server")))
	case ready.options.site.withoutPortal:
		u.item(caution("!"), "site administrator: left out (--without-portal), so federation is not validated")
	default:
		u.item(u.outStyle.cross(), fmt.Sprintf("site administrator %s: not signed in", ready.Credentials.SiteAdmin))
	}
	switch account := ready.Credentials.ServiceAccount; {
	case ready.Plan.Way == reach.Agent && account != "":
		u.item(u.outStyle.bullet(), fmt.Sprintf("service account %s: the program on the machines runs as it", account))
		return
	case ready.Plan.Way == reach.Agent:
		u.item(u.outStyle.bullet(), "service account: not given, so the program on the machines runs as SYSTEM or root")
		return
	case ready.Plan.Way == reach.DSC:
		u.item(u.outStyle.bullet(), fmt.Sprintf("service account %s: the machines' DSC works as it", account))
		return
	case account != "":
		u.item(u.outStyle.bullet(), fmt.Sprintf("service account %s: given and not used, since no step runs on a machine", ready.Credentials.ServiceAccount))
		return
	}
	u.item(u.outStyle.bullet(), "service account: not needed, since no step runs on a machine")
}

// next says the command that carries the plan out.
func (u *ui) next(ready *prepared, options rollOutOptions, save string) {
	command := "cartouche apply " + app.CallDeployment(ready.State.Deployment) + options.words()
	if save != "" {
		command = "cartouche apply --plan " + app.Quote(save) + flagWord("password-file", options.pfx.passwordFile) +
			options.site.words() + options.azure.words()
	}
	fmt.Fprintln(u.out)
	u.advice(u.out, u.outStyle, 0, "nothing was changed; next: ", command)
}
