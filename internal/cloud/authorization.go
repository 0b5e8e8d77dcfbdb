package cloud

import (
	"context"
	"strings"
)

// authorizationPath leads from a scope to what Azure keeps about rights in it.
const authorizationPath = "/providers/Microsoft.Authorization/"

// Permissions are what the signed-in account may do at a scope, its groups and
// custom roles taken into account. Deny assignments and locks are not in it.
type Permissions struct {
	grants []grant
}

// grant is a role's, or a deny assignment's, list of operations. Azure keeps
// those of Resource Manager (actions) and those of the services themselves
// (data actions) apart: "*" among the one says nothing about the other.
type grant struct {
	actions, notActions         []string
	dataActions, notDataActions []string
}

func readGrant(item Document) grant {
	return grant{
		actions:        textsAt(item, "actions"),
		notActions:     textsAt(item, "notActions"),
		dataActions:    textsAt(item, "dataActions"),
		notDataActions: textsAt(item, "notDataActions"),
	}
}

func readGrants(items []Document) []grant {
	var grants []grant
	for _, item := range items {
		grants = append(grants, readGrant(item))
	}
	return grants
}

// Permissions asks what the caller may do at a scope: a resource, a group or a
// subscription, by its id.
func (rm *ResourceManager) Permissions(ctx context.Context, scope string) (Permissions, error) {
	items, err := rm.List(ctx, scope+authorizationPath+"permissions", PermissionsAPI, nil)
	if err != nil {
		return Permissions{}, err
	}
	return Permissions{grants: readGrants(items)}, nil
}

// Allows tells whether an action such as
// "Microsoft.Network/applicationGateways/write" is permitted: by any grant whose
// actions match it and whose own notActions do not. What one role excludes,
// another one may still give.
func (p Permissions) Allows(action string) bool {
	return anyGrant(p.grants, Right{Action: action})
}

// AllowsData is Allows for an operation of a service itself, such as
// "Microsoft.KeyVault/vaults/secrets/getSecret/action".
func (p Permissions) AllowsData(action string) bool {
	return anyGrant(p.grants, Right{Action: action, Data: true})
}

// Right is one operation that Azure may permit or deny.
type Right struct {
	// Action is its name by Azure's list of resource provider operations.
	Action string
	// Data tells that it belongs to the service itself (dataActions), not to
	// Resource Manager.
	Data bool
}

func anyGrant(grants []grant, right Right) bool {
	for _, g := range grants {
		if g.matches(right) {
			return true
		}
	}
	return false
}

func (g grant) matches(right Right) bool {
	with, without := g.actions, g.notActions
	if right.Data {
		with, without = g.dataActions, g.notDataActions
	}
	return anyMatches(with, right.Action) && !anyMatches(without, right.Action)
}

// anyMatches: a star between two slashes also stands for nothing, and the
// slashes for one. Nothing says so, but it must be: Managed Identity Operator
// has userAssignedIdentities/*/assign/action, and is documented to permit
// userAssignedIdentities/assign/action.
func anyMatches(patterns []string, action string) bool {
	for _, pattern := range patterns {
		if actionMatches(pattern, action) || actionMatches(strings.ReplaceAll(pattern, "/*/", "/"), action) {
			return true
		}
	}
	return false
}

// actionMatches: * stands for any text, slashes included; case does not matter.
func actionMatches(pattern, action string) bool {
	pattern, action = strings.ToLower(pattern), strings.ToLower(action)
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == action
	}
	first, last := parts[0], parts[len(parts)-1]
	rest, ok := strings.CutPrefix(action, first)
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, last)
}
