package app

import "time"

// DayAsked reads the day as of which everything is to be judged, as it is typed
// for --at. It is zero without one.
func (a *App) DayAsked(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, Usage("--at "+a.Now().AddDate(0, 6, 0).Format(time.DateOnly), "--at %s is no day: year, month and day are needed", text)
	}
	return day, nil
}
