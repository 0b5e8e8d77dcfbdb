// Package portrait makes of a deployment that was looked at what its page shows:
// the picture, what goes dark when, what is in the way, and the tables; and of
// each of its certificates what it is and who vouches for it, in plain words.
//
// It is pure: the same look gives the same page for the same day.
package portrait

import (
	"html/template"
	"time"

	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

// Seen is a deployment as it was looked at.
type Seen struct {
	State rotation.State
	// Subscription is the name of its subscription, "" when it is not known.
	Subscription string
	// Roots are the authorities that ArcGIS knows: Mozilla's, and those that
	// were named.
	Roots *pki.Roots
	// Claims are those of runs that work on it now.
	Claims []lease.Claim
	// ClaimsUnread says why nobody knows whether there are any.
	ClaimsUnread string
	// InDoubt are runs that were cut off, as they were found.
	InDoubt []rotation.Aftermath
	// Removable and Soaking are what runs have left, to be removed now and later.
	Removable []string
	Soaking   []rotation.Soaking
	// LastRun is the id of the last run that could be undone, "" when there is none.
	LastRun string
	// MachinesWhy says how the machines were looked at, or why they were not.
	MachinesWhy string
}

// Page is the value of the page of one deployment.
type Page struct {
	// ID is how the deployment is called in paths; Path is the page's own.
	ID, Path    string
	Name        string
	Names       []string
	Facts       []Fact
	CannotRenew string
	Judged      Day
	First       Due
	Dark        []Dark
	GoneBy      int
	Obstacles   []Finding
	// Blocked tells that one of them forbids a change.
	Blocked  bool
	Findings []Finding

	Wide, Narrow template.HTML
	Listeners    []Listener
	Wire         []Handshake
	Backends     []Backend
	Machines     []Machine
	LookedAt     bool
	MachinesWhy  string
	Vaults       []Vault
	Sites        []Site
	Certificates []Certificate
	// WithMachines are how many more certificates stand with their machines only.
	WithMachines int

	Claims       []lease.Claim
	ClaimsUnread string
	InDoubt      []rotation.Aftermath
	Removable    []string
	Soaking      []rotation.Soaking
	LastRun      string
}

// Fact is a name with its value.
type Fact struct{ Name, Value string }

// Day is the day as of which everything is judged.
type Day struct {
	// Seen is when the deployment was looked at, At the moment that it is judged
	// by, the same unless somebody asked for another day.
	Seen, At time.Time
	Other    bool
	// Text, First and Last are for fields of forms, Said is the day for people; In is
	// how many days At is away.
	Text, First, Last, Said string
	In                      int
}

// Horizon is how many days the slider shows.
const Horizon = 400

// Due is something with an end, and how it stands on the day.
type Due struct {
	Until time.Time
	Kind  string
	Words string
}

// Unix is the end for dates.js.
func (d Due) Unix() int64 { return d.Until.Unix() }

func due(until, at time.Time) Due {
	if until.IsZero() {
		return Due{Kind: "unknown", Words: "end not known"}
	}
	class, _ := topology.Left(until, at)
	return Due{until, class, pages.Days(pki.DaysUntil(until, at))}
}

// Dark is something that goes dark.
type Dark struct {
	rotation.Dark
	Due Due
	// Certificate is the page about it, "" where there is none.
	Certificate string
	// More are places of which the same is true on the same day.
	More []string
}

// Finding is a finding with the kind of notice that it is.
type Finding struct {
	pki.Finding
	Kind string
}
