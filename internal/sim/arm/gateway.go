package arm

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Plane is the data plane of a gateway: what serves while ARM only tells.
type Plane interface {
	Apply(ctx context.Context, document map[string]any, certs map[string]tls.Certificate, addresses map[string]string) error
	Health(ctx context.Context) []map[string]any
}

// gateway is what ARM remembers of a gateway beside its document.
type gateway struct {
	id       string
	keys     map[string]tls.Certificate // by entry name in lower case; never leaves
	disabled map[string]bool            // entries whose listeners are disabled, likewise
	due      time.Duration              // when it looks at Key Vault again, by Clock.Elapsed
	plane    Plane                      // nil: the gateway exists on paper only
	serving  serving                    // what the data plane has
	running  *operation
	applying sync.Mutex // one change of the data plane at a time
}

// AddGateway stores a gateway whose document may hold data and password in its
// certificate entries, as a PUT would, and brings its data plane up.
func (s *Server) AddGateway(ctx context.Context, document map[string]any, plane Plane) error {
	document, err := plain(document)
	if err != nil {
		return err
	}
	keys, f := settleCertificates(document, openCertificates(document), nil)
	if f != nil {
		return fmt.Errorf("add gateway: %w", f)
	}
	id, _ := document["id"].(string)
	g := &gateway{id: id, keys: keys, disabled: map[string]bool{}, plane: plane}
	l := s.look(ctx, document)
	for name, problem := range l.problems {
		return fmt.Errorf("add gateway: certificate %s: %s", name, problem)
	}
	maps.Copy(g.keys, l.pairs)
	settle(document, g, "Succeeded")
	if err := s.Add(document); err != nil {
		return err
	}
	s.mu.Lock()
	s.showMembers(s.resources[strings.ToLower(id)].document)
	s.gateways[strings.ToLower(id)] = g
	g.due = s.ground.Clock.Elapsed() + lookEvery
	s.mu.Unlock()
	s.work.Go(func() { s.keepLooking(g) })
	return s.apply(ctx, g)
}

// serving is what a data plane was given: it may differ from the document of
// a gateway whose operation failed.
type serving struct {
	document map[string]any
	pairs    map[string]tls.Certificate // by entry name in lower case
}

// apply makes the data plane follow the stored document.
func (s *Server) apply(ctx context.Context, g *gateway) error {
	s.mu.Lock()
	r, ok := s.resources[strings.ToLower(g.id)]
	if !ok {
		s.mu.Unlock()
		return fmt.Errorf("gateway %s is gone", g.id)
	}
	next := serving{document: clone(r.document), pairs: maps.Clone(g.keys)}
	s.mu.Unlock()
	return s.hand(ctx, g, next)
}

// hand gives document, keys and addresses to the data plane.
func (s *Server) hand(ctx context.Context, g *gateway, next serving) error {
	if g.plane == nil {
		return nil
	}
	g.applying.Lock()
	defer g.applying.Unlock()
	certs := map[string]tls.Certificate{}
	for _, entry := range children(next.document, "sslCertificates") {
		name, _ := entry["name"].(string)
		if pair, ok := next.pairs[strings.ToLower(name)]; ok {
			certs[name] = pair
		}
	}
	encoded, err := json.Marshal(next.document)
	if err != nil {
		return err
	}
	// The data plane gets ordinary JSON numbers.
	var document map[string]any
	if err := json.Unmarshal(encoded, &document); err != nil {
		return err
	}
	s.mu.Lock()
	addresses := s.addresses(next.document)
	s.reach(document)
	withoutDisabled(document, g.disabled)
	s.mu.Unlock()
	if err := g.plane.Apply(ctx, document, certs, addresses); err != nil {
		return err
	}
	s.mu.Lock()
	g.serving = next
	s.mu.Unlock()
	return nil
}

// addresses finds the IP address of each frontend: its own when private, that
// of its public IP address resource else.
func (s *Server) addresses(document map[string]any) map[string]string {
	out := map[string]string{}
	for _, frontend := range children(document, "frontendIPConfigurations") {
		name, _ := frontend["name"].(string)
		properties, _ := frontend["properties"].(map[string]any)
		if private, _ := properties["privateIPAddress"].(string); private != "" {
			out[name] = private
			continue
		}
		reference, _ := properties["publicIPAddress"].(map[string]any)
		id, _ := reference["id"].(string)
		if public, ok := s.resources[strings.ToLower(id)]; ok {
			theirs, _ := public.document["properties"].(map[string]any)
			if address, _ := theirs["ipAddress"].(string); address != "" {
				out[name] = address
			}
		}
	}
	return out
}

// collections are the arrays of children in a gateway's properties: every
// array of objects that have a name. Future ones are so understood as well.
func collections(document map[string]any) map[string][]map[string]any {
	out := map[string][]map[string]any{}
	properties, _ := document["properties"].(map[string]any)
	for key, value := range properties {
		list, _ := value.([]any)
		for _, item := range list {
			child, ok := item.(map[string]any)
			if _, named := child["name"].(string); ok && named {
				out[key] = append(out[key], child)
			}
		}
	}
	return out
}

func children(document map[string]any, collection string) []map[string]any {
	return collections(document)[collection]
}

// settle gives the document and its children ids, types, state and a new
// ETag, and shows of the certificates only their public part.
// Source: Azure REST reference, Application Gateways - Create Or Update, sample responses.
func settle(document map[string]any, g *gateway, state string) {
	id, _ := document["id"].(string)
	properties := object(document, "properties")
	properties["operationalState"] = "Running"
	if properties["resourceGuid"] == nil {
		properties["resourceGuid"] = guidOf(id)
	}
	complete(properties)
	for collection, list := range collections(document) {
		for _, child := range list {
			name, _ := child["name"].(string)
			child["id"] = id + "/" + collection + "/" + name
			child["type"] = "Microsoft.Network/applicationGateways/" + collection
			inner := object(child, "properties")
			if collection == "sslCertificates" {
				showPublic(inner, g.keys[strings.ToLower(name)], isV1(document))
			}
			rules, _ := inner["pathRules"].([]any)
			for _, item := range rules {
				if rule, ok := item.(map[string]any); ok {
					ruleName, _ := rule["name"].(string)
					rule["id"] = id + "/" + collection + "/" + name + "/pathRules/" + ruleName
					rule["type"] = "Microsoft.Network/applicationGateways/" + collection + "/pathRules"
				}
			}
		}
	}
	mark(document, state)
}

// everyCollection are those that a gateway shows even when they are empty.
// Source: Azure REST reference, Application Gateways - Get and Create Or
// Update, sample responses.
var everyCollection = []string{"authenticationCertificates", "backendAddressPools", "backendHttpSettingsCollection", "backendSettingsCollection",
	"frontendIPConfigurations", "frontendPorts", "gatewayIPConfigurations", "httpListeners", "listeners", "loadDistributionPolicies",
	"privateEndpointConnections", "privateLinkConfigurations", "probes", "redirectConfigurations", "requestRoutingRules", "rewriteRuleSets",
	"routingRules", "sslCertificates", "sslProfiles", "trustedClientCertificates", "trustedRootCertificates", "urlPathMaps"}

// complete fills in what the Network provider shows and a body may leave out.
func complete(properties map[string]any) {
	for _, name := range everyCollection {
		if properties[name] == nil {
			properties[name] = []any{}
		}
	}
	defaults := func(collection, property string, value any) {
		list, _ := properties[collection].([]any)
		for _, item := range list {
			child, ok := item.(map[string]any)
			if !ok {
				continue
			}
			if inner := object(child, "properties"); inner[property] == nil {
				inner[property] = value
			}
		}
	}
	defaults("frontendIPConfigurations", "privateIPAllocationMethod", "Dynamic")
	defaults("backendHttpSettingsCollection", "pickHostNameFromBackendAddress", false)
}

// mark sets the provisioning state everywhere and moves the ETag.
func mark(document map[string]any, state string) {
	object(document, "properties")["provisioningState"] = state
	for _, list := range collections(document) {
		for _, child := range list {
			object(child, "properties")["provisioningState"] = state
		}
	}
	stamp(document)
}

// stamp moves the ETag of the document and of its children.
func stamp(document map[string]any) {
	etag := `W/"` + uuid.NewString() + `"`
	document["etag"] = etag
	for _, list := range collections(document) {
		for _, child := range list {
			child["etag"] = etag
		}
	}
}

// object is the object under a key; it is made if there is none.
func object(of map[string]any, key string) map[string]any {
	inner, ok := of[key].(map[string]any)
	if !ok {
		inner = map[string]any{}
		of[key] = inner
	}
	return inner
}

func isV1(document map[string]any) bool {
	properties, _ := document["properties"].(map[string]any)
	sku, _ := properties["sku"].(map[string]any)
	tier, _ := sku["tier"].(string)
	return tier == "Standard" || tier == "WAF"
}

// patchGateway changes tags, at once.
// Source: Azure REST reference, Application Gateways - Update Tags.
func (s *Server) patchGateway(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	body, f := c.body()
	if f != nil {
		return f
	}
	s.mu.Lock()
	document, f := s.patchTags(c, id, full, body)
	g := s.gateways[strings.ToLower(full)]
	s.mu.Unlock()
	if f != nil {
		return f
	}
	if g != nil && !s.o.Guesses.TagsDoNotLook {
		s.work.Go(func() { s.poll(s.ctx, g) })
	}
	answer(w, http.StatusOK, document)
	return nil
}

func (s *Server) patchTags(c call, id resourceID, full string, body map[string]any) (map[string]any, *failure) {
	if f := s.require(c.caller, "Microsoft.Network/applicationGateways/write", full); f != nil {
		return nil, f
	}
	r, ok := s.resources[strings.ToLower(full)]
	if !ok {
		return nil, notFoundResource(id)
	}
	if f := s.locked(full, "ReadOnly"); f != nil {
		return nil, f
	}
	if f := s.ifMatch(c, r.document); f != nil {
		return nil, f
	}
	tags, ok := body["tags"].(map[string]any)
	if !ok {
		return nil, fail(http.StatusBadRequest, "InvalidRequestContent", "The request content must have tags.")
	}
	r.document["tags"] = maps.Clone(tags)
	if !s.o.Guesses.TagsKeepETag {
		stamp(r.document)
	}
	s.tell(full, false)
	s.ground.Ledger.Record(ground.GatewayWrite, full, "tags")
	return clone(r.document), nil
}

// ifMatch compares the If-Match header with the ETag.
// Source: cloud-provider-azure#9729: 412 PreconditionFailed with the detail
// PreconditionFailedEtagMismatch, seen on public IP addresses.
func (s *Server) ifMatch(c call, document map[string]any) *failure {
	want := c.request.Header.Get("If-Match")
	have, _ := document["etag"].(string)
	if want == "" || want == "*" || want == have || s.o.Guesses.IgnoreIfMatch {
		return nil
	}
	return fail(http.StatusPreconditionFailed, "PreconditionFailed", "Precondition failed.").
		with("PreconditionFailedEtagMismatch", "Etag provided in if-match header %s does not match etag %s of resource %s in NRP data store.", want, have, document["id"])
}
