package cli

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
)

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
