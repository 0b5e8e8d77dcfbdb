package web

import (
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// comparison is the certificate that is served now and the new one, side by side.
type comparison struct {
	// Served tells that one is known to be served now, Same that it is the new one.
	Served, Same bool
	// Was is what the other one is called where it is not the one that is served.
	Was  string
	Rows []comparedRow
}

// comparedRow is one line of the comparison. Note says what the difference
// means, Kind how good that is (the kind of a badge), both "" when nothing
// differs that matters.
type comparedRow struct {
	Label, Old, New, Note, Kind string
	// Code tells that the values are for comparing letter by letter.
	Code bool
}

// compare lays the served certificate beside the new one; either may be nil.
func compare(old, new *pki.Description, now time.Time) comparison {
	c := comparison{Served: old != nil}
	var o, n pki.Description
	if old != nil {
		o = *old
	}
	if new != nil {
		n = *new
	}
	c.Rows = []comparedRow{
		{Label: "For", Old: strings.Join(o.Names, ", "), New: strings.Join(n.Names, ", ")},
		{Label: "Valid until", Old: until(old, now), New: until(new, now)},
		{Label: "Valid from", Old: pages.Day(o.NotBefore), New: pages.Day(n.NotBefore)},
		{Label: "Issued by", Old: o.Issuer, New: n.Issuer},
		{Label: "Subject", Old: o.Subject, New: n.Subject},
		{Label: "Key", Old: o.KeyAlgorithm, New: n.KeyAlgorithm},
		{Label: "Thumbprint (SHA-1)", Old: o.Thumbprint, New: n.Thumbprint, Code: true},
		{Label: "Fingerprint (SHA-256)", Old: o.SHA256, New: n.SHA256, Code: true},
	}
	if old == nil || new == nil {
		return c
	}
	c.Rows[0].note(namesNote(o.Names, n.Names))
	c.Rows[1].note(longerNote(o.NotAfter, n.NotAfter))
	if o.Issuer != n.Issuer {
		c.Rows[3].note("another issuer", "soon")
	}
	if o.KeyAlgorithm != n.KeyAlgorithm {
		c.Rows[5].note("another kind or size of key", "soon")
	}
	if o.SHA256 == n.SHA256 {
		c.Same = true
		c.Rows[7].note("the same certificate", "soon")
	}
	return c
}

func (r *comparedRow) note(text, kind string) { r.Note, r.Kind = text, kind }

// namesNote says which names come and go.
func namesNote(old, new []string) (text, kind string) {
	missing, added := without(old, new), without(new, old)
	switch {
	case len(missing) > 0:
		return "no longer: " + strings.Join(missing, ", "), "urgent"
	case len(added) > 0:
		return "also: " + strings.Join(added, ", "), "ok"
	}
	return "the same names", "ok"
}

func without(list, others []string) (rest []string) {
	for _, name := range list {
		if !slices.ContainsFunc(others, func(other string) bool { return strings.EqualFold(name, other) }) {
			rest = append(rest, name)
		}
	}
	return rest
}

func longerNote(old, new time.Time) (text, kind string) {
	switch days := int(new.Sub(old).Hours() / 24); {
	case days > 0:
		return "longer by " + app.Count(days, "day"), "ok"
	case days < 0:
		return "ends " + app.Count(-days, "day") + " earlier", "urgent"
	}
	return "ends as the old one does", "soon"
}

// until is the last day of a certificate, and how far away it is.
func until(d *pki.Description, now time.Time) string {
	if d == nil || d.NotAfter.IsZero() {
		return ""
	}
	return pages.Day(d.NotAfter) + " (" + pages.Days(pki.DaysUntil(d.NotAfter, now)) + ")"
}
