package web

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// failures are what a page says of the codes of failures that people meet: in a
// heading, and with the page where it goes on. A code that begins like an entry
// is that entry's; the longest counts.
var failures = []struct{ code, title, link, linkText string }{
	{"certificate-refused", "The certificate was refused", "", ""},
	{"blocked", "Nothing was changed", "", ""},
	{"moved", "The deployment has changed meanwhile", "", ""},
	{"locked", "Somebody else works on it", "/history", "See the runs"},
	{"deployment-", "The deployment was not found", "/", "To the deployments"},
	{"run-", "The run was not found", "/history", "To the history"},
	{"journal", "The journal cannot be used", "", ""},
	{"interrupted", "It was stopped", "/", "To the deployments"},
	{"reach-", "The machines cannot be reached", "", ""},
	{"proxy", "Azure cannot be reached", "", ""},
	{"azure", "Azure did not do it", "", ""},
	{"throttled", "Too much at once", "", ""},
	{"sign-in", "The sign-in is not good any more", "/sign-in", "Sign in"},
	{"arcgis-", "ArcGIS Enterprise did not do it", "", ""},
	{"usage", "Something is missing", "", ""},
}

// failurePage is a failure as a page: what happened, what clients are served,
// and what helps.
func failurePage(f app.Failure) (status int, page pages.Page) {
	notice := pages.Notice{Kind: "error", Title: "What happened", Text: pages.Sentences(f.Message)}
	title := "That did not work"
	longest := -1
	for _, known := range failures {
		if strings.HasPrefix(f.Code, known.code) && len(known.code) > longest {
			longest = len(known.code)
			title, notice.Link, notice.LinkText = known.title, known.link, known.linkText
		}
	}
	for _, finding := range f.Findings {
		if finding.Severity != pki.Note {
			notice.List = append(notice.List, pages.Sentences(finding.Sentence))
		}
	}
	if f.Serving != "" {
		notice.Next = append(notice.Next, pages.Sentences("clients are served "+f.Serving))
	}
	help, command := splitHint(pages.InPages(f.Hint))
	if help != "" {
		notice.Next = append(notice.Next, pages.Sentences("what helps: "+help))
	}
	notice.Command = command
	return httpStatus(f), pages.Page{Title: title, Data: notice}
}

// splitHint takes the command from the end of a hint, where there is one: people
// who look at a page are told in words first.
func splitHint(hint string) (help, command string) {
	const name = "cartouche "
	if strings.HasPrefix(hint, name) {
		return "", hint
	}
	if help, command, found := strings.Cut(hint, ": "+name); found && !strings.Contains(command, "; ") {
		return help, name + command
	}
	return hint, ""
}
