package deployment

import (
	"fmt"
	"sort"
	"strings"
)

// Select finds the one deployment that a person means by name: its id, name,
// domain (or secondary domain), gateway name or gateway resource id, in any
// case. The error is a *NotFoundError or an *AmbiguousError.
//
// All of these but the last two can be written into a tag by anybody who may
// write tags, so a name that fits two deployments in any way is ambiguous: no
// kind of name goes before another. Only a gateway's resource id, which no tag
// can change, decides alone, unless several deployments share the gateway.
func Select(list []Deployment, name string) (Deployment, error) {
	name = strings.TrimSpace(name)
	var found, behind []Deployment
	for _, d := range list {
		if d.GatewayID != "" && strings.EqualFold(d.GatewayID, name) {
			behind = append(behind, d)
		}
		if contains(d.handles(), name) {
			found = append(found, d)
		}
	}
	if len(behind) > 0 {
		found = behind
	}
	switch len(found) {
	case 0:
		return Deployment{}, &NotFoundError{Name: name, Near: near(list, name), Listed: len(list)}
	case 1:
		return found[0], nil
	}
	candidates := make([]Candidate, 0, len(found))
	for _, d := range found {
		candidates = append(candidates, Candidate{Deployment: d, Use: unique(list, d)})
	}
	return Deployment{}, &AmbiguousError{Name: name, Candidates: candidates}
}

// Again finds the deployment that a plan or a run was about: by its gateway,
// whose id nobody can write into a tag, and where that is shared by its own id.
func Again(list []Deployment, gatewayID, id string) (Deployment, bool) {
	for _, d := range list {
		if d.GatewayID != "" && strings.EqualFold(d.GatewayID, gatewayID) && strings.EqualFold(d.ID, id) {
			return d, true
		}
	}
	return Deployment{}, false
}

// handles are the names by which a deployment can be called, the most telling
// first, without empty ones.
func (d Deployment) handles() []string {
	var list []string
	for _, h := range append([]string{d.Domain, d.SecondaryDomain, d.Name, d.ID, d.gatewayName()}, d.OtherNames...) {
		if h != "" && !contains(list, h) {
			list = append(list, h)
		}
	}
	return list
}

func (d Deployment) gatewayName() string {
	return d.GatewayID[strings.LastIndex(d.GatewayID, "/")+1:]
}

// unique is a name that fits d and no other deployment of the list, "" when
// there is none (two deployments without gateways under one id).
func unique(list []Deployment, d Deployment) string {
	for _, handle := range d.handles() {
		count := 0
		for _, other := range list {
			if contains(other.handles(), handle) {
				count++
			}
		}
		if count == 1 {
			return handle
		}
	}
	return d.GatewayID
}

// NotFoundError says that no deployment has the name.
type NotFoundError struct {
	Name string
	// Near holds up to three names that look like it, the nearest first.
	Near []string
	// Listed is how many deployments were looked at; with none, the question
	// is rather what the caller may read.
	Listed int
}

func (e *NotFoundError) Error() string {
	switch {
	case e.Listed == 0:
		return fmt.Sprintf("no deployment %q: none at all was found in what may be read", e.Name)
	case len(e.Near) > 0:
		return fmt.Sprintf("no deployment %q; near it: %s", e.Name, strings.Join(e.Near, ", "))
	}
	return fmt.Sprintf("no deployment %q among %d", e.Name, e.Listed)
}

// AmbiguousError says that several deployments have the name.
type AmbiguousError struct {
	Name       string
	Candidates []Candidate
}

// Candidate is one of several deployments that a name fits.
type Candidate struct {
	Deployment Deployment
	// Use is a name that fits this deployment only, "" when there is none.
	Use string
}

func (e *AmbiguousError) Error() string {
	var uses []string
	for _, c := range e.Candidates {
		use := c.Use
		if use == "" {
			use = fmt.Sprintf("(id %s in %s: cannot be told apart)", c.Deployment.ID, c.Deployment.ResourceGroup)
		}
		uses = append(uses, use)
	}
	return fmt.Sprintf("%q fits %d deployments; say which: %s", e.Name, len(e.Candidates), strings.Join(uses, ", "))
}

// near are up to three handles that resemble name, the nearest first.
func near(list []Deployment, name string) []string {
	const most = 3
	// Longer names are not compared: the cost is the product of the lengths.
	if name == "" || len(name) > maxTag {
		return nil
	}
	type scored struct {
		handle   string
		distance int
	}
	wanted := strings.ToLower(name)
	allowed := max(1, len(wanted)/5)
	var scores []scored
	seen := map[string]bool{}
	for _, d := range list {
		for _, handle := range d.handles() {
			h := strings.ToLower(handle)
			if seen[h] {
				continue
			}
			seen[h] = true
			switch distance := distance(wanted, h); {
			case distance <= allowed:
				scores = append(scores, scored{handle, distance})
			case len(wanted) >= 3 && strings.Contains(h, wanted):
				scores = append(scores, scored{handle, allowed + 1})
			}
		}
	}
	sort.SliceStable(scores, func(i, j int) bool { return scores[i].distance < scores[j].distance })
	var names []string
	for _, s := range scores[:min(most, len(scores))] {
		names = append(names, s.handle)
	}
	return names
}

// distance is the number of bytes to insert, delete or replace to make a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
