package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// need is a run that could not be taken back without something.
type need struct {
	run   string
	until time.Time
}

// needs are what runs could not be taken back without, and all names with which
// they have had to do.
type needs struct {
	entries, families, roots map[string]need
	known                    map[string]bool
}

// After leaves out what has not soaked yet: the entries, authorities and roots
// without which a run could not be taken back, and those of which this journal
// has no run, so that nobody knows since when they are of no use.
func (c Cleaning) After(state rotation.State, runs []journal.Run, soak rotation.Soak) Cleaning {
	if soak.For <= 0 || state.Gateway == nil {
		return c
	}
	needed := neededOf(state, runs, soak)
	past := c
	past.Entries, past.Roots = []Removal{}, []string{}
	stays := func(what string, by need) {
		past.Soaking = append(past.Soaking, rotation.Soaking{What: what, Run: by.run, Until: by.until})
	}
	for _, entry := range c.Entries {
		by, soaks := needed.entries[keyOf(entry.Machine, entry.Port, entry.Alias)]
		if !soaks {
			by, soaks = needed.families[family(entry.Alias)]
			soaks = soaks && family(entry.Alias) != strings.ToLower(entry.Alias) // an authority of it
		}
		if !soaks && !needed.known[family(entry.Alias)] {
			soaks = true
		}
		if soaks {
			stays(fmt.Sprintf("%s at %s, port %d", entry.Alias, entry.Machine, entry.Port), by)
			continue
		}
		past.Entries = append(past.Entries, entry)
	}
	for _, root := range c.Roots {
		by, soaks := needed.roots[strings.ToLower(root)]
		if soaks || !needed.known[family(root)] {
			stays("trusted root "+root, by)
			continue
		}
		past.Roots = append(past.Roots, root)
	}
	return past
}

func neededOf(state rotation.State, runs []journal.Run, soak rotation.Soak) needs {
	n := needs{map[string]need{}, map[string]need{}, map[string]need{}, map[string]bool{}}
	for _, run := range runs {
		kept, ok := remember(run)
		if !ok || !cloud.SameID(run.GatewayID, state.Gateway.ID()) || !strings.EqualFold(run.DeploymentID, state.Deployment.ID) {
			continue
		}
		n.known[family(kept.Alias)] = true
		until, over := soak.Over(run)
		over = over || rotation.LeftAsItWas(run.Outcome)
		longest := func(list map[string]need, key string) {
			if !over && until.After(list[key].until) {
				list[key] = need{run.ID, until}
			}
		}
		for _, port := range kept.Ports {
			n.known[family(port.BeforeAlias)], n.known[family(port.Alias)] = true, true
			if !port.BeforeUntil.IsZero() && !soak.Now.Before(port.BeforeUntil) {
				continue // nobody goes back to what has expired
			}
			longest(n.entries, keyOf(port.Machine, port.Port, port.BeforeAlias))
			longest(n.families, family(port.BeforeAlias))
		}
		for _, root := range kept.OldRoots {
			n.known[family(root)] = true
			longest(n.roots, strings.ToLower(root))
		}
		for _, root := range kept.Roots {
			n.known[family(root.Name)] = true
		}
	}
	return n
}

func keyOf(machine string, port int, alias string) string {
	return strings.ToLower(fmt.Sprintf("%s:%d %s", machine, port, alias))
}

// family is the alias of a rollout to which an entry or an authority belongs,
// or the name itself.
func family(name string) string {
	if match := ours.FindStringSubmatch(strings.ToLower(name)); match != nil {
		return match[1]
	}
	return strings.ToLower(name)
}
