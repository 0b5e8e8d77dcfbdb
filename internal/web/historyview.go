package web

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// runsOnPage is how many runs a page of the history shows.
const runsOnPage = 50

// historyView is what the page of the history shows.
type historyView struct {
	Total, Matching int
	// Deployment is the PathID of the one whose runs are shown, "" for all.
	Deployment  string
	Deployments []listOption
	Rows        []historyRow
	Pager       pages.Pager
	CutOff      bool // a run shown here was cut off
}

type historyRow struct {
	ID                       string
	At                       time.Time
	Took                     time.Duration // 0 when that is not known
	Deployment, DeploymentID string
	What, Of                 string
	Badge                    pages.Badge
	By                       string
	cutOff                   bool
}

// pathOfRun is how the deployment of a run is called in a path.
func pathOfRun(run journal.Run) string {
	return PathID(deployment.Deployment{GatewayID: run.GatewayID, ID: run.DeploymentID})
}

// historyOf is the history for an address. runs are their heads, newest first;
// row makes the row of one.
func historyOf(runs []journal.Run, query url.Values, row func(journal.Run) historyRow) historyView {
	view := historyView{Total: len(runs), Deployment: query.Get("deployment")}
	known := map[string]bool{}
	var wanted []journal.Run
	for _, run := range runs {
		path := pathOfRun(run)
		if !known[path] {
			known[path] = true
			view.Deployments = append(view.Deployments, listOption{path, run.DeploymentName})
		}
		if view.Deployment == "" || view.Deployment == path {
			wanted = append(wanted, run)
		}
	}
	view.Matching = len(wanted)
	if view.Matching == 0 {
		return view
	}
	page, _ := strconv.Atoi(query.Get("page")) // what is no number is the first
	view.Pager = pages.PagerOf(page, runsOnPage, len(wanted), func(page int) string {
		address := url.Values{"page": {strconv.Itoa(page)}}
		if view.Deployment != "" {
			address.Set("deployment", view.Deployment)
		}
		return "/history?" + address.Encode()
	})
	for _, run := range wanted[view.Pager.First-1 : view.Pager.Last] {
		shown := row(run)
		view.CutOff = view.CutOff || shown.cutOff
		view.Rows = append(view.Rows, shown)
	}
	return view
}

func historyRowOf(run journal.Run, purpose app.Purpose, goesOn bool) historyRow {
	row := historyRow{
		ID: run.ID, At: run.StartedAt, Deployment: run.DeploymentName, DeploymentID: pathOfRun(run),
		Badge: outcomeBadge(run.Outcome, goesOn), By: run.By,
		cutOff: run.Outcome == journal.InDoubt && !goesOn,
	}
	if !run.FinishedAt.IsZero() && !journal.WasFound(run.Outcome) {
		row.Took = run.FinishedAt.Sub(run.StartedAt)
	}
	row.What, row.Of = whatRunDid(run, purpose)
	return row
}

// whatRunDid says what a run was for, and with which certificate.
func whatRunDid(run journal.Run, purpose app.Purpose) (what, of string) {
	var result rotation.Result
	if !purpose.AtMachines {
		_ = json.Unmarshal(run.Summary, &result) // a run without an end has none
	}
	switch {
	case purpose.UndoOf != "" && purpose.AtMachines:
		return "Undo of the machines' certificates", "of run " + purpose.UndoOf
	case purpose.UndoOf != "":
		return "Undo", "of run " + purpose.UndoOf
	case purpose.Cleans && purpose.AtMachines:
		return "Clean-up after the machines' certificates", ""
	case purpose.Cleans:
		return "Clean-up", strings.Join(result.Removed, ", ")
	case purpose.AtMachines:
		return "Certificates of the machines", ""
	case result.After != nil && run.Outcome == string(rotation.Verified):
		return "Renewal", "until " + pages.Day(result.After.NotAfter)
	}
	return "Renewal", ""
}
