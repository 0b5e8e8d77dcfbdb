package cli

import (
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

// played shows what came of a rehearsal and turns it into an exit status.
func (a *program) played(p *rehearse.Played, options rollOutOptions) error {
	if a.ui.json {
		return answer(a.ui, p.Rehearsal, p.Failure)
	}
	switch refused := p.Outcome == ""; {
	case refused && p.Replacement != nil:
		a.ui.internalPlan(p.Replacement)
	case refused:
		a.ui.plan(&prepared{p.Renewal, options})
	}
	a.ui.rehearsal(p)
	if p.Failure != nil {
		return p.Failure
	}
	fmt.Fprintln(a.ui.out)
	a.ui.advice(a.ui.out, a.ui.outStyle, 0, "the deployment was not touched; for the real thing: ", p.Next)
	return nil
}

func (u *ui) rehearsal(value *rehearse.Played) {
	fmt.Fprintln(u.out)
	u.say(title("Rehearsal of "+value.Deployment), faint("  in a world made of it; the deployment itself was only read"))
	if value.Outcome != "" {
		text := app.OutcomeText(value.Outcome)
		if value.Replacement != nil {
			text = app.MachinesOutcomeText(value.Outcome)
		}
		tone, _ := toneOf(value.Outcome)
		u.say(span{text, tone})
		u.heading("Steps")
		var rows [][]line
		for _, step := range value.Steps {
			sign := u.outStyle.tick()
			if step.Outcome != "done" {
				sign = u.outStyle.cross()
			}
			rows = append(rows, []line{{sign}, words(step.Title), words(about(step.Seconds))})
		}
		u.table([]string{"", "step", "takes"}, rows)
		u.heading("What it costs")
		restarts := good("none")
		if len(value.Restarts) > 0 {
			var list []string
			for _, one := range value.Restarts {
				list = append(list, fmt.Sprintf("%s (%d, away %s)", one.Machine, one.Times, about(one.Seconds)))
			}
			restarts = caution(strings.Join(list, ", "))
		}
		visitors := words(good("no request failed"), faint(fmt.Sprintf(" of %d", value.Visitors.Sent)))
		if value.Visitors.Failed > 0 {
			visitors = words(bad(fmt.Sprintf("%d of %d requests failed", value.Visitors.Failed, value.Visitors.Sent)), fmt.Sprintf(", the longest gap %s", about(value.Visitors.GapSeconds)))
		}
		u.fields(
			field{"visitors", visitors},
			field{"restarts", line{restarts}},
			field{"gateway writes", words(fmt.Sprint(value.GatewayWrites))},
			field{"takes", words(about(value.Seconds), faint(fmt.Sprintf(" in the world, whose time goes %g times as fast as ours", value.Scale)))},
		)
	}
	list := func(heading string, sign span, items []string) {
		if len(items) == 0 {
			return
		}
		u.heading(heading)
		for _, item := range items {
			u.item(sign, item)
		}
	}
	list("What must never happen, and did", u.outStyle.cross(), value.Violations)
	list("Where the deployment is another than its copy", caution("!"), value.Differences)
	list("Not rehearsed", u.outStyle.bullet(), value.NotRehearsed)
	if value.Saved != "" {
		u.fields(field{"shape", words(value.Saved)})
	}
}

// about is a time as exactly as a world tells it.
func about(seconds float64) string {
	if seconds < 1 {
		return "a moment"
	}
	text := rehearse.Roughly(seconds).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return "about " + text
}

// shapeValue is the JSON of `rehearse --save` alone.
type shapeValue struct {
	Deployment string   `json:"deployment"`
	Saved      string   `json:"saved"`
	Masked     bool     `json:"masked"`
	LeftOut    []string `json:"leftOut"`
	Unread     []string `json:"unread"`
}

// onlySaved is the answer when nothing was to be rolled out.
func (a *program) onlySaved(s shape.Shape, options rehearseOptions) error {
	value := shapeValue{Deployment: s.Deployment.Name, Saved: options.save, Masked: options.mask, LeftOut: append([]string{}, s.LeftOut...), Unread: append([]string{}, s.Unread...)}
	if a.ui.json {
		return a.ui.value(value)
	}
	a.ui.say(good("the shape of "+s.Deployment.Name+" is in "+options.save), faint("  nothing was changed, and it holds no secret"))
	for _, left := range value.LeftOut {
		a.ui.item(a.ui.outStyle.bullet(), "left out, since it may be secret: ", left)
	}
	for _, unread := range value.Unread {
		a.ui.item(caution("!"), "not read: ", unread)
	}
	next := "cartouche rehearse --from " + app.Quote(options.save)
	if !options.mask {
		next += " --pfx FILE"
	}
	a.ui.advice(a.ui.out, a.ui.outStyle, 0, "rehearse with it: ", next)
	return nil
}
