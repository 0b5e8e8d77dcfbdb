// Package lease lets one run at a time work on a gateway, from whatever computer
// it is made. The lock of the operating system in package cli does that on one
// computer; this does it where all of them look: in Azure.
//
// # Where
//
// A claim is a tag on the resource group of the gateway, written by itself:
// PATCH {group}/providers/Microsoft.Resources/tags/default, which takes a moment
// and touches nothing else. A tag on the gateway would be a write of the gateway,
// of minutes, and would move its ETag; a blob needs a storage account, which not
// every deployment has; a management lock would stop the run's own writes. It
// takes the right Microsoft.Resources/tags/write on the group (Tag Contributor).
//
// # How
//
// Tags have no compare-and-swap, so each run has a tag under a name of its own,
// and nobody changes that of another. A run is alone when it has written that it
// tries and then, reading, sees nobody else who tries or holds: of two who write
// and then read, at least the later one sees the other. Who does see another steps
// back to asking; of those who ask the oldest goes on. Age decides only who tries
// again, never who holds: a slow computer may have the oldest claim of all and
// write it after somebody else was alone.
//
//  1. read: who holds it, holds it; what has expired, or was left by a killed run
//     of this state directory, is removed
//  2. write "tries"; read; alone: write "holds", done
//  3. else write "asks"; read; withdraw when somebody else holds it or is older
//  4. nobody tries or holds, and no older one asks: go to 2
//
// A claim lasts for [Term] and is renewed every [Renewal]. It is read again before
// every change, see [Lease.May]: a run whose claim is gone, was broken ([Site.Break])
// or has expired changes nothing more, and does not go back either, since what is
// there may be somebody else's by then. That a claim was broken is a tag, too: a
// renewal that was under way cannot bring it back.
//
// # Clocks
//
// All times are Azure's, from the Date of its answers, so computers whose clocks
// differ agree about what has expired. Where an answer has no date (a proxy took
// it away) the computer's own clock is used; then clocks may differ by [Margin].
//
// # What is assumed
//
// That a read sees every write that was answered before it, and that two writes
// of different tags at once are both there afterwards. Neither is documented; the
// simulator has a switch for each. Where the first does not hold two runs may
// both think they are alone for as long as reads lag behind: the younger of them
// sees the other before a later change and stops, and until then the gateway's
// ETag keeps one from undoing the other's write unseen. Where the second does not
// hold, a claim that is lost is written again, or noticed before the next change.
//
// What is in a tag was written by somebody, perhaps not by this program: it is
// data, bounded and parsed, and shown only with everything but plain text removed.
package lease

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

const (
	// Term is how long a claim lasts that is not renewed.
	Term = 20 * time.Minute
	// Renewal is how often it is renewed.
	Renewal = 5 * time.Minute
	// Margin is how long after its end a claim is still respected.
	Margin = time.Minute
)

// Holder is who works on a deployment, and where.
type Holder struct {
	Who, Host string
	// State is the id of the state directory: a claim of this host and state whose
	// lock is free was left by a killed run.
	State string
	// Run is the id of the run in the journal there, "" when it is not known. The
	// id of its claim begins with it.
	Run string
}

// Site is where the claims on one gateway are kept.
type Site struct {
	Azure     *cloud.ResourceManager
	GatewayID string
	// Now is this computer's clock, time.Now when nil.
	Now func() time.Time
	// Pause is between two looks while several want it at once: 1 s.
	Pause time.Duration
	// Renewal is how often a claim is renewed; zero is the constant.
	Renewal time.Duration
}

// HeldError says that somebody else works on the deployment.
type HeldError struct{ Claim }

func (e *HeldError) Error() string {
	if e.Unreadable {
		return "a claim on the deployment is there that cannot be read: tag " + e.Tag()
	}
	return fmt.Sprintf("another run works on the deployment: %s, since %s; its claim %s ends %s unless it is renewed",
		e.Holder(), clock(e.Since), e.Run, clock(e.Until))
}

// LostError says that a run may not change anything any more.
type LostError struct{ Why string }

func (e *LostError) Error() string {
	return "this run may change nothing more: " + e.Why
}

func clock(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 MST") }

// board is what the tags say at one moment.
type board struct {
	now    time.Time
	claims []Claim // the oldest first
	stops  []stop
	tags   map[string]string
}

// Claims are those that are alive, the oldest first.
func (s Site) Claims(ctx context.Context) ([]Claim, error) {
	b, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return b.alive(""), nil
}

// Free is a *HeldError while somebody else holds the deployment.
func (s Site) Free(ctx context.Context, me Holder) error {
	b, err := s.read(ctx)
	if err != nil {
		return err
	}
	for _, claim := range saying(b.alive(""), holds) {
		if !claim.of(me) {
			return &HeldError{claim}
		}
	}
	return nil
}

// read reads the tags.
func (s Site) read(ctx context.Context) (board, error) {
	group, err := s.group()
	if err != nil {
		return board{}, err
	}
	tags, at, err := s.Azure.Tags(ctx, group)
	if err != nil {
		return board{}, fmt.Errorf("who works on the deployment: %w", err)
	}
	b := board{now: at, tags: tags}
	if at.IsZero() {
		b.now = s.now()
	}
	for name, value := range tags {
		if run, ok := s.cut(runPrefix, name); ok {
			b.claims = append(b.claims, parseClaim(s.mark(), run, value))
		} else if run, ok := s.cut(stopPrefix, name); ok {
			b.stops = append(b.stops, parseStop(run, value))
		}
	}
	slices.SortFunc(b.claims, Claim.compare)
	return b, nil
}

// alive are the claims of others than run that somebody may still work by.
func (b board) alive(run string) []Claim {
	return slices.DeleteFunc(slices.Clone(b.claims), func(c Claim) bool { return c.Run == run || b.dead(c) })
}

// dead tells of a claim that has expired or was broken.
func (b board) dead(c Claim) bool {
	_, broken := b.stopped(c.Run)
	return broken || !c.Unreadable && b.now.After(c.Until.Add(Margin))
}

func (b board) stopped(run string) (stop, bool) {
	i := slices.IndexFunc(b.stops, func(s stop) bool { return s.run == run })
	if i < 0 {
		return stop{}, false
	}
	return b.stops[i], true
}

func (b board) claim(run string) (Claim, bool) {
	i := slices.IndexFunc(b.claims, func(c Claim) bool { return c.Run == run })
	if i < 0 {
		return Claim{}, false
	}
	return b.claims[i], true
}

// group is the id of the gateway's resource group.
func (s Site) group() (string, error) { return cloud.GroupOf(s.GatewayID) }

// mark stands for the gateway in the names of tags: a group may have several.
func (s Site) mark() string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimRight(s.GatewayID, "/"))))
	return hex.EncodeToString(sum[:5])
}

// cut takes the name of a tag apart. Azure may change its letter case.
func (s Site) cut(prefix, name string) (run string, ok bool) {
	run, ok = strings.CutPrefix(strings.ToLower(name), prefix+s.mark()+"-")
	return run, ok && run != ""
}

func (s Site) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// beat is between two looks at the tags.
func (s Site) beat() time.Duration {
	if s.Pause > 0 {
		return s.Pause
	}
	return time.Second
}

// newClaim is an id for a claim of a run, like no other one: ids of runs are short,
// and two computers may draw the same.
func newClaim(run string) string {
	if run == "" {
		return NewID()
	}
	return strings.ToLower(plain(run)) + "-" + NewID()
}

// NewID is an id for a state directory, or for a claim of no known run.
func NewID() string { return strings.ToLower(rand.Text()[:12]) }
