package rotation

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// ownBackends are the servers of the pools that the deployment's listeners lead
// to. The health of a neighbour's machines on a shared gateway is theirs: it
// must not make a proof fail. A gateway whose routes lead nowhere known keeps
// all of them.
func (s State) ownBackends(servers []cloud.BackendServer) []cloud.BackendServer {
	if s.Gateway == nil {
		return servers // nothing was read that could part them
	}
	pools := map[string]bool{}
	for _, route := range s.Gateway.Routes() {
		if slices.ContainsFunc(s.Listeners, func(l Listener) bool { return strings.EqualFold(l.Name, route.Listener) }) {
			pools[strings.ToLower(route.Pool)] = true
		}
	}
	if len(pools) == 0 {
		return servers
	}
	return slices.DeleteFunc(slices.Clone(servers), func(server cloud.BackendServer) bool { return !pools[strings.ToLower(server.Pool)] })
}
