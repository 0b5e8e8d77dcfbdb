package arm

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// lookEvery is how often a gateway reads its references.
// Source: Azure documentation, "TLS termination with Key Vault certificates":
// instances poll Key Vault at four-hour intervals.
const lookEvery = 4 * time.Hour

// keepLooking polls for as long as the gateway is there.
func (s *Server) keepLooking(g *gateway) {
	for {
		s.mu.Lock()
		g.due = s.ground.Clock.Elapsed() + lookEvery
		close(s.polled)
		s.polled = make(chan struct{})
		s.mu.Unlock()
		if s.ground.Clock.Wait(s.ctx, lookEvery) != nil {
			return
		}
		s.poll(s.ctx, g)
	}
}

// AwaitPolls returns when every gateway has looked whose time has come.
func (s *Server) AwaitPolls(ctx context.Context) error {
	for {
		s.mu.Lock()
		now, late, polled := s.ground.Clock.Elapsed(), false, s.polled
		for _, g := range s.gateways {
			late = late || g.due <= now
		}
		s.mu.Unlock()
		if !late {
			return nil
		}
		select {
		case <-polled:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
}

// poll takes a new version over. Where access is broken the listeners of the
// entry are disabled, until a later look finds it mended; a vault that cannot
// be reached changes nothing. It is about what the data plane has, not about a
// document whose operation failed.
// Source: Azure documentation, "Understanding disabled listeners".
func (s *Server) poll(ctx context.Context, g *gateway) {
	s.mu.Lock()
	now := g.serving
	s.mu.Unlock()
	if len(secretIDs(now.document)) == 0 {
		return
	}
	l := s.look(ctx, now.document)
	s.mu.Lock()
	r, ok := s.resources[strings.ToLower(g.id)]
	if !ok || g.running != nil { // an operation looks itself
		s.mu.Unlock()
		return
	}
	changed := s.take(g, r.document, l)
	next := serving{document: now.document, pairs: maps.Clone(now.pairs)}
	for name, pair := range l.pairs {
		changed = s.enable(g, name) || changed || !sameChain(next.pairs[name], pair)
		next.pairs[name] = pair
	}
	for name, problem := range l.problems {
		if problem == vault.Unreachable || g.disabled[name] {
			continue
		}
		changed, g.disabled[name] = true, true
		s.ground.Ledger.Record(ground.ListenerState, g.id+"/sslCertificates/"+name, "disabled: "+string(problem))
	}
	s.mu.Unlock()
	if !changed {
		return
	}
	if err := s.hand(ctx, g, next); err != nil {
		s.ground.Log.Warn("gateway cannot follow its vault", "gateway", g.id, "error", err)
	}
}
