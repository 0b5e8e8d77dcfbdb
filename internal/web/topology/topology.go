// Package topology draws a deployment: the names that clients type, the gateway
// with its listeners, the pools, the machines, and the vaults beside them, and
// on each the certificate that it serves and what it trusts.
//
//	picture := topology.Of(state, address)          // what is to be seen, of a state
//	svg := picture.SVG(at, topology.Wide)           // drawn, as of a day
//
// Both are pure: no clock, no network. A drawing has classes and no colours of
// its own, so that it is fine in light and dark and under a strict content
// security policy; every text is cut so that it stays in its box, and whole in
// the box's title. Whoever cannot see it has the tables that the page shows
// below it.
package topology

import (
	"strconv"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// Picture is what is drawn, from left to right.
type Picture struct {
	// Title is what the whole picture is called, About what it shows in a sentence.
	Title, About string
	Names        []Box
	Gateway      Box
	Listeners    []Box
	Vaults       []Box
	Pools        []Box
	Machines     []Box
	// Links lead from names to listeners, from listeners to pools, and from
	// pools to machines, by the boxes' IDs.
	Links []Link
}

// Box is one thing in the picture.
type Box struct {
	// ID is the box's alone. Href is where it leads, "" for nowhere.
	ID, Href    string
	Title, Note string
	Rows        []Row
}

// Row is one line in a box.
type Row struct {
	Kind Kind
	Text string
	// Until is the day on which the certificate of the row ends, zero when the
	// row is about none; Href leads to it.
	Until time.Time
	Href  string
}

// Kind is what a row tells. It is a class of the drawing, too.
type Kind string

// The kinds of rows.
const (
	Serves     Kind = "serves"     // a certificate that was seen on the wire
	Configured Kind = "configured" // one that would be served, by configuration
	Trusts     Kind = "trusts"     // one that others are accepted by
	Differs    Kind = "differs"    // what is not as it should be
	Says       Kind = "says"       // anything else
)

// Link is a line between two boxes.
type Link struct{ From, To string }

// Left says how a certificate stands at a moment, in the words of package pages
// for badges, "unknown" of one without an end; and how long it has, in few words.
// The page's dates.js says the same.
func Left(until, at time.Time) (class, words string) {
	if until.IsZero() {
		return "unknown", ""
	}
	days := pki.DaysUntil(until, at)
	switch class = pages.UrgencyOf(days); {
	case !at.Before(until):
		return "gone", "ended"
	case days == 0:
		return class, "today"
	case days == 1:
		return class, "1 day"
	case days >= 2*365:
		return class, strconv.Itoa(days/365) + " years"
	}
	return class, strconv.Itoa(days) + " days"
}
