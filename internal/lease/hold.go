package lease

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pause"
)

// Lease is a claim that was found to be alone.
type Lease struct {
	// TookOver are claims of killed runs of this state directory.
	TookOver []Claim

	site Site
	me   Holder
	stop func()

	// turn is whose turn it is to look and to write: a channel, since who waits
	// for another's request to Azure gives up with the own context.
	turn  chan struct{}
	claim Claim
	// confirmed is when the claim was written last, by this computer's clock.
	confirmed time.Time
	lost      error
}

// Claim is what was written.
func (l *Lease) Claim() Claim {
	_ = l.take(context.Background())
	defer l.give()
	return l.claim
}

// May tells whether the run may go on to change things: it looks whether the
// claim is still there. A *LostError is final. When Azure cannot be asked, the
// claim holds as long as it was to last.
func (l *Lease) May(ctx context.Context) error {
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.give()
	_, err := l.look(ctx)
	return err
}

// take waits for its turn, which ends with give.
func (l *Lease) take(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Lease) give() { <-l.turn }

// look finds out whether the claim is still there and nobody came before.
func (l *Lease) look(ctx context.Context) (board, error) {
	for again := 0; ; again++ {
		if l.lost != nil {
			return board{}, l.lost
		}
		b, err := l.site.read(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return board{}, ctx.Err()
		case err != nil && l.age() < Term:
			return board{now: l.claim.Until.Add(l.age() - Term)}, nil
		case err != nil:
			l.lost = &LostError{"its claim on the deployment could not be renewed before it ended: " + err.Error()}
			continue
		}
		why, surely := l.why(b)
		if why == "" {
			return b, nil
		}
		if surely || again == looks {
			l.lost = &LostError{why}
			continue
		}
		if err := pause.For(ctx, l.site.beat()); err != nil {
			return board{}, err
		}
	}
}

// why says why a run may not go on, "" when it may; and whether that is sure: a
// reader that lags behind may not see what was written just now.
func (l *Lease) why(b board) (why string, surely bool) {
	mine, there := b.claim(l.claim.Run)
	if stopped, broken := b.stopped(l.claim.Run); broken {
		return fmt.Sprintf("%s has broken its claim on the deployment, %s", stopped.by, clock(stopped.at)), true
	}
	if !there {
		return "its claim on the deployment is gone: somebody has removed the tag " + l.claim.Tag(), false
	}
	if b.now.After(mine.Until) {
		return "its claim on the deployment has ended at " + clock(mine.Until), true
	}
	for _, other := range saying(l.others(b), holds) {
		if other.compare(l.claim) < 0 {
			return "another run works on the deployment, too, and was there before: " + other.Holder(), true
		}
	}
	return "", true
}

// age is how long ago the claim was written. A computer that slept, or whose
// clock was set, is taken at its worst.
func (l *Lease) age() time.Duration {
	now := time.Now()
	return max(now.Sub(l.confirmed), now.Round(0).Sub(l.confirmed.Round(0)))
}

// keep renews the claim until it is released.
func (l *Lease) keep() {
	every := l.site.Renewal
	if every == 0 {
		every = Renewal
	}
	ctx, cancel := context.WithCancel(context.Background()) // not the run's: going back takes the claim as well
	var ended sync.WaitGroup
	l.stop = func() { cancel(); ended.Wait() }
	ended.Go(func() {
		wait := every
		for {
			if pause.For(ctx, wait) != nil {
				return
			}
			wait = every
			if err := l.renew(ctx); err != nil {
				wait = every / 10 // Azure may answer next time
				if l.isLost() {
					return
				}
			}
		}
	})
}

func (l *Lease) isLost() bool {
	_ = l.take(context.Background())
	defer l.give()
	return l.lost != nil
}

// renew makes the claim last for another Term.
func (l *Lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.give()
	b, err := l.look(ctx)
	if err != nil {
		return err
	}
	renewed := l.claim
	renewed.Until = b.now.UTC().Truncate(time.Second).Add(Term)
	began := time.Now()
	if err := l.site.merge(ctx, map[string]string{renewed.Tag(): renewed.value()}); err != nil {
		return err
	}
	l.claim, l.confirmed = renewed, began
	return nil
}

// Release gives the deployment free.
func (l *Lease) Release(ctx context.Context) error {
	l.stop()
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.give()
	return l.withdraw(ctx)
}

// withdraw removes the claim, whatever it says by now, and that it was broken.
func (l *Lease) withdraw(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tidying)
	defer cancel()
	b, err := l.site.read(ctx)
	if err != nil {
		return err
	}
	own := map[string]string{}
	for name, value := range b.tags {
		if run, ok := l.site.cut(runPrefix, name); ok && run == l.claim.Run {
			own[name] = value
		}
		if run, ok := l.site.cut(stopPrefix, name); ok && run == l.claim.Run {
			own[name] = value
		}
	}
	return l.site.remove(ctx, own)
}
