package web

import (
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// listed is a deployment as the list of them knows it: looked at once, when it
// was found, so that searching does not look at a thousand gateways again.
type listed struct {
	deployment.Deployment
	path string // PathID
	// subscription is the name of its subscription, "" when it is not known.
	subscription string
	// ends is when the first certificate ends, zero when that is not known; of is
	// which, "" when there is no other.
	ends  time.Time
	of    string
	homes []home
	// layout is its kind and version, as the command line says it.
	layout string
	// canUpdate tells whether it can be renewed here.
	canUpdate bool
	text      string // what a search looks at
}

// home is where a certificate lives.
type home struct {
	kind homeKind
	text string
}

type homeKind string

const (
	inGateway homeKind = "gateway"
	inVault   homeKind = "vault"
	inIIS     homeKind = "iis"
)

// searchable is everything that people call a deployment, in small letters.
func (l *listed) searchable() string {
	parts := append([]string{l.Name, l.ID, l.ResourceGroup, l.SubscriptionID, l.subscription, l.GatewayID, l.layout}, l.Names()...)
	for _, home := range l.homes {
		parts = append(parts, home.text)
	}
	return strings.ToLower(strings.Join(parts, "\n"))
}

// daysLeft is how many whole days are left, and whether that is known.
func (l *listed) daysLeft(now time.Time) (int, bool) {
	if l.ends.IsZero() {
		return 0, false
	}
	return pki.DaysUntil(l.ends, now), true
}

// urgency is the kind of its badge.
func (l *listed) urgency(now time.Time) string {
	if days, known := l.daysLeft(now); known {
		return pages.UrgencyOf(days)
	}
	return "unknown"
}

// needsAttention tells whether a person should look at it: it ends soon, nobody
// knows when it ends, or its record is not sound.
func (l *listed) needsAttention(now time.Time) bool {
	return l.urgency(now) != "ok" || len(l.Problems) > 0
}
