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
	// Scope is where it was made: a subscription, a group or a resource, by its
	// id. It holds there and below.
	Scope string
	// Level is "ReadOnly", which forbids writing, or "CanNotDelete", which does not.
	Level string
	// Notes are what whoever made it wrote down.
	Notes string
}

// Locks lists the locks that hold at a scope (a resource's id, or a group's),
// those made above it included.
func (rm *ResourceManager) Locks(ctx context.Context, scope string) ([]Lock, error) {
	items, err := rm.List(ctx, scope+authorizationPath+"locks", LocksAPI, url.Values{"$filter": {"atScope()"}})
	if err != nil {
		return nil, err
	}
	var locks []Lock
	for _, item := range items {
		id := textAt(item, "id")
		locks = append(locks, Lock{
			Name:  textAt(item, "name"),
			ID:    id,
			Scope: scopeOf(id),
			Level: textAt(item, "properties", "level"),
			Notes: textAt(item, "properties", "notes"),
		})
	}
	return locks, nil
}

// DeleteCommand is what somebody who may remove locks types.
func (l Lock) DeleteCommand() string { return "az lock delete --ids " + ShellWord(l.ID) }

// scopeOf is where a lock or an assignment with this id was made: what stands
// before its own provider.
func scopeOf(id string) string {
	at := strings.LastIndex(strings.ToLower(id), strings.ToLower(authorizationPath))
	return id[:max(at, 0)]
}
