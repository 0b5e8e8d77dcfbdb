package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pause"
)

const (
	// attempts is how often a run tries while others do so at the same moment,
	// and how often it writes what gets lost.
	attempts = 6
	// looks is how often somebody who says so meanwhile may still step back.
	looks = 3
	// tidying bounds taking a claim back.
	tidying = 30 * time.Second
	// stopsLast is how long it is remembered that a claim was broken.
	stopsLast = 2 * Term
)

// Acquire claims the deployment for a run; the caller has the lock of the
// operating system already. A *HeldError says whose it is.
func (s Site) Acquire(ctx context.Context, me Holder) (*Lease, error) {
	b, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	l := &Lease{site: s, me: me, turn: make(chan struct{}, 1)}
	l.TookOver, err = s.clear(ctx, b, me)
	if err != nil {
		return nil, err
	}
	l.claim = Claim{Run: newClaim(me.Run), Who: plain(me.Who), Host: plain(me.Host), Since: b.now.UTC().Truncate(time.Second), state: me.State, mark: s.mark()}
	if others := saying(l.others(b), holds); len(others) > 0 {
		return nil, &HeldError{others[0]}
	}
	if err := l.contend(ctx, b.now); err != nil {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
		defer cancel()
		return nil, errors.Join(err, l.withdraw(back))
	}
	l.keep()
	return l, nil
}

// contend writes the claim and finds out whether it is alone.
func (l *Lease) contend(ctx context.Context, now time.Time) error {
	var rivals []Claim
	for range attempts {
		b, err := l.say(ctx, tries, now)
		if err != nil {
			return err
		}
		rivals = saying(l.others(b), tries, holds)
		if len(rivals) == 0 {
			_, err = l.say(ctx, holds, b.now)
			return err
		}
		if b, err = l.say(ctx, asks, b.now); err != nil {
			return err
		}
		for look := 0; ; look++ {
			others := l.others(b)
			now := saying(others, tries, holds)
			if len(now) == 0 && len(others) > 0 && others[0].compare(l.claim) < 0 {
				return &HeldError{others[0]}
			}
			if len(now) == 0 {
				break
			}
			if look == looks {
				return &HeldError{now[0]}
			}
			if err := pause.For(ctx, l.site.beat()); err != nil {
				return err
			}
			if b, err = l.site.read(ctx); err != nil {
				return err
			}
		}
		now = b.now
	}
	return &HeldError{rivals[0]} // others try at the same time, again and again
}

// say writes the claim and reads until it is there: a write of somebody else at
// the same time might undo it.
func (l *Lease) say(ctx context.Context, word string, now time.Time) (board, error) {
	for try := 1; ; try++ {
		l.claim.word, l.claim.Until = word, now.UTC().Truncate(time.Second).Add(Term)
		began := time.Now()
		if err := l.site.merge(ctx, map[string]string{l.claim.Tag(): l.claim.value()}); err != nil {
			return board{}, fmt.Errorf("claim the deployment: %w", err)
		}
		b, err := l.site.read(ctx)
		if err != nil {
			return board{}, err
		}
		if there, exists := b.claim(l.claim.Run); exists && there.value() == l.claim.value() {
			l.confirmed = began
			return b, nil
		}
		if try == attempts {
			return board{}, errors.New("claim the deployment: the tag that was written is not there when it is read")
		}
		if err := pause.For(ctx, l.site.beat()); err != nil {
			return board{}, err
		}
		now = b.now
	}
}

// others are the claims of others that are alive.
func (l *Lease) others(b board) []Claim {
	return slices.DeleteFunc(b.alive(l.claim.Run), func(c Claim) bool { return c.of(l.me) })
}

func saying(claims []Claim, words ...string) []Claim {
	return slices.DeleteFunc(slices.Clone(claims), func(c Claim) bool { return !slices.Contains(words, c.word) })
}

// clear removes what nobody works by any more: claims that have expired or were
// broken, and those of runs of this very state directory, whose lock we have.
// Those it gives back.
func (s Site) clear(ctx context.Context, b board, me Holder) (left []Claim, err error) {
	gone := map[string]string{}
	for name, value := range b.tags {
		if run, ok := s.cut(runPrefix, name); ok {
			c, _ := b.claim(plain(run))
			if c.of(me) && !b.dead(c) {
				left = append(left, c)
			}
			if c.of(me) || b.dead(c) {
				gone[name] = value
			}
		}
		if run, ok := s.cut(stopPrefix, name); ok {
			if stopped, _ := b.stopped(run); b.now.Sub(stopped.at) > stopsLast {
				gone[name] = value
			}
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return left, s.remove(ctx, gone)
}

// Break ends claims of others. Their runs find out before their next change.
func (s Site) Break(ctx context.Context, by Holder, claims []Claim) error {
	b, err := s.read(ctx)
	if err != nil {
		return err
	}
	stops, gone := map[string]string{}, map[string]string{}
	for _, c := range claims {
		// A tag that this program would not name like this is taken away and no
		// more: there is no run to be told.
		if !strings.Contains(c.Run, "?") {
			stops[stopPrefix+s.mark()+"-"+c.Run] = stop{at: b.now}.value(by)
		}
		for name, value := range b.tags {
			if run, ok := s.cut(runPrefix, name); ok && plain(run) == c.Run {
				gone[name] = value
			}
		}
	}
	if err := s.merge(ctx, stops); err == nil {
		return s.remove(ctx, gone)
	}
	// A group has 50 tags at most: there may be room as soon as the claims are gone.
	if err := s.remove(ctx, gone); err != nil {
		return err
	}
	return s.merge(ctx, stops)
}

func (s Site) merge(ctx context.Context, tags map[string]string) error {
	group, err := s.group()
	if err != nil || len(tags) == 0 {
		return err
	}
	return s.Azure.MergeTags(ctx, group, tags)
}

// remove takes tags away that have these very values still.
func (s Site) remove(ctx context.Context, tags map[string]string) error {
	group, err := s.group()
	if err != nil || len(tags) == 0 {
		return err
	}
	return s.Azure.DeleteTags(ctx, group, maps.Clone(tags))
}
