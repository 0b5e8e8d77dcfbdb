package arm

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

const identityKind = "Microsoft.ManagedIdentity/userAssignedIdentities"

// identityMissing is a problem that the vault does not know of.
// Source: as for vault.Problem.
const identityMissing vault.Problem = "UserAssignedManagedIdentityNotFound"

// looked is what a gateway found when it read its references.
type looked struct {
	pairs    map[string]tls.Certificate // by entry name in lower case
	problems map[string]vault.Problem
	ids      map[string]string
}

// secretIDs are those of the certificate entries that have one, by
// name in lower case.
func secretIDs(document map[string]any) map[string]string {
	out := map[string]string{}
	for _, entry := range children(document, "sslCertificates") {
		name, _ := entry["name"].(string)
		if id, _ := object(entry, "properties")["keyVaultSecretId"].(string); id != "" {
			out[strings.ToLower(name)] = id
		}
	}
	return out
}

func assignedIdentities(document map[string]any) []string {
	identity, _ := document["identity"].(map[string]any)
	assigned, _ := identity["userAssignedIdentities"].(map[string]any)
	return slices.Sorted(maps.Keys(assigned))
}

// needsIdentity refuses references of a gateway without an identity.
// Source: the text is from azure-docs#35707. guess: the code, and that it
// comes at once.
func needsIdentity(document map[string]any) *failure {
	if len(secretIDs(document)) == 0 || len(assignedIdentities(document)) > 0 {
		return nil
	}
	return fail(http.StatusBadRequest, "ApplicationGatewayKeyVaultSecretRequiresIdentity",
		"Application Gateway '%s' requires a 'UserAssigned' Identity with 'get' access policy to the referenced KeyVault. Please provide so by using top level 'Identity' property on application gateway.", document["id"])
}

// showIdentity fills in what a client leaves out of its identities. Under the lock.
func (s *Server) showIdentity(document map[string]any) {
	for _, id := range assignedIdentities(document) {
		if r, ok := s.resources[strings.ToLower(id)]; ok {
			of := object(r.document, "properties")
			object(object(document, "identity"), "userAssignedIdentities")[id] = map[string]any{"principalId": of["principalId"], "clientId": of["clientId"]}
		}
	}
}

// look reads every reference of a document with the gateway's identity.
// Not under the lock: the vault asks for roles.
func (s *Server) look(ctx context.Context, document map[string]any) looked {
	out := looked{pairs: map[string]tls.Certificate{}, problems: map[string]vault.Problem{}, ids: secretIDs(document)}
	principal := s.principalOf(document)
	for name, id := range out.ids {
		switch {
		case principal == "":
			out.problems[name] = identityMissing
			continue
		case s.o.Fetch == nil:
			out.problems[name] = vault.VaultMissing
			continue
		case s.o.Guesses.VaultsOfSubscription && s.elsewhere(document, id):
			out.problems[name] = vault.NoPermission
			continue
		}
		pair, err := s.o.Fetch(ctx, principal, id, s.o.Guesses.NewestThoughDisabled)
		var refused *vault.FetchError
		switch {
		case errors.As(err, &refused):
			out.problems[name] = refused.Problem
		case err != nil:
			out.problems[name] = vault.Unreachable
		default:
			out.pairs[name] = pair
		}
	}
	return out
}

// principalOf is the object id of the gateway's identity, "" if it is gone.
func (s *Server) principalOf(document map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range assignedIdentities(document) {
		if r, ok := s.resources[strings.ToLower(id)]; ok && strings.EqualFold(r.id.kind, identityKind) {
			principal, _ := object(r.document, "properties")["principalId"].(string)
			return principal
		}
	}
	return ""
}

// elsewhere tells whether a secret's vault is in another subscription than
// the gateway.
func (s *Server) elsewhere(document map[string]any, secret string) bool {
	parsed, err := url.Parse(secret)
	if err != nil {
		return true
	}
	name, _, _ := strings.Cut(parsed.Hostname(), ".")
	found, ok := s.Named(vaultKind, name)
	mine, _ := document["id"].(string)
	theirs, _ := found["id"].(string)
	a, _ := parseID(mine)
	b, _ := parseID(theirs)
	return !ok || !strings.EqualFold(a.subscription, b.subscription)
}

// refusal is how an operation fails because of references.
// Source: mspnp/aks-baseline-multi-region#20 and azure-docs#33157 for codes
// and texts. guess: a disabled or deleted secret is told like a missing right.
func (l looked) refusal(gateway string) *failure {
	var f *failure
	for _, name := range slices.Sorted(maps.Keys(l.problems)) {
		problem := l.problems[name]
		if problem == vault.Unreachable {
			continue
		}
		if f == nil {
			f = fail(http.StatusOK, "ApplicationGatewayKeyVaultSecretException", "Problem occured while accessing and validating KeyVault Secrets associated with Application Gateway '%s'. See details below:", gateway)
		}
		if problem == vault.NotPFX {
			f = f.with("ApplicationGatewaySslCertificateInvalidData", "Data or Password for certificate %s/sslCertificates/%s is invalid.", gateway, name)
			continue
		}
		f = f.with("ApplicationGatewayKeyVaultSecretAccessDenied", "Access denied for KeyVault Secret '%s' for Application Gateway '%s'. Make sure that Identity assigned to Application Gateway has access to the KeyVault associated with secret.", l.ids[name], gateway)
	}
	return f
}

// take makes what was found the gateway's own, as far as the document still
// refers to it, and tells whether anything is different. Under the lock.
func (s *Server) take(g *gateway, document map[string]any, l looked) bool {
	changed := false
	now := secretIDs(document)
	for _, entry := range children(document, "sslCertificates") {
		name, _ := entry["name"].(string)
		key := strings.ToLower(name)
		pair, found := l.pairs[key]
		if !found || now[key] != l.ids[key] {
			continue
		}
		if !sameChain(g.keys[key], pair) {
			changed = true
			g.keys[key] = pair
			showPublic(object(entry, "properties"), pair, isV1(document))
		}
		changed = s.enable(g, key) || changed
	}
	return changed
}

// enable lets the listeners of an entry answer again, if they were disabled.
// Under the lock.
func (s *Server) enable(g *gateway, entry string) bool {
	was := g.disabled[entry]
	if was {
		delete(g.disabled, entry)
		s.ground.Ledger.Record(ground.ListenerState, g.id+"/sslCertificates/"+entry, "enabled")
	}
	return was
}

func sameChain(a, b tls.Certificate) bool { return reflect.DeepEqual(a.Certificate, b.Certificate) }

// follow is the look of a write: without problems, the data plane serves what
// was found. A vault that cannot be reached is no problem for an entry that
// the gateway has a certificate of.
// guess: what a write does when the vault cannot be reached.
func (s *Server) follow(ctx context.Context, g *gateway) *failure {
	document := s.Document(g.id)
	l := s.look(ctx, document)
	if f := l.refusal(g.id); f != nil {
		return f
	}
	s.mu.Lock()
	r, ok := s.resources[strings.ToLower(g.id)]
	if !ok || ctx.Err() != nil {
		s.mu.Unlock()
		return nil
	}
	s.take(g, r.document, l)
	for name := range l.problems {
		if _, has := g.keys[name]; !has {
			s.mu.Unlock()
			return fail(http.StatusOK, "InternalServerError", "An error occurred.")
		}
	}
	s.mu.Unlock()
	return nil
}

// withoutDisabled takes the rules of disabled listeners out of a document for
// the data plane.
// Source: Azure documentation, "Understanding disabled listeners": others go
// on. guess: a disabled listener does not answer at all.
func withoutDisabled(document map[string]any, disabled map[string]bool) {
	if len(disabled) == 0 {
		return
	}
	last := func(reference any) string {
		of, _ := reference.(map[string]any)
		id, _ := of["id"].(string)
		return strings.ToLower(id[strings.LastIndex(id, "/")+1:])
	}
	off := map[string]bool{}
	for _, listener := range children(document, "httpListeners") {
		name, _ := listener["name"].(string)
		off[strings.ToLower(name)] = disabled[last(object(listener, "properties")["sslCertificate"])]
	}
	properties := object(document, "properties")
	rules, _ := properties["requestRoutingRules"].([]any)
	properties["requestRoutingRules"] = slices.DeleteFunc(slices.Clone(rules), func(item any) bool {
		rule, _ := item.(map[string]any)
		return off[last(object(rule, "properties")["httpListener"])]
	})
}

// sameButForState compares documents without what every write changes.
func sameButForState(a, b map[string]any) bool {
	return reflect.DeepEqual(stateless(a), stateless(b))
}

func stateless(value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, inner := range value {
			if key != "etag" && key != "provisioningState" && key != "publicCertData" {
				out[key] = stateless(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			out[i] = stateless(inner)
		}
		return out
	}
	return value
}
