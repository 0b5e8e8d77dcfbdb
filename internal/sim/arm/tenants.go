package arm

import (
	"net/http"
	"slices"
	"strings"
)

// Source for the shapes: Azure REST reference, Tenants - List, Subscriptions -
// List, Resource Groups - List, Providers - List.

// listTenants shows the tenants that the caller is in: an application one, a
// person also those it is a guest in.
func (s *Server) listTenants(w http.ResponseWriter, c call) *failure {
	ids := []string{c.caller.Tenant}
	if s.o.TenantsOf != nil {
		ids = s.o.TenantsOf(c.caller)
	}
	list := []any{}
	for _, tenant := range s.o.Tenants {
		if !slices.Contains(ids, tenant.ID) {
			continue
		}
		document := map[string]any{"id": "/tenants/" + tenant.ID, "tenantId": tenant.ID, "tenantCategory": "Home"}
		if !s.o.Guesses.OneTenantName || tenant.ID == c.caller.Tenant {
			document["displayName"], document["defaultDomain"], document["domains"] = tenant.Name, tenant.Domain, []string{tenant.Domain}
			document["countryCode"], document["tenantType"] = "NL", "AAD"
		}
		list = append(list, document)
	}
	return s.page(w, c, list)
}

func (s *Server) subscriptionDocument(subscription Subscription) map[string]any {
	return map[string]any{
		"id": "/subscriptions/" + subscription.ID, "subscriptionId": subscription.ID, "tenantId": subscription.Tenant,
		"displayName": subscription.Name, "state": "Enabled", "authorizationSource": "RoleBased", "managedByTenants": []any{},
		"subscriptionPolicies": map[string]any{"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
	}
}

// listSubscriptions shows those of the token's tenant that the caller has any
// right in.
func (s *Server) listSubscriptions(w http.ResponseWriter, c call) *failure {
	s.mu.Lock()
	list := []any{}
	for _, subscription := range s.o.Subscriptions {
		if strings.EqualFold(subscription.Tenant, c.caller.Tenant) && s.sees(c.caller, subscription.ID) {
			list = append(list, s.subscriptionDocument(subscription))
		}
	}
	s.mu.Unlock()
	return s.page(w, c, list)
}

func (s *Server) getSubscription(w http.ResponseWriter, c call) *failure {
	id := strings.Split(strings.Trim(c.request.URL.Path, "/"), "/")[1]
	for _, subscription := range s.o.Subscriptions {
		if !strings.EqualFold(subscription.ID, id) {
			continue
		}
		s.mu.Lock()
		sees := s.sees(c.caller, id)
		s.mu.Unlock()
		if sees {
			answer(w, http.StatusOK, s.subscriptionDocument(subscription))
			return nil
		}
	}
	return notFoundSubscription(id)
}

func (s *Server) listLocations(w http.ResponseWriter, c call) *failure {
	list := []any{}
	for _, name := range []string{"westeurope", "northeurope", "eastus"} {
		list = append(list, map[string]any{"name": name, "displayName": name, "regionalDisplayName": name, "metadata": map[string]any{"regionType": "Physical"}})
	}
	return s.page(w, c, list)
}

func (s *Server) listGroups(w http.ResponseWriter, c call) *failure {
	return s.list(w, c, "/subscriptions/"+segment(c, 1), func(r *resource) bool { return r.id.kind == groupKind })
}

func (s *Server) getGroup(w http.ResponseWriter, c call) *failure {
	group := segment(c, 3)
	full := groupScope(segment(c, 1), group)
	r, f := s.find(c, resourceID{subscription: segment(c, 1), group: group, kind: groupKind}, full, "/read")
	if f != nil {
		return f
	}
	answer(w, http.StatusOK, r.document)
	return nil
}

// listProviders tells which types there are; the Azure CLI asks for the
// api-versions of a type before it shows a resource of it.
func (s *Server) listProviders(w http.ResponseWriter, c call) *failure {
	s.mu.Lock()
	types := map[string]map[string]bool{}
	for _, r := range s.order {
		namespace, kind, _ := strings.Cut(r.id.kind, "/")
		if types[namespace] == nil {
			types[namespace] = map[string]bool{}
		}
		types[namespace][kind] = true
	}
	s.mu.Unlock()
	list := []any{}
	for namespace, kinds := range types {
		resourceTypes := []any{}
		for kind := range kinds {
			resourceTypes = append(resourceTypes, map[string]any{"resourceType": kind, "locations": []string{"West Europe"}, "apiVersions": []string{"2024-05-01", "2023-09-01"}})
		}
		provider := map[string]any{"id": "/subscriptions/" + segment(c, 1) + "/providers/" + namespace, "namespace": namespace,
			"registrationState": "Registered", "registrationPolicy": "RegistrationRequired", "resourceTypes": resourceTypes}
		if strings.EqualFold(segment(c, 3), namespace) {
			answer(w, http.StatusOK, provider)
			return nil
		}
		list = append(list, provider)
	}
	if segment(c, 3) != "" {
		return fail(http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", segment(c, 3))
	}
	return s.page(w, c, list)
}

// segment is the path segment at a place, or "".
func segment(c call, at int) string {
	parts := strings.Split(strings.Trim(c.request.URL.Path, "/"), "/")
	if at >= len(parts) {
		return ""
	}
	return parts[at]
}
