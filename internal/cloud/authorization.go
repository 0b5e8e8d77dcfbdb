package cloud

import (
	"context"
	"net/url"
	"strings"
)

// Lock is a management lock.
type Lock struct {
	Name string
	ID   string
	// Level is "ReadOnly", which forbids writing, or "CanNotDelete", which does not.
	Level string
	// Notes are what whoever made it wrote down.
	Notes string
}

// Locks lists the locks that hold at a scope (a resource's id, or a group's),
// those made above it included.
func (rm *ResourceManager) Locks(ctx context.Context, scope string) ([]Lock, error) {
	items, err := rm.List(ctx, scope+"/providers/Microsoft.Authorization/locks", LocksAPI, url.Values{"$filter": {"atScope()"}})
	if err != nil {
		return nil, err
	}
	var locks []Lock
	for _, item := range items {
		locks = append(locks, Lock{
			Name:  textAt(item, "name"),
			ID:    textAt(item, "id"),
			Level: textAt(item, "properties", "level"),
			Notes: textAt(item, "properties", "notes"),
		})
	}
	return locks, nil
}

// Permissions are what the signed-in account may do at a scope, its groups and
// custom roles taken into account. Deny assignments and locks are not in it.
type Permissions struct {
	grants []grant
}

type grant struct {
	actions    []string
	notActions []string
}

// Permissions asks what the caller may do at a scope.
func (rm *ResourceManager) Permissions(ctx context.Context, scope string) (Permissions, error) {
	items, err := rm.List(ctx, scope+"/providers/Microsoft.Authorization/permissions", PermissionsAPI, nil)
	if err != nil {
		return Permissions{}, err
	}
	var permissions Permissions
	for _, item := range items {
		permissions.grants = append(permissions.grants, grant{
			actions:    textsAt(item, "actions"),
			notActions: textsAt(item, "notActions"),
		})
	}
	return permissions, nil
}

// Allows tells whether an action such as
// "Microsoft.Network/applicationGateways/write" is permitted: by any grant whose
// actions match it and whose own notActions do not. What one role excludes,
// another one may still give.
func (p Permissions) Allows(action string) bool {
	for _, g := range p.grants {
		if anyMatches(g.actions, action) && !anyMatches(g.notActions, action) {
			return true
		}
	}
	return false
}

func anyMatches(patterns []string, action string) bool {
	for _, pattern := range patterns {
		if actionMatches(pattern, action) {
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
