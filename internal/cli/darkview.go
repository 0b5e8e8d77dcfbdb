package cli

import (
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// mostDark is how many rows of what goes dark are shown; JSON has all.
const mostDark = 10

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
	for _, dark := range list[:min(mostDark, len(list))] {
		sign := u.outStyle.bullet()
		if dark.Gone {
			sign = u.outStyle.cross()
		}
		what := words(dark.What)
		if dark.Kind == "trusted-root" { // the others name in it where it is
			what = words(dark.Where+": ", dark.What)
		}
		rows = append(rows, []line{words(sign, " "+day(dark.At)), words(daysLeft(dark.At, now)), what})
	}
	u.table([]string{"day", "", "what stops"}, rows)
	if more := len(list) - mostDark; more > 0 {
		u.item(u.outStyle.bullet(), faint(fmt.Sprintf("and %d more (--json)", more)))
	}
}
