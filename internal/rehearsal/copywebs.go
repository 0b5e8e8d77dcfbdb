package rehearsal

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

func (c *copier) inPool(m shape.Machine, name string) bool {
	for _, pool := range c.gateway.Pools() {
		if strings.EqualFold(pool.Name, name) {
			return slices.ContainsFunc(pool.Addresses, func(one string) bool { return strings.EqualFold(one, m.Host) }) ||
				slices.ContainsFunc(pool.Interfaces, func(one string) bool {
					return slices.ContainsFunc(m.Interfaces, func(own string) bool { return cloud.SameID(own, one) })
				})
		}
	}
	return false
}

// backed is what a backend must serve for HTTP settings to accept it; nil
// without TLS.
func (c *copier) backed(setting string, names []string) []string {
	i := slices.IndexFunc(c.gateway.Settings(), func(s cloud.BackendSetting) bool { return strings.EqualFold(s.Name, setting) })
	if i < 0 {
		return nil
	}
	settings := c.gateway.Settings()[i]
	if !strings.EqualFold(settings.Protocol, "Https") {
		return nil
	}
	if settings.Host != "" {
		names = append([]string{settings.Host}, names...)
	}
	var best shape.Certificate
	for _, root := range c.shape.Roots {
		if len(root.Chain) == 0 || !slices.ContainsFunc(settings.Roots, func(name string) bool { return strings.EqualFold(name, root.Name) }) {
			continue
		}
		of := c.certificates[root.Chain[0]]
		own := of.Issuer == of.ID && (len(of.Names) > 0 || !of.CA) // a machine's self-signed one
		names := slices.ContainsFunc(of.Names, func(one string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(one, name) })
		})
		if best.ID == "" || own && names {
			best = of
		}
	}
	switch {
	case best.ID == "":
		return []string{c.issue(names, c.public())}
	case best.Issuer == best.ID && (len(best.Names) > 0 || !best.CA):
		return []string{best.ID}
	}
	return append([]string{c.issue(names, best.ID)}, best.ID)
}

// webs stand in for servers behind the gateway that are none of ArcGIS', where
// the gateway found them well.
func (c *copier) webs() []any {
	list := []any{}
	done := map[string]bool{}
	for _, route := range c.gateway.Routes() {
		for _, pool := range c.gateway.Pools() {
			if !strings.EqualFold(pool.Name, route.Pool) {
				continue
			}
			for _, host := range pool.Addresses {
				key := net.JoinHostPort(strings.ToLower(host), fmt.Sprint(route.Port))
				if done[key] || route.Port == 0 || c.ours(host, route.Port) {
					continue
				}
				done[key] = true
				if !c.well(host, route) {
					c.missing(fmt.Sprintf("nothing answers at %s, as now", key))
					continue
				}
				list = append(list, tree{"host": host, "port": route.Port, "chain": c.backed(route.Setting, []string{host})})
			}
		}
	}
	return list
}

// ours tells whether a machine of the shape listens there, or would.
func (c *copier) ours(host string, port int) bool {
	return slices.ContainsFunc(c.shape.Machines, func(m shape.Machine) bool {
		return strings.EqualFold(m.Host, host) && (m.Off || slices.ContainsFunc(m.Components, func(one shape.Component) bool { return one.Port == port }))
	})
}

// well tells whether the gateway found a backend healthy, or nobody asked it.
func (c *copier) well(host string, route cloud.Route) bool {
	known := false
	for _, server := range c.shape.Health {
		if strings.EqualFold(server.Address, host) && strings.EqualFold(server.Pool, route.Pool) && strings.EqualFold(server.Setting, route.Setting) {
			if server.Up() {
				return true
			}
			known = true
		}
	}
	return !known
}
