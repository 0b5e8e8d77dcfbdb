package cloud

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Member is a machine in a backend pool, by name or address.
type Member struct {
	Pool    string `json:"pool"`
	Address string `json:"address"`
	// Place is where in the pool's list it stands.
	Place int `json:"place"`
	// By tells which run has taken it out, "" where that is not known.
	By string `json:"by,omitempty"`
}

// awayTag begins the names of tags that tell which members were taken out of
// their pools for a while: whoever writes the gateway next, also after a crash
// and from another computer, knows what belongs there.
const awayTag = "cartouche-away-"

// Away are the members that were taken out by [Gateway.WithAway] and are yet to
// return. A tag that somebody else has written does not count.
func (g *Gateway) Away() []Member {
	var away []Member
	for name, value := range g.Tags() {
		if !strings.HasPrefix(strings.ToLower(name), awayTag) {
			continue
		}
		parts := strings.Split(value, ";")
		if len(parts) < 3 || len(parts) > 4 || len(value) > 256 {
			continue
		}
		by := ""
		if len(parts) == 4 {
			by = parts[3]
		}
		place, err := strconv.Atoi(parts[2])
		if err == nil && place >= 0 && parts[0] != "" && parts[1] != "" {
			away = append(away, Member{Pool: parts[0], Address: parts[1], Place: place, By: by})
		}
	}
	slices.SortFunc(away, func(a, b Member) int { return strings.Compare(a.tag(), b.tag()) })
	return away
}

func (m Member) tag() string {
	text := m.Pool + ";" + m.Address + ";" + strconv.Itoa(m.Place)
	if m.By != "" {
		text += ";" + m.By
	}
	return text
}

// In tells whether a member was taken out by one of those who took others out.
func (m Member) In(list []Member) bool {
	return slices.ContainsFunc(list, func(other Member) bool { return m.is(other) && m.By == other.By })
}

func (m Member) is(other Member) bool {
	return strings.EqualFold(m.Pool, other.Pool) && strings.EqualFold(m.Address, other.Address)
}

// WithAway gives the document in which exactly the wanted members are out of
// their pools: whatever else was taken out returns to its place. A member that
// is not in its pool is passed over, and so is the last one of a pool: a pool
// never becomes empty. changed tells whether there is anything to write.
func (g *Gateway) WithAway(wanted []Member) (document Document, changed bool, err error) {
	document = g.Document()
	properties, err := editable(document)
	if err != nil {
		return nil, false, fmt.Errorf("change backend pools of gateway %s: %w", g.Name(), err)
	}
	tags := objectAt(document, "tags")
	if tags == nil {
		tags = map[string]any{}
		document["tags"] = tags
	}
	away := g.Away()
	for name := range g.Tags() {
		if strings.HasPrefix(strings.ToLower(name), awayTag) {
			delete(tags, name)
			changed = true
		}
	}
	for _, member := range away {
		if !slices.ContainsFunc(wanted, member.is) {
			returnTo(properties, member)
		}
	}
	stay := 0
	for _, member := range wanted {
		if i := slices.IndexFunc(away, member.is); i >= 0 {
			member = away[i]
			stay++
		} else if !takeFrom(properties, &member) {
			continue
		} else {
			changed = true
		}
		tags[awayTag+strconv.Itoa(len(tags))] = member.tag()
	}
	if stay == len(wanted) && stay == len(away) && len(away) == countAway(g) {
		changed = false // all is as wanted
	}
	return document, changed, nil
}

func countAway(g *Gateway) int {
	n := 0
	for name := range g.Tags() {
		if strings.HasPrefix(strings.ToLower(name), awayTag) {
			n++
		}
	}
	return n
}

// poolIn finds the properties of a pool and its addresses.
func poolIn(properties map[string]any, name string) (pool map[string]any, addresses []any) {
	for _, item := range listAt(properties, "backendAddressPools") {
		if strings.EqualFold(textAt(item, "name"), name) {
			pool = objectAt(item, "properties")
			return pool, listAt(pool, "backendAddresses")
		}
	}
	return nil, nil
}

func addressOf(item any) string {
	if name := textAt(item, "fqdn"); name != "" {
		return name
	}
	return textAt(item, "ipAddress")
}

func returnTo(properties map[string]any, member Member) {
	pool, addresses := poolIn(properties, member.Pool)
	if pool == nil || slices.ContainsFunc(addresses, func(a any) bool { return strings.EqualFold(addressOf(a), member.Address) }) {
		return // the pool is gone, or somebody has put it back
	}
	kind := "fqdn"
	if strings.Trim(member.Address, "0123456789.") == "" || strings.Contains(member.Address, ":") {
		kind = "ipAddress"
	}
	pool["backendAddresses"] = slices.Insert(slices.Clone(addresses), min(member.Place, len(addresses)), any(map[string]any{kind: member.Address}))
}

func takeFrom(properties map[string]any, member *Member) bool {
	pool, addresses := poolIn(properties, member.Pool)
	place := slices.IndexFunc(addresses, func(a any) bool { return strings.EqualFold(addressOf(a), member.Address) })
	if place < 0 || len(addresses) < 2 {
		return false
	}
	member.Address, member.Place = addressOf(addresses[place]), place
	pool["backendAddresses"] = slices.Delete(slices.Clone(addresses), place, place+1)
	return true
}
