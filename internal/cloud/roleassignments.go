package cloud

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// MayDoData tells whether somebody else than the caller, such as a gateway's
// managed identity, may do an operation of a service itself at a scope, by
// Azure's roles: some role assigned to it or to a group that it is in, there or
// above, permits it, and no deny assignment forbids it.
//
// When it cannot be known for sure, the answer is false: an assignment under a
// condition does not count, and a deny assignment for a group does, whoever is
// in that group. The caller needs to read role assignments, role definitions
// and deny assignments, as a Reader may; else there is an error (IsForbidden).
// Roles that management groups give are included.
func (rm *ResourceManager) MayDoData(ctx context.Context, scope, principalID, dataAction string) (bool, error) {
	right := Right{Action: dataAction, Data: true}
	denials, err := rm.DenyAssignments(ctx, scope)
	if err != nil {
		return false, err
	}
	for _, denial := range denials {
		if denial.Denies(principalID, scope, right) != NotDenied {
			return false, nil
		}
	}
	// assignedTo follows groups, principalId would not.
	// Source: Azure documentation, "List Azure role assignments using the REST API".
	filter := fmt.Sprintf("atScope() and assignedTo('%s')", quoted(principalID))
	assignments, err := rm.List(ctx, scope+authorizationPath+"roleAssignments", RoleAssignmentsAPI, url.Values{"$filter": {filter}})
	if err != nil {
		return false, err
	}
	var definitions []string
	for _, assignment := range assignments {
		if id := textAt(assignment, "properties", "roleDefinitionId"); id != "" && textAt(assignment, "properties", "condition") == "" {
			definitions = append(definitions, id)
		}
	}
	return rm.anyRoleAllows(ctx, definitions, right)
}

// anyRoleAllows reads role definitions side by side. One that cannot be read
// matters only when none of the others allows the operation.
func (rm *ResourceManager) anyRoleAllows(ctx context.Context, definitions []string, right Right) (bool, error) {
	allowed := make([]bool, len(definitions))
	var group errgroup.Group
	group.SetLimit(8)
	for i, id := range definitions {
		group.Go(func() error {
			grants, err := rm.roles.read(ctx, rm, id)
			allowed[i] = anyGrant(grants, right)
			return err
		})
	}
	err := group.Wait()
	for _, yes := range allowed {
		if yes {
			return true, nil
		}
	}
	return false, err
}

// roleCache keeps role definitions: they hardly ever change, and one command
// meets the same few again and again.
type roleCache struct {
	mu    sync.Mutex
	known map[string][]grant // by lower-case id
}

func (c *roleCache) read(ctx context.Context, rm *ResourceManager, id string) ([]grant, error) {
	key := strings.ToLower(id)
	c.mu.Lock()
	grants, known := c.known[key]
	c.mu.Unlock()
	if known {
		return grants, nil
	}
	definition, err := rm.Get(ctx, id, RoleAssignmentsAPI)
	if err != nil {
		return nil, err
	}
	grants = readGrants(objects(listAt(definition, "properties", "permissions")))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string][]grant{}
	}
	c.known[key] = grants
	return grants, nil
}

// quoted is how OData writes a text between quotes: a quote inside of it twice.
func quoted(text string) string { return strings.ReplaceAll(text, "'", "''") }
