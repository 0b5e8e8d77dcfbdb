package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// soakFlags say how long what runs replaced stays.
type soakFlags struct {
	days int
	now  bool
}

func (f *soakFlags) add(flags *pflag.FlagSet) {
	flags.IntVar(&f.days, "soak", int(rotation.DefaultSoak/(24*time.Hour)), "leave what a run of the last N days replaced, so that it can be taken back `N`")
	flags.BoolVar(&f.now, "now", false, "leave nothing: as --soak 0")
}

func (f *soakFlags) soak(now time.Time) (rotation.Soak, error) {
	switch {
	case f.days < 0 || f.days > 3650:
		return rotation.Soak{}, app.Usage("--soak 7", "--soak is a number of days, and %d is none", f.days)
	case f.now:
		return rotation.Soak{Now: now}, nil
	}
	return rotation.Soak{Now: now, For: time.Duration(f.days) * 24 * time.Hour}, nil
}

// soaking shows what stays for now, and when it goes.
func (u *ui) soaking(list []rotation.Soaking, now time.Time) {
	for _, s := range list {
		switch {
		case s.Run == "":
			u.item(accent("="), s.What, faint(": stays; no run in this computer's journal tells since when nobody uses it"))
		default:
			u.item(accent("="), s.What, faint(fmt.Sprintf(": stays until %s (%s), so that run %s can be taken back", s.Until.Local().Format("2 January 2006 15:04"), inDays(s.Until.Sub(now)), s.Run)))
		}
	}
}

// inDays is a time to wait, for people.
func inDays(d time.Duration) string {
	if days := int((d + 24*time.Hour - 1) / (24 * time.Hour)); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return "1 day"
}

// cleaningValue is what runs have left, as `show` tells it: what clean would
// remove, and what soaks.
type cleaningValue struct {
	Removable []string           `json:"removable"`
	Soaking   []rotation.Soaking `json:"soaking"`
}

// leftByRuns is what runs have left on the gateway, and on the machines where
// their keystores were seen. A journal that cannot be read tells nothing.
func (a *program) leftByRuns(ctx context.Context, state rotation.State) (value cleaningValue, internal bool) {
	value = cleaningValue{Removable: []string{}, Soaking: []rotation.Soaking{}}
	if state.Gateway == nil {
		return value, false
	}
	runs, err := a.RunsOf(ctx, state.Gateway.ID())
	if err != nil {
		return value, false
	}
	soak := rotation.Soak{Now: a.env.Now(), For: rotation.DefaultSoak}
	past, soaking := soak.Part(state, runs, rotation.CleanPlan(state, runs))
	for _, entry := range past {
		value.Removable = append(value.Removable, "certificate entry "+entry)
	}
	for _, s := range soaking {
		s.What = "certificate entry " + s.What
		value.Soaking = append(value.Soaking, s)
	}
	if !hasRollout(runs) {
		return value, false
	}
	cleaning := rollout.CleanPlan(state, runs).After(state, runs, soak)
	for _, entry := range cleaning.Entries {
		value.Removable = append(value.Removable, fmt.Sprintf("%s at %s, port %d", entry.Alias, entry.Machine, entry.Port))
	}
	for _, root := range cleaning.Roots {
		value.Removable = append(value.Removable, "trusted root "+root)
	}
	value.Soaking = append(value.Soaking, cleaning.Soaking...)
	return value, len(cleaning.Entries)+len(cleaning.Roots) > 0
}

func hasRollout(runs []journal.Run) bool {
	for _, run := range runs {
		if rollout.IsRun(run) {
			return true
		}
	}
	return false
}

// leftovers shows what runs have left, and how it goes.
func (u *ui) leftovers(value cleaningValue, internal bool, name string, now time.Time) {
	if len(value.Removable)+len(value.Soaking) == 0 {
		return
	}
	u.heading("Left by runs")
	for _, what := range value.Removable {
		u.item(caution("-"), what, faint(": nobody uses it, and its soak is over"))
	}
	u.soaking(value.Soaking, now)
	if len(value.Removable) > 0 {
		command := "cartouche clean " + name
		if internal {
			command += " --internal"
		}
		u.advice(u.out, u.outStyle, 2, "next: ", command)
	}
}
