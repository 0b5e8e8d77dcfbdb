package cli

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
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

// leftovers shows what runs have left, and how it goes.
func (u *ui) leftovers(value app.CleaningValue, internal bool, name string, now time.Time) {
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
