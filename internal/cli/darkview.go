package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// mostDark is how many rows of what goes dark are shown; JSON has all.
const mostDark = 10

// together are the rows with those of one kind that end on one day as one: the
// machines of a deployment were set up together.
func together(list []rotation.Dark) [][]rotation.Dark {
	var groups [][]rotation.Dark
	for _, dark := range list {
		i := slices.IndexFunc(groups, func(group []rotation.Dark) bool {
			return group[0].Kind == dark.Kind && dark.Kind != "external" && app.Day(group[0].At) == app.Day(dark.At)
		})
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], dark)
	}
	return groups
}

// darkening shows what goes dark first, unless somebody does something; what
// has gone by the day as of which everything is judged is marked.
func (u *ui) darkening(list []rotation.Dark, now time.Time) {
	if len(list) == 0 {
		return
	}
	heading := "What goes dark first"
	if list[0].Gone {
		heading = "What has gone dark by " + now.UTC().Format("2 January 2006") + ", and what is next"
	}
	u.heading(heading)
	var rows [][]line
	groups := together(list)
	for _, group := range groups[:min(mostDark, len(groups))] {
		dark := group[0]
		sign := u.outStyle.bullet()
		if dark.Gone {
			sign = u.outStyle.cross()
		}
		what := words(dark.What)
		if dark.Kind == "trusted-root" { // the others name in it where it is
			what = words(dark.Where+": ", dark.What)
		}
		if more := len(group) - 1; more > 0 {
			what = append(what, words(faint(fmt.Sprintf("; the same day %d more like this", more)))...)
		}
		rows = append(rows, []line{words(sign, " "+app.Day(dark.At)), words(daysLeft(dark.At, now)), what})
	}
	u.table([]string{"day", "", "what stops"}, rows)
	if more := len(groups) - mostDark; more > 0 {
		u.item(u.outStyle.bullet(), faint(fmt.Sprintf("and %d more (--json)", more)))
	}
}
