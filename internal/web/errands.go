package web

import (
	"crypto/x509"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

const (
	// mostErrands are prepared side by side; with one more the oldest goes.
	mostErrands = 16
	// errandFor is how long one is kept that nobody uses.
	errandFor = 2 * time.Hour
)

// errand is work that is being prepared and for which one is asked who signs in,
// and how the machines are reached: taking a run back, cleaning, replacing the
// certificates of machines. Its fields are for whoever holds its lock.
type errand struct {
	sync.Mutex
	logins wizard.Logins
	// asked tells that the logins were asked for and answered, if with none.
	asked bool
	reach string
	// roots may be presented by machines before a password is sent, rootFiles are
	// the files they came in.
	roots     []*x509.Certificate
	rootFiles []string
	noClaim   bool
	// replace is what the certificates of the machines are replaced by.
	replace replaceBy
	// notice is said once, wrong says by field what is wrong with what was typed.
	notice string
	wrong  map[string]string
	// turn changes whenever what a plan rests on does: who makes one without holding
	// the lock keeps it only when the turn is still the same.
	turn int

	used time.Time
}

// given tells whether there is a login to work with.
func (e *errand) given() bool { return e.logins.SiteAdmin != "" && !e.logins.SiteAdminPassword.Empty() }

// reachAsked is how machines are to be reached.
func (e *errand) reachAsked() app.Reach { return app.Reach{Way: e.reach, MachineRoots: e.roots} }

// dropSecrets takes passwords and keys away. They are asked for again.
func (e *errand) dropSecrets() {
	e.Lock()
	defer e.Unlock()
	e.logins.SiteAdminPassword, e.logins.ServiceAccountPassword, e.asked = secret.Secret{}, secret.Secret{}, false
	e.replace.dropSecrets()
	e.turn++
}

// errands are those of this server, by what they are for.
type errands struct {
	mu   sync.Mutex
	kept map[string]*errand
}

// of is an errand, begun with the logins that are given beforehand when nobody
// has begun it. Whoever holds the lock of one does not call this.
func (l *errands) of(key string, given wizard.Logins, now time.Time) *errand {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.kept = map[string]*errand{}
	}
	oldest := key
	for other, e := range l.kept {
		if now.Sub(e.used) > errandFor {
			l.drop(other)
		} else if old := l.kept[oldest]; old == nil || e.used.Before(old.used) {
			oldest = other
		}
	}
	e := l.kept[key]
	if e == nil {
		if len(l.kept) >= mostErrands {
			l.drop(oldest)
		}
		e = &errand{logins: given, reach: app.ReachAuto}
		l.kept[key] = e
	}
	e.used = now
	return e
}

// done drops an errand. What its run needs the plan has.
func (l *errands) done(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(key)
}

func (l *errands) drop(key string) {
	if e := l.kept[key]; e != nil {
		delete(l.kept, key)
		e.dropSecrets()
	}
}

// lock takes all secrets away; what else was typed stays.
func (l *errands) lock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.kept {
		e.dropSecrets()
	}
}
