// Package ground is what every part of a simulated world stands on: the
// cabling that leads from names to listeners, the clock, the faults that were
// switched on, and the ledger of what happened.
package ground

import (
	"log/slog"
	"sync/atomic"
)

// Ground is shared by all parts of one world.
type Ground struct {
	// Outside reaches what the public can reach; Inside also the machines of
	// the virtual network.
	Outside, Inside *Net
	Clock           *Clock
	Faults          *Faults
	Ledger          *Ledger
	Keys            *Keys
	Watchers        *Watchers
	Log             *slog.Logger

	between atomic.Pointer[Between]
}

// New makes the ground of a world whose waits are shortened by scale.
func New(scale float64, log *slog.Logger) *Ground {
	return on(NewNet(nil), scale, log)
}

// NewInMemory is New without sockets: a world on it may live in a bubble of
// testing/synctest, whose time is virtual.
func NewInMemory(scale float64, log *slog.Logger) *Ground {
	return on(NewNetInMemory(), scale, log)
}

func on(outside *Net, scale float64, log *slog.Logger) *Ground {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	watchers := &Watchers{}
	return &Ground{
		Outside:  outside,
		Inside:   NewNet(outside),
		Clock:    &Clock{Scale: scale},
		Faults:   &Faults{},
		Ledger:   &Ledger{watchers: watchers},
		Keys:     &Keys{},
		Watchers: watchers,
		Log:      log,
	}
}
