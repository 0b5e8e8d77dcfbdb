package sim

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// Computer is a virtual machine of the world as a computer, by its name, its
// name inside the virtual network or its resource id; nil when there is none,
// or the world was started without Scripts. Where two have the same name, the
// first is meant.
func (w *World) Computer(name string) *computer.Computer {
	for _, c := range w.computers {
		if strings.EqualFold(c.Name(), name) || strings.EqualFold(c.FQDN(), name) || strings.EqualFold(c.ID(), name) {
			return c
		}
	}
	return nil
}

// Computers are all virtual machines of the world as computers, in the order
// of its deployments.
func (w *World) Computers() []*computer.Computer { return w.computers }
