package arm

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// Grant is one role assignment, with what the role allows written out.
type Grant struct {
	Principal string // object id of a person, an application, an identity or a group
	// PrincipalType is User, Group or ServicePrincipal; "" is ServicePrincipal.
	PrincipalType string
	Scope         string // /subscriptions/… or a resource id; it holds below, too
	Role          string // display name; roles has the built-in ones
	Actions       []string
	NotActions    []string
	// DataActions and NotDataActions are about what is inside a resource.
	DataActions, NotDataActions []string
}

// Deny is one deny assignment: it takes away what grants give. Azure makes
// them, not people: for managed applications and deployment stacks.
// Source: Azure RBAC documentation, "List Azure deny assignments".
type Deny struct {
	Scope, Name string
	// Principals are object ids; none means everyone but Excluded.
	Principals, Excluded        []string
	Actions, NotActions         []string
	DataActions, NotDataActions []string
	// HereOnly is doNotApplyToChildScopes.
	HereOnly bool
}

// Lock forbids changes at a scope and below. Level is ReadOnly or CanNotDelete.
type Lock struct{ Scope, Name, Level, Notes string }

// SetGrants replaces all role assignments.
func (s *Server) SetGrants(grants ...Grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants = grants
}

// SetDenies replaces all deny assignments.
func (s *Server) SetDenies(denies ...Deny) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denies = denies
}

// SetMembers says who is in a group, by object id; a member may be a group.
func (s *Server) SetMembers(group string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[strings.ToLower(group)] = members
}

// SetLocks replaces all locks.
func (s *Server) SetLocks(locks ...Lock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locks = locks
}

// Allows tells whether a principal may do an action at a scope: some services
// ask about actions, and not data actions, behind the Resource Manager's back.
func (s *Server) Allows(objectID, action, scope string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(objectID, action)
	return s.allowed(entra.Caller{ObjectID: objectID}, action, scope)
}

// AllowsData tells whether a principal may do a data action, as
// Microsoft.KeyVault/vaults/certificates/read, at a scope.
func (s *Server) AllowsData(objectID, action, scope string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteData(objectID, action)
	for _, deny := range s.denies {
		if s.denied(deny, objectID, scope) && matchesAny(deny.DataActions, action) && !matchesAny(deny.NotDataActions, action) {
			return false
		}
	}
	return slices.ContainsFunc(s.granted(objectID, scope), func(grant Grant) bool {
		return matchesAny(grant.DataActions, action) && !matchesAny(grant.NotDataActions, action)
	})
}

// allowed tells whether an action may be done at a scope: some grant at or
// above it has a matching action and no matching notAction of its own, and no
// deny assignment forbids it.
// Source: Azure RBAC documentation, "How Azure RBAC determines if a user has
// access to a resource".
func (s *Server) allowed(caller entra.Caller, action, scope string) bool {
	return s.hasGrant(caller, action, scope) && s.deniedBy(caller, action, scope) == nil
}

// inRBAC spells an action as roles do: a group's type is a longer one there.
func inRBAC(action string) string {
	if rest, is := strings.CutPrefix(action, groupKind); is {
		return "Microsoft.Resources/subscriptions/resourceGroups" + rest
	}
	return action
}

func (s *Server) hasGrant(caller entra.Caller, action, scope string) bool {
	action = inRBAC(action)
	return slices.ContainsFunc(s.granted(caller.ObjectID, scope), func(grant Grant) bool {
		return matchesAny(grant.Actions, action) && !matchesAny(grant.NotActions, action)
	})
}

// deniedBy is the deny assignment that forbids an action, if there is one.
func (s *Server) deniedBy(caller entra.Caller, action, scope string) *Deny {
	action = inRBAC(action)
	for i, deny := range s.denies {
		if s.denied(deny, caller.ObjectID, scope) && matchesAny(deny.Actions, action) && !matchesAny(deny.NotActions, action) {
			return &s.denies[i]
		}
	}
	return nil
}

// denied tells whether a deny assignment is about this principal and scope.
func (s *Server) denied(deny Deny, objectID, scope string) bool {
	about := func(principal string) bool { return s.speaksFor(objectID, principal) }
	if !within(scope, deny.Scope) || deny.HereOnly && !within(deny.Scope, scope) {
		return false
	}
	return (len(deny.Principals) == 0 || slices.ContainsFunc(deny.Principals, about)) && !slices.ContainsFunc(deny.Excluded, about)
}

// granted are the grants of a principal, and of the groups it is in, at or
// above a scope.
func (s *Server) granted(objectID, scope string) []Grant {
	var out []Grant
	for _, grant := range s.grants {
		if within(scope, grant.Scope) && s.speaksFor(objectID, grant.Principal) {
			out = append(out, grant)
		}
	}
	return out
}

// speaksFor tells whether principal is objectID or a group that it is in.
func (s *Server) speaksFor(objectID, principal string) bool {
	return s.isOrHolds(principal, objectID, len(s.members))
}

// isOrHolds follows nested groups; depth ends circles.
func (s *Server) isOrHolds(principal, objectID string, depth int) bool {
	if strings.EqualFold(principal, objectID) {
		return true
	}
	return depth > 0 && slices.ContainsFunc(s.members[strings.ToLower(principal)], func(member string) bool { return s.isOrHolds(member, objectID, depth-1) })
}

// sees tells whether the caller may know of a subscription at all: it has any
// grant in it.
func (s *Server) sees(caller entra.Caller, subscription string) bool {
	return slices.ContainsFunc(s.grants, func(grant Grant) bool {
		return within(grant.Scope, "/subscriptions/"+subscription) && s.speaksFor(caller.ObjectID, grant.Principal)
	})
}

// require refuses what the caller may not do.
// Source: Azure RBAC documentation, "Troubleshoot Azure RBAC", for both codes.
func (s *Server) require(caller entra.Caller, action, scope string) *failure {
	s.note(caller.ObjectID, action)
	if !s.hasGrant(caller, action, scope) {
		return fail(http.StatusForbidden, "AuthorizationFailed",
			"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
			caller.Name(), caller.ObjectID, action, scope)
	}
	if deny := s.deniedBy(caller, action, scope); deny != nil {
		return fail(http.StatusForbidden, "DenyAssignmentAuthorizationFailed",
			"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, the access is denied because of the deny assignment with name '%s' and Id '%s' at scope '%s'.",
			caller.Name(), caller.ObjectID, action, scope, deny.Name, deny.name(), deny.Scope)
	}
	return nil
}

// matchesAny: guess: "/*/" also matches one slash. Managed Identity Operator's
// userAssignedIdentities/*/assign/action is documented to permit
// userAssignedIdentities/assign/action, and nothing says how.
func matchesAny(patterns []string, action string) bool {
	action = strings.ToLower(action)
	for _, pattern := range patterns {
		pattern = strings.ToLower(pattern)
		if matches(pattern, action) || matches(strings.ReplaceAll(pattern, "/*/", "/"), action) {
			return true
		}
	}
	return false
}

// matches lets * stand for any text, slashes included.
func matches(pattern, action string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == action
	}
	if !strings.HasPrefix(action, head) {
		return false
	}
	for rest := action[len(head):]; ; rest = rest[1:] {
		if matches(tail, rest) {
			return true
		}
		if rest == "" {
			return false
		}
	}
}

// locked finds a lock of one of the levels at or above a scope: ReadOnly
// forbids writing, both levels forbid deleting.
// Source: Azure Resource Manager, "Lock your resources".
func (s *Server) locked(scope string, levels ...string) *failure {
	doing := "write"
	if slices.Contains(levels, "CanNotDelete") {
		doing = "delete"
	}
	for _, lock := range s.locks {
		if slices.Contains(levels, lock.Level) && within(scope, lock.Scope) {
			return fail(http.StatusConflict, "ScopeLocked",
				"The scope '%s' cannot perform %s operation because following scope(s) are locked: '%s'. Please remove the lock and try again.", scope, doing, lock.Scope)
		}
	}
	return nil
}
