package cli

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// showValue is the JSON of `show`: the state, and what ends first.
type showValue struct {
	rotation.State
	// Claims are those of runs that work on it now.
	Claims []lease.Claim `json:"claims"`
	// JudgedAt is the day as of which everything is judged, with --at.
	JudgedAt *time.Time `json:"judgedAt,omitempty"`
	// Darkening is what goes dark, the first first, and MachineFindings what is
	// wrong at the machines that were looked at, both as of that day.
	Darkening       []rotation.Dark `json:"darkening"`
	MachineFindings pki.Findings    `json:"machineFindings"`
	// InDoubt are runs that had no end when the command began, as they were found.
	InDoubt []rotation.Aftermath `json:"inDoubt"`
	// LeftByRuns is what clean would remove, now or later.
	LeftByRuns cleaningValue `json:"leftByRuns"`
}

// dayOf reads the day of --at, zero without one.
func (a *program) dayOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, app.Usage("--at "+a.env.Now().AddDate(0, 6, 0).Format(time.DateOnly), "--at %s is no day: year, month and day are needed", text)
	}
	return day, nil
}
