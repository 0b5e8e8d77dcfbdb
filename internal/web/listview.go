package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// rowsOnPage is how many deployments a page shows, so that it stays under 100 kB
// whatever they are called: letters of other scripts and those that HTML has to
// escape take several bytes each.
const rowsOnPage = 50

// deploymentsView is what the page of the list shows.
type deploymentsView struct {
	Total, Matching, Attention int
	AsOf                       time.Time
	Filter                     listFilter
	Rows                       []deploymentRow
	Pager                      pages.Pager
	Notes                      []string
}

// deploymentRow is a row of it. Long texts are cut: the page of the deployment
// has all of them.
type deploymentRow struct {
	Path, Name string
	Names      []string
	Badge      pages.Badge
	Of         string
	Homes      []string
	Layout     string
	Group      string
	// Subscription is its name, and SubscriptionID its id where that is not shown already.
	Subscription, SubscriptionID string
	CanUpdate                    bool
	Trouble                      string
	Reasons                      []string
}

// viewOf is what the list shows for an address. all is in the order of its
// certificates' ends.
func viewOf(all []listed, query url.Values, now time.Time) deploymentsView {
	view := deploymentsView{Total: len(all), Filter: filterOf(query)}
	var wanted []*listed
	for i := range all {
		l := &all[i]
		if l.needsAttention(now) {
			view.Attention++
		}
		if view.Filter.matches(l, now) {
			wanted = append(wanted, l)
		}
	}
	view.Matching = len(wanted)
	if view.Matching == 0 {
		return view
	}
	page, _ := strconv.Atoi(query.Get("page")) // what is no number is the first
	view.Pager = pages.PagerOf(page, rowsOnPage, len(wanted), view.Filter.address)
	for _, l := range wanted[view.Pager.First-1 : view.Pager.Last] {
		view.Rows = append(view.Rows, l.row(now))
	}
	return view
}

func (l *listed) row(now time.Time) deploymentRow {
	row := deploymentRow{
		Path: l.path, Name: cut(l.Name, 48), Layout: cut(l.layout, 32), Badge: l.badge(now),
		Group: cut(l.ResourceGroup, 48), Subscription: cut(l.SubscriptionID, 40), CanUpdate: l.canUpdate,
	}
	if l.subscription != "" {
		row.Subscription, row.SubscriptionID = cut(l.subscription, 40), cut(l.SubscriptionID, 40)
	}
	if row.Name == "" {
		row.Name = "without a name"
	}
	for _, name := range few(l.Names(), 2) {
		row.Names = append(row.Names, cut(name, 56))
	}
	if !slices.Contains(l.Names(), l.of) {
		row.Of = cut(l.of, 56)
	}
	var homes []string
	for _, home := range l.homes {
		homes = append(homes, home.text)
	}
	for _, home := range few(homes, 2) {
		row.Homes = append(row.Homes, cut(home, 56))
	}
	row.trouble(l)
	return row
}

// trouble says what is wrong, in a word and in sentences.
func (row *deploymentRow) trouble(l *listed) {
	var sentences []string
	switch {
	case l.CannotUpdate != "":
		row.Trouble, sentences = "Cannot be renewed here", []string{l.CannotUpdate}
	case len(l.Problems) > 0:
		row.Trouble = "Something is wrong"
	}
	for _, problem := range l.Problems {
		sentences = append(sentences, problem.Sentence)
	}
	for _, sentence := range few(sentences, 2) {
		row.Reasons = append(row.Reasons, cut(sentence, 200))
	}
}

// badge says when the first certificate ends.
func (l *listed) badge(now time.Time) pages.Badge {
	days, known := l.daysLeft(now)
	if !known {
		return pages.Badge{Kind: "unknown", Text: "end not known"}
	}
	return pages.Badge{Kind: pages.UrgencyOf(days), Text: pages.Days(days) + ", " + l.ends.Local().Format("2 Jan 2006")}
}

// cut shortens a text that is longer than so many letters.
func cut(text string, letters int) string {
	runes := 0
	for at := range text {
		if runes++; runes == letters {
			if len(text[at:]) > 4 {
				return text[:at] + "…"
			}
			return text
		}
	}
	return text
}

// few are the first of a list, with how many more there are.
func few(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(list[:most:most], "and "+strconv.Itoa(len(list)-most)+" more")
}
