package topology

import (
	"slices"
	"strconv"
)

// Crowded is how many machines are drawn with all of their rows. Where there are
// more, each has what people look for in a crowd: what is not as it should be, and
// what ends first.
const Crowded = 16

// thin leaves out rows of machines where there are too many of them to be read.
// The tables have them all.
func (p *Picture) thin() {
	if len(p.Machines) <= Crowded {
		return
	}
	p.About += " Of each machine the picture has what ends first and what is not as it should be."
	for i := range p.Machines {
		p.Machines[i].Rows = foremost(p.Machines[i].Rows)
	}
}

// foremost is the first row that differs, how many more do, and the row that ends
// first; the first row of all where none has an end.
func foremost(rows []Row) []Row {
	var kept []Row
	first, differ := -1, 0
	for i, row := range rows {
		if row.Kind == Differs {
			differ++
			if differ == 1 {
				kept = append(kept, row)
			}
			continue
		}
		if !row.Until.IsZero() && (first < 0 || row.Until.Before(rows[first].Until)) {
			first = i
		}
	}
	if differ > 1 {
		kept = append(kept, Row{Kind: Says, Text: "and " + strconv.Itoa(differ-1) + " more"})
	}
	if first >= 0 {
		kept = append(kept, rows[first])
	}
	if len(kept) == 0 {
		kept = slices.Clone(rows[:min(1, len(rows))])
	}
	return kept
}
