package cloud

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// everybody is the principal of a deny assignment that stands for all users,
// groups, service principals and managed identities.
// Source: Azure documentation, "Understand Azure deny assignments".
const everybody = "00000000-0000-0000-0000-000000000000"

// DenyAssignment forbids operations whatever roles permit them. Azure makes
// them: for managed applications and deployment stacks.
type DenyAssignment struct {
	Name string
	ID   string
	// Scope is where it was made; it holds below it, too, unless OnlyHere.
	Scope    string
	OnlyHere bool

	principals, excluded []denyPrincipal
	denied               []grant
}

type denyPrincipal struct {
	id    string
	group bool
}

// DenyAssignments lists the deny assignments that hold at a scope, those made
// above it included.
func (rm *ResourceManager) DenyAssignments(ctx context.Context, scope string) ([]DenyAssignment, error) {
	items, err := rm.List(ctx, scope+authorizationPath+"denyAssignments", DenyAssignmentsAPI, url.Values{"$filter": {"atScope()"}})
	if err != nil {
		return nil, err
	}
	var assignments []DenyAssignment
	for _, item := range items {
		assignments = append(assignments, DenyAssignment{
			Name:       textAt(item, "properties", "denyAssignmentName"),
			ID:         textAt(item, "id"),
			Scope:      textAt(item, "properties", "scope"),
			OnlyHere:   boolAt(item, "properties", "doNotApplyToChildScopes"),
			principals: readPrincipals(item, "principals"),
			excluded:   readPrincipals(item, "excludePrincipals"),
			denied:     readGrants(objects(listAt(item, "properties", "permissions"))),
		})
	}
	return assignments, nil
}

func readPrincipals(item Document, name string) []denyPrincipal {
	var principals []denyPrincipal
	for _, one := range listAt(item, "properties", name) {
		principals = append(principals, denyPrincipal{
			id:    textAt(one, "id"),
			group: strings.EqualFold(textAt(one, "type"), "Group"),
		})
	}
	return principals
}

// Denial is how far a deny assignment is in the way.
type Denial int

const (
	// NotDenied: it says nothing about this operation, place or caller.
	NotDenied Denial = iota
	// MayBeDenied: it names a group, and whether the caller is in it cannot be
	// known from here.
	MayBeDenied
	// Denied: it forbids the operation.
	Denied
)

// Denies tells whether the assignment forbids a principal an operation at a
// scope where it was listed. Of a principal that is not known ("") all that can
// be said is what holds for everybody.
func (d DenyAssignment) Denies(principalID, scope string, right Right) Denial {
	if d.OnlyHere && !SameID(d.Scope, scope) || !anyGrant(d.denied, right) {
		return NotDenied
	}
	is := func(one denyPrincipal) bool { return principalID != "" && strings.EqualFold(one.id, principalID) }
	unsure := func(one denyPrincipal) bool { return one.group || principalID == "" && one.id != everybody }
	named := slices.ContainsFunc(d.principals, func(one denyPrincipal) bool { return is(one) || one.id == everybody })
	switch {
	case slices.ContainsFunc(d.excluded, is):
		return NotDenied
	case named && !slices.ContainsFunc(d.excluded, unsure):
		return Denied
	case named || slices.ContainsFunc(d.principals, unsure):
		return MayBeDenied
	}
	return NotDenied
}
