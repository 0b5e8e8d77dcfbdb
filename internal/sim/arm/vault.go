package arm

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

const vaultKind = "microsoft.keyvault/vaults"

// Named finds a resource by type and name, wherever it is: names of vaults
// are unique in Azure.
func (s *Server) Named(kind, name string) (map[string]any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.order {
		if strings.EqualFold(r.id.kind, kind) && strings.EqualFold(r.id.name, name) {
			return clone(r.document), true
		}
	}
	return nil, false
}

// routeVault is what can be changed of a vault. Lists and reads are those of
// every resource; a deleted vault is not part of any world, so the list of
// them is empty.
func (s *Server) routeVault(kind, action, method string) (string, func(http.ResponseWriter, call, resourceID, string) *failure) {
	switch {
	case kind == vaultKind && action == "" && (method == http.MethodPatch || method == http.MethodPut):
		return "vault-resource", s.writeVault
	case kind == vaultKind+"/accesspolicies" && action == "" && method == http.MethodPut:
		return "vault-resource", s.writePolicies
	}
	return "", nil
}

// writeVault changes a vault that exists: PATCH what it names, PUT the whole.
// Source: Azure REST reference, Vaults - Update and Create Or Update.
func (s *Server) writeVault(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	body, f := c.body()
	if f != nil {
		return f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, f := s.vaultToWrite(c, id, full, "/write")
	if f != nil {
		return f
	}
	was := object(r.document, "properties")
	asked := maps.Clone(object(body, "properties"))
	properties := asked
	if c.request.Method == http.MethodPatch {
		properties = maps.Clone(was)
		maps.Copy(properties, asked)
	}
	for _, kept := range []string{"vaultUri", "provisioningState", "tenantId", "privateEndpointConnections"} {
		if was[kept] != nil {
			properties[kept] = was[kept]
		}
	}
	if protected, _ := was["enablePurgeProtection"].(bool); protected && properties["enablePurgeProtection"] != true {
		return fail(http.StatusBadRequest, "BadRequest", "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.")
	}
	r.document["properties"] = properties
	if tags, ok := body["tags"].(map[string]any); ok {
		r.document["tags"] = tags
	}
	s.tell(full, false)
	answer(w, http.StatusOK, r.document)
	return nil
}

// vaultToWrite is called under the lock.
func (s *Server) vaultToWrite(c call, id resourceID, full, action string) (*resource, *failure) {
	if f := s.require(c.caller, "Microsoft.KeyVault/vaults"+action, full); f != nil {
		return nil, f
	}
	r, ok := s.resources[strings.ToLower(full)]
	if !ok {
		return nil, notFoundResource(id) // worlds do not create vaults
	}
	return r, s.locked(full, "ReadOnly")
}

// writePolicies adds, replaces or removes permissions of principals.
// Source: Azure REST reference, Vaults - Update Access Policy.
func (s *Server) writePolicies(w http.ResponseWriter, c call, _ resourceID, full string) *failure {
	body, f := c.body()
	if f != nil {
		return f
	}
	at := strings.LastIndex(strings.ToLower(full), "/accesspolicies/")
	vault, operation := full[:at], strings.ToLower(full[at+len("/accesspolicies/"):])
	if !slices.Contains([]string{"add", "replace", "remove"}, operation) {
		return fail(http.StatusBadRequest, "BadRequest", "The operation '%s' is none of add, replace and remove.", operation)
	}
	id, _ := parseID(vault)
	s.mu.Lock()
	defer s.mu.Unlock()
	r, f := s.vaultToWrite(c, id, vault, "/accessPolicies/write")
	if f != nil {
		return f
	}
	properties := object(r.document, "properties")
	policies, _ := properties["accessPolicies"].([]any)
	policies = slices.Clone(policies)
	asked, _ := object(body, "properties")["accessPolicies"].([]any)
	for _, item := range asked {
		policy, _ := item.(map[string]any)
		policies = changePolicies(policies, policy, operation)
	}
	properties["accessPolicies"] = policies
	s.tell(vault, false)
	answer(w, http.StatusOK, map[string]any{"id": vault + "/accessPolicies/", "type": "Microsoft.KeyVault/vaults/accessPolicies", "properties": map[string]any{"accessPolicies": policies}})
	return nil
}

// changePolicies works on the policy of one principal: add joins the words,
// remove takes them away, replace puts the new policy in place.
func changePolicies(policies []any, asked map[string]any, operation string) []any {
	principal, _ := asked["objectId"].(string)
	at := slices.IndexFunc(policies, func(item any) bool {
		policy, _ := item.(map[string]any)
		have, _ := policy["objectId"].(string)
		return strings.EqualFold(have, principal)
	})
	switch {
	case at < 0 && operation == "remove":
		return policies
	case at < 0:
		return append(policies, asked)
	case operation == "replace":
		policies[at] = asked
		return policies
	}
	changed := clone(policies[at].(map[string]any))
	permissions := object(changed, "permissions")
	for kind, value := range object(asked, "permissions") {
		words, _ := value.([]any)
		have, _ := permissions[kind].([]any)
		have = slices.DeleteFunc(have, func(word any) bool {
			return slices.ContainsFunc(words, func(other any) bool { return sameWord(word, other) })
		})
		if operation == "add" {
			have = append(have, words...)
		}
		permissions[kind] = have
	}
	policies[at] = changed
	return policies
}

func sameWord(a, b any) bool {
	one, _ := a.(string)
	other, _ := b.(string)
	return strings.EqualFold(one, other)
}
