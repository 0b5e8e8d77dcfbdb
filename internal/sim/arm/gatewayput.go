package arm

import (
	"crypto/tls"
	"maps"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

const gatewayWrite = "Microsoft.Network/applicationGateways/write"

// putGateway replaces the whole gateway. The body is the new document: what
// it leaves out is gone, but for the keys of certificates that keep their name.
// Source: Azure REST reference, Application Gateways - Create Or Update.
func (s *Server) putGateway(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	body, f := c.body()
	if f != nil {
		return f
	}
	if s.ground.TakeFault("changed-meanwhile", c.step) {
		s.Edit(full, func(document map[string]any) { object(document, "tags")["changed-by"] = "somebody else" })
	}
	body["id"] = full
	fresh := openCertificates(body)
	s.mu.Lock()
	op, document, f := s.acceptPut(c, id, full, body, fresh)
	s.mu.Unlock()
	if f != nil {
		return f
	}
	h := w.Header()
	h.Set("Azure-Asyncoperation", op.url(s.o.Cloud.Host, "operations", c.version))
	s.ground.RetryAfter(h, pollInterval)
	if etag, ok := document["etag"].(string); ok {
		h.Set("ETag", etag)
	}
	answer(w, http.StatusOK, document)
	return nil
}

// acceptPut does under the lock all that ARM does before it answers.
func (s *Server) acceptPut(c call, id resourceID, full string, body map[string]any, fresh opened) (*operation, map[string]any, *failure) {
	if f := s.require(c.caller, gatewayWrite, full); f != nil {
		return nil, nil, f
	}
	g, ok := s.gateways[strings.ToLower(full)]
	if !ok {
		return nil, nil, notFoundResource(id) // worlds do not create gateways
	}
	stored := s.resources[strings.ToLower(full)]
	if f := s.locked(full, "ReadOnly"); f != nil {
		return nil, nil, f
	}
	if f := s.ifMatch(c, stored.document); f != nil {
		return nil, nil, f
	}
	if g.running != nil && s.o.Guesses.Busy != "supersede" {
		return nil, nil, s.busy()
	}
	body["id"], body["name"], body["type"] = g.id, stored.document["name"], stored.document["type"]
	keys, f := s.check(c, body, fresh, g)
	if f != nil {
		return nil, nil, f
	}
	change := s.begin(g, stored)
	s.supersede(g)
	s.replace(g, stored, body, keys)
	how := s.plot(c.step)
	how.blind = s.o.Guesses.NoOpDoesNotLook && sameButForState(change.document, stored.document)
	s.ground.Ledger.Record(ground.GatewayWrite, full, "put")
	op := s.start(g, change, how)
	return op, clone(stored.document), nil
}

// check judges a body that is to become the gateway.
func (s *Server) check(c call, body map[string]any, fresh opened, g *gateway) (map[string]tls.Certificate, *failure) {
	if location, _ := body["location"].(string); location == "" {
		return nil, fail(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
	}
	if f := duplicates(body); f != nil {
		return nil, f
	}
	if f := needsIdentity(body); f != nil {
		return nil, f
	}
	keys, f := settleCertificates(body, fresh, g.keys)
	if f != nil {
		return nil, f
	}
	if f := references(body, g.id); f != nil {
		return nil, f
	}
	return keys, s.linked(c, body, g.id)
}

// before is what a gateway was when a write was accepted.
type before struct {
	document map[string]any
	keys     map[string]tls.Certificate
}

func (s *Server) begin(g *gateway, stored *resource) before {
	return before{document: clone(stored.document), keys: maps.Clone(g.keys)}
}

// replace makes a document the gateway's own, as Updating.
func (s *Server) replace(g *gateway, stored *resource, document map[string]any, keys map[string]tls.Certificate) {
	guid := object(stored.document, "properties")["resourceGuid"]
	g.keys = keys
	object(document, "properties")["resourceGuid"] = guid
	s.showIdentity(document)
	settle(document, g, "Updating")
	s.showMembers(document)
	stored.document = document
	s.tell(g.id, false)
}

// busy is the answer to a write while an operation runs.
func (s *Server) busy() *failure {
	if s.o.Guesses.Busy != "retry" {
		return busyConflict()
	}
	f := fail(http.StatusTooManyRequests, "RetryableError", "A retryable error occurred.").
		with("RetryableErrorDueToAnotherOperation", "Operation PutApplicationGatewayOperation cannot proceed because another one is in progress. Please retry later.")
	f.header = http.Header{}
	s.ground.RetryAfter(f.header, pollInterval)
	return f
}

func busyConflict() *failure {
	return fail(http.StatusConflict, "AnotherOperationInProgress", "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri given in its Azure-AsyncOperation header.")
}

// duplicates refuses two children of one name.
func duplicates(body map[string]any) *failure {
	for collection, list := range collections(body) {
		seen := map[string]bool{}
		for _, child := range list {
			name, _ := child["name"].(string)
			if seen[strings.ToLower(name)] {
				return fail(http.StatusBadRequest, "InvalidRequestFormat", "Cannot parse the request.").
					with("DuplicateResourceName", "Resource %s has two child resources with the same name (%s) in %s.", body["id"], name, collection)
			}
			seen[strings.ToLower(name)] = true
		}
	}
	return nil
}

// references refuses a reference to a child that the body does not have.
// Source: error InvalidResourceReference of the Network provider.
func references(body map[string]any, id string) *failure {
	known := map[string]bool{}
	for collection, list := range collections(body) {
		for _, child := range list {
			name, _ := child["name"].(string)
			known[strings.ToLower(collection+"/"+name)] = true
		}
	}
	for collection, list := range collections(body) {
		for _, child := range list {
			name, _ := child["name"].(string)
			properties, _ := child["properties"].(map[string]any)
			if missing := dangling(properties, strings.ToLower(id)+"/", known); missing != "" {
				return fail(http.StatusBadRequest, "InvalidResourceReference",
					"Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", missing, id+"/"+collection+"/"+name)
			}
			// guess: an HTTPS listener without a certificate is refused with this code.
			if protocol, _ := properties["protocol"].(string); collection == "httpListeners" && strings.EqualFold(protocol, "Https") && properties["sslCertificate"] == nil {
				return fail(http.StatusBadRequest, "ApplicationGatewayHttpsListenerMustReferenceSslCert", "Https Listener %s must reference a Ssl Certificate.", name)
			}
		}
	}
	return nil
}

// dangling finds a reference below a gateway's id that leads to no child.
func dangling(value any, below string, known map[string]bool) string {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if missing := dangling(item, below, known); missing != "" {
				return missing
			}
		}
	case map[string]any:
		_, own := value["name"] // a nested child, whose id is its own
		if id, ok := value["id"].(string); ok && !own {
			if child, inside := strings.CutPrefix(strings.ToLower(id), below); inside && !known[child] && strings.Count(child, "/") == 1 {
				return id
			}
		}
		for _, item := range value {
			if missing := dangling(item, below, known); missing != "" {
				return missing
			}
		}
	}
	return ""
}

// linkedActions are needed on what a gateway refers to by these names.
// Source: Azure documentation, "Application Gateway infrastructure
// configuration", permissions, for existing resources.
var linkedActions = map[string][]string{
	"subnet":          {"Microsoft.Network/virtualNetworks/subnets/read", "Microsoft.Network/virtualNetworks/subnets/join/action"},
	"publicIPAddress": {"Microsoft.Network/publicIPAddresses/read", "Microsoft.Network/publicIPAddresses/join/action"},
	"firewallPolicy":  {"Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/join/action"},
}

// linked checks what a gateway stands on: it must exist, and the caller must
// be allowed to join it, at every write again.
// Source: Azure documentation, "Application Gateway infrastructure
// configuration", permissions; error LinkedAuthorizationFailed.
func (s *Server) linked(c call, body map[string]any, id string) *failure {
	join := func(action, scope string) *failure {
		s.note(c.caller.ObjectID, action)
		if s.allowed(c.caller, action, scope) {
			return nil
		}
		return fail(http.StatusForbidden, "LinkedAuthorizationFailed",
			"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, it does not have permission to perform action(s) '%s' on the linked scope(s) '%s' (respectively) or the linked scope(s) are invalid.",
			c.caller.ClientID, c.caller.ObjectID, gatewayWrite, id, action, scope)
	}
	under := func(properties map[string]any) *failure {
		for key, actions := range linkedActions {
			reference, _ := properties[key].(map[string]any)
			scope, _ := reference["id"].(string)
			if scope == "" {
				continue
			}
			if !s.exists(scope) {
				return fail(http.StatusBadRequest, "InvalidResourceReference", "Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", scope, id)
			}
			for _, action := range actions {
				if strings.HasSuffix(action, "/read") && !s.o.Guesses.LinkedReads {
					continue
				}
				if f := join(action, scope); f != nil {
					return f
				}
			}
		}
		return nil
	}
	if f := under(object(body, "properties")); f != nil {
		return f
	}
	for _, collection := range []string{"gatewayIPConfigurations", "frontendIPConfigurations", "httpListeners"} {
		for _, child := range children(body, collection) {
			if f := under(object(child, "properties")); f != nil {
				return f
			}
		}
	}
	identity, _ := body["identity"].(map[string]any)
	assigned, _ := identity["userAssignedIdentities"].(map[string]any)
	for scope := range assigned {
		if !s.exists(scope) {
			// guess: ARM's own code for an identity that is not there.
			return fail(http.StatusBadRequest, "FailedIdentityOperation", "Identity operation for resource '%s' failed with error 'The resource '%s' was not found.'.", id, scope)
		}
		if f := join("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", scope); f != nil {
			return f
		}
	}
	return nil
}

// exists finds a resource, or a subnet inside its network's document.
func (s *Server) exists(id string) bool {
	if _, ok := s.resources[strings.ToLower(id)]; ok {
		return true
	}
	network, subnet, ok := strings.Cut(strings.ToLower(id), "/subnets/")
	r, found := s.resources[network]
	if !ok || !found {
		return false
	}
	properties, _ := r.document["properties"].(map[string]any)
	list, _ := properties["subnets"].([]any)
	for _, item := range list {
		entry, _ := item.(map[string]any)
		if name, _ := entry["name"].(string); strings.EqualFold(name, subnet) {
			return true
		}
	}
	return false
}
