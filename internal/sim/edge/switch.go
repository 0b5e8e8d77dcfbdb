package edge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// switchInstances gives every instance its configuration, with a pause between
// two of them, except at the first time. A stale instance is left out and
// follows much later.
func (g *Gateway) switchInstances(ctx context.Context, next *config, first, stale bool) error {
	last := len(g.instances) - 1
	for number, instance := range g.instances {
		if number > 0 && !first {
			if err := g.ground.Clock.Wait(ctx, cmp.Or(g.Options.SwitchPause, 5*time.Second)); err != nil {
				g.switchLater(g.instances[number:], next, 0)
				return fmt.Errorf("apply to gateway %s: wait for instance %d: %w", g.name, number, err)
			}
		}
		if stale && number == last {
			g.switchLater(g.instances[last:], next, cmp.Or(g.Options.StaleFor, 30*time.Minute))
			continue
		}
		g.switchOne(instance, next)
	}
	return nil
}

// switchLater switches instances in the background after a while of the
// world's time, unless another Apply has come by then.
func (g *Gateway) switchLater(instances []*instance, next *config, after time.Duration) {
	generation := g.generation
	g.background.Go(func() {
		if g.ground.Clock.Wait(g.ctx, after) != nil {
			return
		}
		g.applying.Lock()
		defer g.applying.Unlock()
		if g.generation != generation {
			return
		}
		for _, instance := range instances {
			g.switchOne(instance, next)
		}
	})
}

// switchOne gives one instance its configuration and writes into the ledger
// which leaf it serves now, if that is another.
func (g *Gateway) switchOne(instance *instance, next *config) {
	before := instance.config.Swap(next)
	g.tell(instance)
	if before == nil {
		return
	}
	for _, listener := range next.listeners {
		old, leaf := before.leafOf(listener.name), listener.leaf()
		if leaf != "" && old != leaf {
			g.ground.Ledger.Record(ground.LeafServed,
				fmt.Sprintf("%s/instance-%d/%s", g.name, instance.number, listener.name), leaf)
		}
	}
}

// leaf is the SHA-256 fingerprint of the listener's leaf in lower-case hex,
// empty for a listener without TLS.
func (l *listener) leaf() string {
	if l.certificate == nil || len(l.certificate.Certificate) == 0 {
		return ""
	}
	sum := sha256.Sum256(l.certificate.Certificate[0])
	return hex.EncodeToString(sum[:])
}

func (c *config) leafOf(listenerName string) string {
	for _, listener := range c.listeners {
		if listener.name == listenerName {
			return listener.leaf()
		}
	}
	return ""
}

func (c *config) leavesDiffer(other *config) bool {
	for _, listener := range c.listeners {
		if listener.leaf() != other.leafOf(listener.name) {
			return true
		}
	}
	return false
}
