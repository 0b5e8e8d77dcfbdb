package ground

import (
	"slices"
	"time"
)

// Outage is a time in which a product of a machine did not answer or was not
// healthy. To is zero as long as it lasts.
type Outage struct {
	Machine, Product string
	From, To         time.Time
}

// Outages are those of all machines, in the order of their beginning.
func (l *Ledger) Outages() []Outage {
	var list []Outage
	open := map[[2]string]int{}
	for _, event := range l.Events() {
		key := [2]string{event.Object, event.Detail}
		at, down := open[key]
		switch {
		case event.Kind == MachineDown && !down:
			open[key] = len(list)
			list = append(list, Outage{Machine: event.Object, Product: event.Detail, From: event.At})
		case event.Kind == MachineUp && down:
			list[at].To = event.At
			delete(open, key)
		}
	}
	return list
}

// MostDown is how many of the machines were down with a product at the same
// moment, at the worst. Names are upper-case FQDNs.
func (l *Ledger) MostDown(product string, machines ...string) int {
	worst := 0
	outages := l.Outages()
	for _, one := range outages {
		if one.Product != product || !slices.Contains(machines, one.Machine) {
			continue
		}
		down := map[string]bool{}
		for _, other := range outages {
			begun := !other.From.After(one.From)
			over := !other.To.IsZero() && !other.To.After(one.From)
			if other.Product == product && slices.Contains(machines, other.Machine) && begun && !over {
				down[other.Machine] = true
			}
		}
		worst = max(worst, len(down))
	}
	return worst
}
