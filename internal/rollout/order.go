package rollout

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/machine"
)

// turn is when a product has its turn.
//
// What can be taken back comes first, what cannot comes last: the tool of ArcGIS
// Data Store keeps no old certificate, and nobody refuses a data store for its
// certificate meanwhile. By then every server has restarted, and so trusts the
// new authority.
func turn(p Port, hosting string, portalsFirst bool) int {
	switch {
	case p.How == InIIS:
		return 5
	case p.How == ByTool:
		return 6
	case p.Product == machine.Portal && portalsFirst:
		return 0
	case p.Product == machine.Portal:
		return 4
	case strings.EqualFold(p.Site, hosting):
		return 3
	}
	return 2
}

// inOrder puts ports in the order in which they change: sites one after the
// other, the hosting server after the others because they lean on it, a standby
// before its primary, and a service right after the server whose certificate it
// takes.
func inOrder(ports []Port, hosting string, portalsFirst bool) []Port {
	list := slices.Clone(ports)
	slices.SortStableFunc(list, func(a, b Port) int {
		return cmp.Or(
			cmp.Compare(turn(a, hosting, portalsFirst), turn(b, hosting, portalsFirst)),
			strings.Compare(strings.ToLower(a.Site), strings.ToLower(b.Site)),
			cmp.Compare(standing(a), standing(b)),
			strings.Compare(strings.ToLower(a.Machine), strings.ToLower(b.Machine)),
			cmp.Compare(following(a), following(b)),
			cmp.Compare(a.Port, b.Port),
		)
	})
	return list
}

func standing(p Port) int {
	if strings.EqualFold(p.Role, "primary") {
		return 1
	}
	return 0
}

func following(p Port) int {
	if p.How == Follows {
		return 1
	}
	return 0
}
