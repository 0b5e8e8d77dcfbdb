package witness

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// inside is what the gateways trust and the machines serve: invariant I2.
type inside struct {
	gateways map[string]ground.GatewayServes // by gateway and instance
	machines map[string]ground.MachineServes // by machine and port
	down     map[string]bool                 // machine and product
	broken   map[string]bool                 // by instance, setting, address: was so at the beginning, or is said
}

func newInside() inside {
	return inside{gateways: map[string]ground.GatewayServes{}, machines: map[string]ground.MachineServes{}, down: map[string]bool{}, broken: map[string]bool{}}
}

func (i *inside) gateway(w *Witness, now ground.GatewayServes) {
	key := fmt.Sprintf("%s/%d", now.Gateway, now.Instance)
	for _, before := range i.gateways[key].Backends {
		for _, after := range now.Backends {
			if before.Pool == after.Pool && len(before.Addresses) > 0 && len(after.Addresses) == 0 {
				w.say("I4", "instance %d of %s has nobody left in pool %s", now.Instance, now.Gateway, before.Pool)
			}
		}
	}
	i.gateways[key] = now
	for _, machine := range i.machines {
		i.judge(w, now, machine)
	}
}

// machine is told when a port opens, so that a machine that was away is here
// again.
func (i *inside) machine(w *Witness, now ground.MachineServes) {
	delete(i.down, now.Machine+" "+now.Product)
	i.machines[fmt.Sprintf("%s:%d", now.Machine, now.Port)] = now
	for _, gateway := range i.gateways {
		i.judge(w, gateway, now)
	}
}

func (i *inside) stops(now ground.MachineStops) { i.down[now.Machine+" "+now.Product] = true }

func (i *inside) judge(w *Witness, gateway ground.GatewayServes, machine ground.MachineServes) {
	if i.down[machine.Machine+" "+machine.Product] {
		return // what it serves when it is back is judged then
	}
	for _, backend := range gateway.Backends {
		if backend.Port != machine.Port {
			continue
		}
		for _, address := range backend.Addresses {
			if !slices.Contains(machine.Names, strings.ToLower(address)) {
				continue
			}
			key := fmt.Sprintf("%s/%d %s %s:%d", gateway.Gateway, gateway.Instance, backend.Settings, machine.Machine, machine.Port)
			err := backend.Trusts(address, machine.Chain)
			if err != nil && !i.broken[key] {
				w.say("I2", "instance %d of %s does not trust what %s serves at port %d (HTTP settings %s): %v", gateway.Instance, gateway.Gateway, machine.Machine, machine.Port, backend.Settings, err)
			}
			if i.broken[key] = err != nil; err == nil {
				delete(i.broken, key)
			}
		}
	}
}
