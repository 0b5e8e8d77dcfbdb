package web

import (
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// rehearsalReport is what came of a rehearsal, as rehearsal.html shows it. It holds
// no secret.
type rehearsalReport struct {
	Deployment string
	At         time.Time
	Badge      pages.Badge
	// Notice says how it ended.
	Notice pages.Notice
	// Fault is what was made to go wrong, "" for nothing.
	Fault string
	// Steps and what follows are zero when the plan was refused.
	Ran           bool
	Took          time.Duration
	Scale         float64
	Steps         []rehearsedStep
	Visitors      rehearsedVisitors
	Restarts      []rehearsedRestart
	GatewayWrites int
	// About are what the plan was refused for.
	About                     []about
	Differences, NotRehearsed []string
	// Review is where one goes on.
	Review string
	era    int
}

type rehearsedStep struct {
	State, Word, Title string
	Took               time.Duration
}

type rehearsedVisitors struct {
	Sent, Failed int
	Gap          time.Duration
	Failures     []string
}

type rehearsedRestart struct {
	Machine string
	Times   int
	Away    time.Duration
}

// rehearsedOutcomes say how a rehearsal ended: of the certificate that clients see,
// and of those of machines.
var rehearsedOutcomes = map[rotation.Outcome]struct{ kind, title, clients, machines string }{
	rotation.Verified:       {"success", "It went well", "In the copy every endpoint serves the new certificate, and that was proved.", "In the copy every machine serves its new certificate, and that was proved."},
	rotation.NothingToDo:    {"success", "There was nothing to do", "In the copy every endpoint serves this certificate already, and that was proved.", "In the copy every machine serves its certificate already, and that was proved."},
	rotation.Unchanged:      {"warning", "It ended before anything was changed", "In the copy clients are served the certificate from before.", "In the copy the machines serve their certificates from before."},
	rotation.Restored:       {"warning", "It failed, and went back", "In the copy the certificate from before is served again, and that was proved.", "In the copy the machines serve their certificates from before again, and that was proved."},
	rotation.PartlyRestored: {"error", "It failed, and not everything is as it was", "In the copy something stays that somebody would have to mend.", "In the copy something stays that somebody would have to mend."},
	rotation.NotKnown:       {"error", "It failed, and nobody can say whether everything is as it was", "In the copy somebody would have to look.", "In the copy somebody would have to look."},
}

// reportOf makes a report fit to be shown.
func reportOf(p *rehearse.Played, begun rehearsing, era int, now time.Time) rehearsalReport {
	report := rehearsalReport{
		Deployment: p.Deployment, At: now, Review: begun.review, era: era, Fault: faultTitle(begun.asked.Faults),
		Ran: p.Outcome != "", Took: rehearse.Roughly(p.Seconds), Scale: p.Scale, GatewayWrites: p.GatewayWrites,
		Visitors:    rehearsedVisitors{p.Visitors.Sent, p.Visitors.Failed, rehearse.Roughly(p.Visitors.GapSeconds), p.Visitors.Failures},
		Differences: inPages(p.Differences), NotRehearsed: inPages(p.NotRehearsed), Badge: outcomeBadge(string(p.Outcome), false),
	}
	for _, step := range p.Steps {
		shown := rehearsedStep{State: "done", Word: "done", Title: pages.Capital(step.Title), Took: rehearse.Roughly(step.Seconds)}
		if step.Outcome != "done" {
			shown.State, shown.Word = "failed", "failed"
		}
		report.Steps = append(report.Steps, shown)
	}
	for _, one := range p.Restarts {
		report.Restarts = append(report.Restarts, rehearsedRestart{one.Machine, one.Times, rehearse.Roughly(one.Seconds)})
	}
	report.Notice = noticeOf(p, report.Ran)
	if !report.Ran {
		report.Badge = pages.Badge{Kind: "gone", Text: "refused"}
		report.About = refusedIn(p.Plan)
	}
	if len(p.Violations) > 0 {
		report.Badge = pages.Badge{Kind: "gone", Text: "must never happen"}
	}
	return report
}

// inPages says texts in the words of the pages.
func inPages(texts []string) (list []string) {
	for _, text := range texts {
		list = append(list, pages.Sentences(pages.InPages(text)))
	}
	return list
}

// noticeOf says how a rehearsal ended.
func noticeOf(p *rehearse.Played, ran bool) pages.Notice {
	said, known := rehearsedOutcomes[p.Outcome]
	notice := pages.Notice{Kind: said.kind, Title: said.title, Text: said.clients}
	switch {
	case len(p.Violations) > 0:
		return pages.Notice{Kind: "error", Title: "Something happened that must never happen", List: inPages(p.Violations),
			Next: []string{"Do not go on with it. Please report it, with the shape of the deployment, its names masked: its page saves that."}}
	case !ran:
		notice = pages.Notice{Kind: "error", Title: "The plan would be refused", Text: "What is in the way stands below."}
	case !known:
		notice = pages.Notice{Kind: "warning", Title: "It ended otherwise than it should"}
	case p.Replacement != nil:
		notice.Text = said.machines
	}
	if p.Failure != nil && ran {
		notice.Next = append(notice.Next, pages.Sentences("why: "+pages.InPages(strings.TrimPrefix(p.Failure.Message, "in the rehearsal: "))))
	}
	return notice
}

// refusedIn are what a plan was refused for, worst first.
func refusedIn(plan any) []about {
	var list []pki.Findings
	switch plan := plan.(type) {
	case rotation.Plan:
		list = []pki.Findings{plan.Findings, plan.Obstacles}
	case rollout.Plan:
		list = []pki.Findings{plan.Findings, plan.Obstacles}
	}
	shown := abouts(slices.Concat(list...))
	slices.SortStableFunc(shown, func(a, b about) int { return a.rank - b.rank })
	for i := range shown {
		shown[i].Here = "" // this page is none of the wizard
	}
	return shown
}

// faultTitle says for people what was made to go wrong, of which pages let one thing
// be chosen.
func faultTitle(faults []ground.Fault) string {
	if len(faults) == 0 {
		return ""
	}
	fault := faults[0]
	for _, l := range slices.Concat(lessons, lessonsAtMachines) {
		if l.Name == fault.Name && l.Step == fault.Step {
			return l.Title
		}
	}
	return fault.Name + " at " + fault.Step + ": " + whatHappens(fault)
}
