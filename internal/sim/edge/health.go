package edge

import (
	"context"
	"sync"
)

// Health probes every backend now and returns backendAddressPools of the
// backendhealth answer, ready for JSON:
//
//	[{"backendAddressPool": {"id"}, "backendHttpSettingsCollection": [
//	  {"backendHttpSettings": {"id"}, "servers": [{"address", "health", "healthProbeLog"}]}]}]
//
// Source: the backendhealth operation in the public REST reference. Before the
// first Apply it is empty.
func (g *Gateway) Health(ctx context.Context) []map[string]any {
	pools := []map[string]any{}
	config := g.wanted.Load()
	if config == nil {
		return pools
	}
	byPool := map[string]map[string]any{}
	for _, group := range config.backends {
		pool := byPool[group.poolID]
		if pool == nil {
			pool = map[string]any{
				"backendAddressPool":            map[string]any{"id": group.poolID},
				"backendHttpSettingsCollection": []any{},
			}
			byPool[group.poolID] = pool
			pools = append(pools, pool)
		}
		pool["backendHttpSettingsCollection"] = append(pool["backendHttpSettingsCollection"].([]any), map[string]any{
			"backendHttpSettings": map[string]any{"id": group.settingsID},
			"servers":             g.probeAll(ctx, group),
		})
	}
	return pools
}

func (g *Gateway) probeAll(ctx context.Context, group *backendGroup) []any {
	servers := make([]any, len(group.addresses))
	var all sync.WaitGroup
	for i, address := range group.addresses {
		all.Go(func() {
			ok, log := group.runProbe(ctx, address)
			servers[i] = map[string]any{"address": address, "health": g.healthWord(ok), "healthProbeLog": log}
		})
	}
	all.Wait()
	return servers
}

func (g *Gateway) healthWord(ok bool) string {
	switch {
	case ok && g.Options.HealthUpDown:
		return "Up"
	case g.Options.HealthUpDown:
		return "Down"
	case ok:
		return "Healthy"
	}
	return "Unhealthy"
}
