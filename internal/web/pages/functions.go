package pages

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// functions are what templates may call. They write things as people do, and
// decide nothing.
var functions = template.FuncMap{
	"asset":    Asset,
	"date":     func(t time.Time) string { return at(t, day) },
	"shortly":  func(t time.Time) string { return at(t, "2 Jan 2006") },
	"moment":   func(t time.Time) string { return at(t, moment) },
	"clock":    func(t time.Time) string { return at(t, "15:04") },
	"machine":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) }, // for <time datetime>
	"took":     took,
	"days":     Days,
	"plural":   plural,
	"join":     func(separator string, list []string) string { return strings.Join(list, separator) },
	"pairs":    pairs,
	"inpages":  InPages,
	"sentence": func(text string) string { return Sentences(text) },
	"badge":    func(kind, text string) Badge { return Badge{kind, text} },
	"notice":   func(kind, title, text string) Notice { return Notice{Kind: kind, Title: title, Text: text} },
	"dict":     dict,
}

// How days and moments are written.
const (
	day    = "2 January 2006"
	moment = day + ", 15:04"
)

// at writes a moment as the person's own clock shows it, a dash for none.
func at(t time.Time, layout string) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format(layout)
}

// Days says how far a day is away: "9 days", "today", "ended 3 days ago".
func Days(left int) string {
	switch {
	case left < -1:
		return fmt.Sprintf("ended %d days ago", -left)
	case left == -1:
		return "ended yesterday"
	case left == 0:
		return "ends today"
	}
	return plural(left, "day", "days")
}

// took is a length of time as people say it: "4 s", "2 min 5 s", "1 h 10 min". No line
// ends between a number and its unit.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under 1\u00a0s"
	case d < time.Minute:
		return fmt.Sprintf("%d\u00a0s", int(d.Seconds()))
	case d < time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%d\u00a0min %d\u00a0s", int(d.Minutes()), int(d.Seconds())%60), " 0\u00a0s")
	}
	return strings.TrimSuffix(fmt.Sprintf("%d\u00a0h %d\u00a0min", int(d.Hours()), int(d.Minutes())%60), " 0\u00a0min")
}

// plural is "1 run" or "3 runs".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// pairs writes a fingerprint in pairs and in capitals, as browsers and Windows
// do, so that eyes can compare it.
func pairs(hex string) string {
	hex = strings.ToUpper(hex)
	var parts []string
	for len(hex) > 2 {
		parts, hex = append(parts, hex[:2]), hex[2:]
	}
	return strings.Join(append(parts, hex), ":")
}

// dict gives a part of a page more than one value: keys and values in turn.
func dict(keysAndValues ...any) (map[string]any, error) {
	if len(keysAndValues)%2 != 0 {
		return nil, fmt.Errorf("dict: a key without a value")
	}
	values := map[string]any{}
	for i := 0; i < len(keysAndValues); i += 2 {
		key, isText := keysAndValues[i].(string)
		if !isText {
			return nil, fmt.Errorf("dict: key %v is no text", keysAndValues[i])
		}
		values[key] = keysAndValues[i+1]
	}
	return values, nil
}
