package arm

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// Grant is one role assignment, with the role's actions written out.
type Grant struct {
	Principal  string // object id
	Scope      string // /subscriptions/… or a resource id; it holds below, too
	Role       string // display name; Roles has the built-in ones
	Actions    []string
	NotActions []string
}

// Lock forbids changes at a scope and below. Level is ReadOnly or CanNotDelete.
type Lock struct{ Scope, Name, Level, Notes string }

// role ids and actions of built-in roles.
// Source: Azure documentation, "Azure built-in roles".
type role struct {
	id                  string
	actions, notActions []string
}

var roles = map[string]role{
	"Owner": {"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", []string{"*"}, nil},
	"Contributor": {"b24988ac-6180-42a0-ab88-20f7382dd24c", []string{"*"}, []string{
		"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"}},
	"Reader":              {"acdd72a7-3385-48ef-bd42-f606fba81ae7", []string{"*/read"}, nil},
	"Network Contributor": {"4d97b98b-1d4f-4787-a291-c67834d212e7", []string{"Microsoft.Network/*", "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Authorization/*/read"}, nil},
}

// RoleGrant is a Grant of a built-in role: Owner, Contributor, Reader or
// Network Contributor.
func RoleGrant(principal, scope, name string) Grant {
	r := roles[name]
	return Grant{Principal: principal, Scope: scope, Role: name, Actions: r.actions, NotActions: r.notActions}
}

// SetGrants replaces all role assignments.
func (s *Server) SetGrants(grants ...Grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants = grants
}

// SetLocks replaces all locks.
func (s *Server) SetLocks(locks ...Lock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locks = locks
}

// allowed tells whether an action may be done at a scope: some grant at or
// above it has a matching action and no matching notAction of its own.
// Source: Azure RBAC documentation, "How Azure RBAC determines if a user has
// access to a resource".
func (s *Server) allowed(caller entra.Caller, action, scope string) bool {
	if strings.HasPrefix(action, groupKind) {
		action = "Microsoft.Resources/subscriptions/resourceGroups" + strings.TrimPrefix(action, groupKind)
	}
	for _, grant := range s.granted(caller, scope) {
		if matchesAny(grant.Actions, action) && !matchesAny(grant.NotActions, action) {
			return true
		}
	}
	return false
}

// granted are the caller's grants at or above a scope.
func (s *Server) granted(caller entra.Caller, scope string) []Grant {
	var out []Grant
	for _, grant := range s.grants {
		if strings.EqualFold(grant.Principal, caller.ObjectID) && within(scope, grant.Scope) {
			out = append(out, grant)
		}
	}
	return out
}

// sees tells whether the caller may know of a subscription at all: it has any
// grant in it.
func (s *Server) sees(caller entra.Caller, subscription string) bool {
	for _, grant := range s.grants {
		if strings.EqualFold(grant.Principal, caller.ObjectID) && within(grant.Scope, "/subscriptions/"+subscription) {
			return true
		}
	}
	return false
}

func (s *Server) require(caller entra.Caller, action, scope string) *failure {
	if s.allowed(caller, action, scope) {
		return nil
	}
	return fail(http.StatusForbidden, "AuthorizationFailed",
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
		caller.ClientID, caller.ObjectID, action, scope)
}

func matchesAny(patterns []string, action string) bool {
	for _, pattern := range patterns {
		if matches(strings.ToLower(pattern), strings.ToLower(action)) {
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

// locked finds a lock of a level at or above a scope.
func (s *Server) locked(scope, level string) *failure {
	for _, lock := range s.locks {
		if lock.Level == level && within(scope, lock.Scope) {
			return fail(http.StatusConflict, "ScopeLocked",
				"The scope '%s' cannot perform write operation because following scope(s) are locked: '%s'. Please remove the lock and try again.", scope, lock.Scope)
		}
	}
	return nil
}

// authorization answers below {scope}/providers/Microsoft.Authorization.
func (s *Server) authorization(w http.ResponseWriter, c call, scope, what string) *failure {
	s.mu.Lock()
	list, f := s.authorizations(c, scope, what)
	s.mu.Unlock()
	if f != nil {
		return f
	}
	answer(w, http.StatusOK, map[string]any{"value": list})
	return nil
}

func (s *Server) authorizations(c call, scope, what string) ([]any, *failure) {
	list := []any{}
	switch what {
	case "permissions":
		for _, grant := range s.granted(c.caller, scope) {
			list = append(list, map[string]any{"actions": orEmpty(grant.Actions), "notActions": orEmpty(grant.NotActions), "dataActions": []string{}, "notDataActions": []string{}})
		}
	case "locks":
		if f := s.require(c.caller, "Microsoft.Authorization/locks/read", scope); f != nil {
			return nil, f
		}
		atScope := strings.Contains(strings.ToLower(c.request.URL.Query().Get("$filter")), "atscope()")
		for _, lock := range s.locks {
			if within(scope, lock.Scope) || !atScope && within(lock.Scope, scope) {
				list = append(list, map[string]any{"id": lock.Scope + "/providers/Microsoft.Authorization/locks/" + lock.Name, "name": lock.Name,
					"type": "Microsoft.Authorization/locks", "properties": map[string]any{"level": lock.Level, "notes": lock.Notes}})
			}
		}
	case "roleassignments":
		if f := s.require(c.caller, "Microsoft.Authorization/roleAssignments/read", scope); f != nil {
			return nil, f
		}
		list = s.assignments(scope)
	case "denyassignments":
		if f := s.require(c.caller, "Microsoft.Authorization/denyAssignments/read", scope); f != nil {
			return nil, f
		}
	default:
		return nil, fail(http.StatusNotFound, "InvalidResourceType", "The resource type '%s' could not be found in the namespace 'Microsoft.Authorization'.", what)
	}
	return list, nil
}

// assignments at or above a scope.
func (s *Server) assignments(scope string) []any {
	list := []any{}
	for _, grant := range s.grants {
		if !within(scope, grant.Scope) {
			continue
		}
		name := guidOf(grant.Principal + grant.Scope + grant.Role)
		definition := roles[grant.Role].id
		if definition == "" {
			definition = guidOf(grant.Role)
		}
		list = append(list, map[string]any{
			"id": grant.Scope + "/providers/Microsoft.Authorization/roleAssignments/" + name, "name": name, "type": "Microsoft.Authorization/roleAssignments",
			"properties": map[string]any{"principalId": grant.Principal, "principalType": "ServicePrincipal", "scope": grant.Scope,
				"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + definition},
		})
	}
	return list
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// number reads a JSON number as an int.
func number(v any) int {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return int(i)
}
