package app

import (
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Troubling are the findings that are worse than a note.
func Troubling(list pki.Findings) pki.Findings {
	var worse pki.Findings
	for _, finding := range list {
		if finding.Severity != pki.Note {
			worse = append(worse, finding)
		}
	}
	return worse
}

// findingsFailure is the failure of a look that found something, nil when it
// found nothing worse than a note.
func findingsFailure(what string, list pki.Findings) *Failure {
	worse := Troubling(list)
	if len(worse) == 0 {
		return nil
	}
	f := &Failure{Code: "findings", Message: fmt.Sprintf("%s: %s", what, Count(len(worse), "finding")), Hint: firstMend(worse), Exit: ExitFindings}
	return f
}

// Count is a number with its noun.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// NotNull keeps an empty list from being null in JSON.
func NotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// LastSegment is the name in a resource id.
func LastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }

// OrDash shows that there is nothing to say.
func OrDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// Minute is a time as people read it, in their own zone.
func Minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// Day is a day as certificates have it, in UTC.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// SummaryText is the same without colours.
func SummaryText(d pki.Description) string {
	return fmt.Sprintf("%s, until %s, SHA-256 %s...", d.Subject, Day(d.NotAfter), shortHash(d.SHA256))
}

func shortHash(hash string) string {
	if len(hash) > 16 {
		return hash[:16]
	}
	return hash
}

// refusals are the findings for which a certificate is refused.
func refusals(list pki.Findings) pki.Findings {
	var refused pki.Findings
	for _, finding := range list {
		if finding.Severity == pki.Refusal {
			refused = append(refused, finding)
		}
	}
	return refused
}

// known is a time, null in JSON when it is none.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Filled is a list that JSON writes as [] when it is empty.
func filled(list []string) []string { return append([]string{}, list...) }

// firstServed is the first of several looks in which a certificate was served.
func firstServed(seen []handshake.Observation) *handshake.Observation {
	for i := range seen {
		if seen[i].Leaf() != nil {
			return &seen[i]
		}
	}
	return nil
}

// distinct leaves out findings that were made twice.
func distinct(list pki.Findings) pki.Findings {
	unique := pki.Findings{}
	seen := map[pki.Finding]bool{}
	for _, finding := range list {
		if !seen[finding] {
			seen[finding] = true
			unique = append(unique, finding)
		}
	}
	return unique.WorstFirst()
}
