package witness

import (
	"maps"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// roles are the machines that restart, by role: invariant I4. A machine that
// was lost, which nobody asked for, is none of them.
type roles struct {
	restarting map[string]map[string]bool // role to machine
	of         map[string]string          // machine and product to role
}

func newRoles() roles {
	return roles{restarting: map[string]map[string]bool{}, of: map[string]string{}}
}

func (r *roles) stops(w *Witness, now ground.MachineStops) {
	if !now.Restart {
		return
	}
	if r.restarting[now.Role] == nil {
		r.restarting[now.Role] = map[string]bool{}
	}
	machines := r.restarting[now.Role]
	machines[now.Machine] = true
	r.of[now.Machine+" "+now.Product] = now.Role
	if len(machines) > w.down {
		w.say("I4", "%s are restarting at the same time (%s)", strings.Join(slices.Sorted(maps.Keys(machines)), " and "), now.Role)
	}
}

func (r *roles) up(machine, product string) {
	delete(r.restarting[r.of[machine+" "+product]], machine)
}
