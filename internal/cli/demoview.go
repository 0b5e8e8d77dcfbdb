package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/traffic"
)

func (a *program) demoIntroduction(world string) {
	if a.ui.json {
		return
	}
	a.ui.say(title("Cartouche: a certificate is renewed"), faint(" in the simulated world "+world))
	a.ui.say(faint("Real: TLS, the proxy, the Azure SDK, the rotation. Simulated: Azure and ArcGIS, " +
		fmt.Sprint(demoScale) + " times faster."))
}

// chapter begins a part of the story.
func (d *stagedDemo) chapter(name, subtitle string) {
	if d.ui.json {
		return
	}
	fmt.Fprintln(d.ui.out)
	d.ui.say(accent(d.ui.outStyle.glyph("━━ ", "== ")), title(name), faint("  "+subtitle))
}

func (d *stagedDemo) demoWorld(world *sim.World) {
	d.chapter("A deployment", "as Esri's Cloud Builder leaves it behind")
	if d.ui.json {
		return
	}
	first := world.Deployments()[0]
	var machines []string
	for _, machine := range first.Machines {
		machines = append(machines, machine.Name)
	}
	d.ui.fields(
		field{"site", words(title(first.URL), faint(" at "+first.PublicIP))},
		field{"version", words("ArcGIS Enterprise " + first.Version)},
		field{"machines", words(strings.Join(machines, ", "))},
		field{"gateway", words(app.LastSegment(first.GatewayID))},
	)
}

func (d *stagedDemo) demoFound(found []deployment.Deployment) {
	if d.ui.json {
		return
	}
	var rows [][]line
	now := d.env.Now()
	for _, one := range found {
		left := words(faint("unknown"))
		if end := one.NotAfter(); !end.IsZero() {
			left = words(daysLeft(end, now))
		}
		remark := ""
		if one.CannotUpdate != "" {
			remark = "cannot be updated here"
		} else if len(one.Problems) > 0 {
			remark = app.Count(len(one.Problems), "problem")
		}
		rows = append(rows, []line{words(title(app.OrDash(one.Name))), words(app.OrDash(one.Version)), words(app.OrDash(strings.Join(one.Names(), ", "))), left, words(faint(remark))})
	}
	d.ui.table([]string{"name", "version", "serves", "certificate", ""}, rows)
}

func (d *stagedDemo) demoJudgement(ready prepared) {
	if d.ui.json {
		return
	}
	certificate := ready.Plan.Certificate
	d.ui.fields(
		field{"subject", words(title(certificate.Subject))},
		field{"names", words(strings.Join(certificate.Names, ", "))},
		field{"issuer", words(certificate.Issuer)},
		field{"valid", words(app.Day(certificate.NotBefore), " to ", app.Day(certificate.NotAfter), " (", daysLeft(certificate.NotAfter, d.env.Now()), ")")},
		field{"key", words(certificate.KeyAlgorithm)},
	)
	if !ready.Plan.Refused() {
		d.ui.item(d.ui.outStyle.tick(), "key matches, in date, covers "+strings.Join(ready.Plan.Names, " and ")+", chain complete, authority known to Portal and Server")
	}
	d.ui.findings(ready.Plan.Findings)
}

func (d *stagedDemo) demoPlan(ready prepared) {
	if d.ui.json {
		return
	}
	for _, step := range ready.Plan.Steps {
		for _, change := range step.Changes {
			d.ui.item(accent(changeSign(change)), change)
		}
	}
	sign := d.ui.outStyle.tick()
	switch {
	case ready.Plan.Refused():
		sign = d.ui.outStyle.cross()
	case ready.Plan.AssumeTrusted:
		sign = caution("!")
	}
	d.ui.item(sign, ready.Plan.Trust)
	d.ui.fields(
		field{"writes", words("one, conditional, of gateway " + app.LastSegment(ready.Plan.GatewayID))},
		field{"restarts", words(good("none"))},
	)
	for _, proof := range ready.Plan.Proofs {
		d.ui.item(d.ui.outStyle.bullet(), faint("prove "), proof)
	}
	d.ui.findings(ready.Plan.Obstacles)
}

func (d *stagedDemo) demoResult(result rotation.Result, requests traffic.Result, writes, restarts int) {
	d.chapter("Result", "")
	tone, _ := toneOf(result.Outcome)
	d.ui.say(span{app.OutcomeText(result.Outcome), tone})
	if result.Outcome == rotation.Verified {
		d.ui.certificatePair(result.Before, result.After, d.env.Now())
	} else if result.After != nil {
		d.ui.fields(field{"serving", summary(*result.After, d.env.Now())})
	}
	failed := good("0 failed")
	if requests.Failed > 0 {
		failed = bad(fmt.Sprintf("%d failed", requests.Failed))
	}
	restarted := good("none")
	if restarts > 0 {
		restarted = bad(fmt.Sprint(restarts))
	}
	d.ui.fields(
		field{"traffic", words(fmt.Sprintf("%d requests sent, ", requests.Sent), failed, fmt.Sprintf(", longest gap %d ms", requests.LongestGapMs))},
		field{"proof", words(app.ProofText(result.Proof))},
		field{"gateway writes", words(fmt.Sprint(writes), faint(" (counted by the world)"))},
		field{"restarts", words(restarted, faint(" (counted by the world)"))},
		field{"took", words((time.Duration(result.Seconds*1000) * time.Millisecond).String(), faint(fmt.Sprintf(" here, some %s in the world", worldTime(result.Seconds))))},
	)
	d.ui.differences(result.NotRestored, result.Unknown)
}

func worldTime(seconds float64) string {
	return (time.Duration(seconds*demoScale) * time.Second).Round(10 * time.Second).String()
}

func (d *stagedDemo) demoEnd() {
	fmt.Fprintln(d.ui.out)
	d.ui.fields(
		field{"next", words("cartouche check your.site.example", faint("        judge what a real site serves; needs no sign-in"))},
		field{"    ", words("cartouche demo --fault wrong-leaf@edge", faint("   see how a failed proof ends"))},
		field{"    ", words("cartouche --help")},
	)
}
