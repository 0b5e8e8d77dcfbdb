package app

import (
	"context"
	"time"

	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// ShowValue is the JSON of `show`: the state, and what ends first.
type ShowValue struct {
	rotation.State
	// SubscriptionName is what people call its subscription, absent when it is not known.
	SubscriptionName string `json:"subscriptionName,omitempty"`
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
	LeftByRuns CleaningValue `json:"leftByRuns"`
}

// Show is everything that was seen, judged as of a day if one is given. internal
// tells that runs have left something at machines; unread is what kept the claims
// from being read.
func (a *App) Show(ctx context.Context, seen *Prepared, day time.Time) (value ShowValue, internal bool, unread error) {
	claims, unread := a.Claims(ctx, seen.Runner, seen.State)
	value = ShowValue{State: seen.State, InDoubt: NotNull(seen.Session.InDoubt), Claims: NotNull(claims)}
	value.SubscriptionName = seen.Session.SubscriptionName(ctx, seen.State.Deployment.SubscriptionID)
	asOf := seen.State.At
	if !day.IsZero() {
		value.JudgedAt, asOf = &day, day
	}
	value.Darkening = NotNull(rotation.Darkening(seen.State, asOf))
	value.MachineFindings = NotNull(rotation.MachineFindings(seen.State, seen.Session.Roots, asOf).WorstFirst())
	value.LeftByRuns, internal = a.leftByRuns(ctx, seen.State)
	return value, internal, unread
}
