package arm

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// authorization answers below {scope}/providers/Microsoft.Authorization.
// Source for the shapes: Azure REST reference, Authorization: Permissions,
// Role Assignments, Role Definitions, Deny Assignments; Management Locks.
func (s *Server) authorization(w http.ResponseWriter, c call, scope, what string) *failure {
	s.mu.Lock()
	list, f := s.authorizations(c, scope, what)
	s.mu.Unlock()
	if f != nil {
		return f
	}
	return s.page(w, c, list)
}

func (s *Server) authorizations(c call, scope, what string) ([]any, *failure) {
	if what == "permissions" {
		return s.permissions(c, scope), s.require(c.caller, "Microsoft.Authorization/permissions/read", scope)
	}
	read := map[string]string{"locks": "locks", "roleassignments": "roleAssignments", "denyassignments": "denyAssignments", "roledefinitions": "roleDefinitions"}[what]
	if read == "" {
		return nil, fail(http.StatusNotFound, "InvalidResourceType", "The resource type '%s' could not be found in the namespace 'Microsoft.Authorization'.", what)
	}
	if f := s.require(c.caller, "Microsoft.Authorization/"+read+"/read", scope); f != nil {
		return nil, f
	}
	filter, f := readFilter(c.request.URL.Query())
	if f != nil {
		return nil, f
	}
	switch what {
	case "locks":
		return s.lockList(scope, filter), nil
	case "roleassignments":
		return s.assignments(scope, filter), nil
	case "denyassignments":
		return s.denyList(scope, filter), nil
	}
	return s.definitions(scope, filter), nil
}

// permissions are the caller's own, groups included. Deny assignments and
// locks do not show in them.
func (s *Server) permissions(c call, scope string) []any {
	list := []any{}
	for _, grant := range s.granted(c.caller.ObjectID, scope) {
		list = append(list, map[string]any{"actions": orEmpty(grant.Actions), "notActions": orEmpty(grant.NotActions),
			"dataActions": orEmpty(grant.DataActions), "notDataActions": orEmpty(grant.NotDataActions)})
	}
	return list
}

// authFilter is a $filter of this provider. Without one, a list shows what is
// at the scope, above it and below it.
type authFilter struct {
	atScope                         bool
	assignedTo, principal, roleName string
}

var (
	assignedToTerm = regexp.MustCompile(`(?i)^assignedTo\('([^']*)'\)$`)
	equalsTerm     = regexp.MustCompile(`(?i)^(principalId|roleName|type|denyAssignmentName) eq '([^']*)'$`)
	andWord        = regexp.MustCompile(`(?i)\s+and\s+`)
)

// readFilter reads the terms that the API documents, joined by "and".
func readFilter(query url.Values) (filter authFilter, f *failure) {
	text := strings.TrimSpace(query.Get("$filter"))
	if text == "" {
		return filter, nil
	}
	for _, term := range andWord.Split(text, 8) {
		assigned, equals := assignedToTerm.FindStringSubmatch(term), equalsTerm.FindStringSubmatch(term)
		switch lower := strings.ToLower(term); {
		case lower == "atscope()":
			filter.atScope = true
		case lower == "atscopeandbelow()":
		case assigned != nil:
			filter.assignedTo = assigned[1]
		case equals != nil && strings.EqualFold(equals[1], "principalId"):
			filter.principal = equals[2]
		case equals != nil && !strings.EqualFold(equals[1], "type"):
			filter.roleName = equals[2]
		case equals != nil: // type eq 'BuiltInRole': names are unique anyhow
		default:
			return filter, fail(http.StatusBadRequest, "UnsupportedQuery", "The filter '%s' is not supported. Supported filters are either 'atScope()' or 'principalId eq '{value}' or assignedTo('{value}')'.", text)
		}
	}
	return filter, nil
}

// shows tells whether something at a scope belongs to the list that was asked
// for at another.
func (filter authFilter) shows(asked, scope string) bool {
	return within(asked, scope) || !filter.atScope && within(scope, asked)
}

func (s *Server) lockList(scope string, filter authFilter) []any {
	list := []any{}
	for _, lock := range s.locks {
		if filter.shows(scope, lock.Scope) {
			list = append(list, map[string]any{"id": lock.Scope + "/providers/Microsoft.Authorization/locks/" + lock.Name, "name": lock.Name,
				"type": "Microsoft.Authorization/locks", "properties": map[string]any{"level": lock.Level, "notes": lock.Notes}})
		}
	}
	return list
}

// assignments: assignedTo also finds those of the principal's groups,
// principalId only its own.
func (s *Server) assignments(scope string, filter authFilter) []any {
	list := []any{}
	for _, grant := range s.grants {
		if !filter.shows(scope, grant.Scope) ||
			filter.principal != "" && !strings.EqualFold(filter.principal, grant.Principal) ||
			filter.assignedTo != "" && !s.speaksFor(filter.assignedTo, grant.Principal) {
			continue
		}
		name := guidOf(grant.Principal + grant.Scope + grant.Role)
		kind := grant.PrincipalType
		if kind == "" {
			kind = "ServicePrincipal"
		}
		list = append(list, map[string]any{
			"id": grant.Scope + "/providers/Microsoft.Authorization/roleAssignments/" + name, "name": name, "type": "Microsoft.Authorization/roleAssignments",
			"properties": map[string]any{"principalId": grant.Principal, "principalType": kind, "scope": grant.Scope,
				"roleDefinitionId": definitionID(grant.Scope, roleOf(grant).id), "condition": nil, "conditionVersion": nil, "description": nil},
		})
	}
	return list
}

// everyone is how a deny assignment names all principals.
const everyone = "00000000-0000-0000-0000-000000000000"

func (d Deny) name() string { return guidOf(d.Scope + d.Name) }

func (s *Server) denyList(scope string, filter authFilter) []any {
	list := []any{}
	for _, deny := range s.denies {
		if !filter.shows(scope, deny.Scope) || filter.roleName != "" && filter.roleName != deny.Name ||
			filter.principal != "" && !slices.Contains(deny.Principals, filter.principal) ||
			filter.assignedTo != "" && !s.denied(deny, filter.assignedTo, deny.Scope) {
			continue
		}
		principals := []any{}
		for _, id := range deny.Principals {
			principals = append(principals, map[string]any{"id": id, "type": "ServicePrincipal"})
		}
		if len(principals) == 0 {
			principals = append(principals, map[string]any{"id": everyone, "type": "SystemDefined"})
		}
		excluded := []any{}
		for _, id := range deny.Excluded {
			excluded = append(excluded, map[string]any{"id": id, "type": "ServicePrincipal"})
		}
		list = append(list, map[string]any{"id": deny.Scope + "/providers/Microsoft.Authorization/denyAssignments/" + deny.name(), "name": deny.name(), "type": "Microsoft.Authorization/denyAssignments",
			"properties": map[string]any{"denyAssignmentName": deny.Name, "description": "", "scope": deny.Scope, "doNotApplyToChildScopes": deny.HereOnly, "isSystemProtected": true,
				"principals": principals, "excludePrincipals": excluded,
				"permissions": []any{map[string]any{"actions": orEmpty(deny.Actions), "notActions": orEmpty(deny.NotActions), "dataActions": orEmpty(deny.DataActions), "notDataActions": orEmpty(deny.NotDataActions)}}}})
	}
	return list
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
