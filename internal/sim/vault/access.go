package vault

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// authenticate checks the token; without one it answers the challenge, from
// which clients learn tenant and audience.
// Source: Key Vault documentation, "Authentication, requests and responses";
// recorded answers in the Azure SDKs for the exact form.
func (s *Server) authenticate(r *http.Request, document map[string]any) (entra.Caller, *failure) {
	tenant := text(properties(document), "tenantId")
	challenge := `Bearer authorization="https://` + s.o.Login + "/" + tenant + `", resource="https://` + s.o.Suffix + `"`
	refuse := func(message string) (entra.Caller, *failure) {
		f := fail(http.StatusUnauthorized, "Unauthorized", "%s", message)
		f.header = http.Header{"Www-Authenticate": {challenge}}
		return entra.Caller{}, f
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return refuse("AKV10000: Request is missing a Bearer or PoP token.")
	}
	caller, err := s.o.Verify(token, []string{"https://" + s.o.Suffix})
	switch {
	case errors.Is(err, entra.ErrExpired):
		return refuse("AKV10005: Error validating token: IDX10223: Lifetime validation failed. The token is expired.") // guess: the number
	case errors.Is(err, entra.ErrAudience):
		return refuse("AKV10022: Invalid audience. Expected https://" + s.o.Suffix + ", found another.")
	case errors.Is(err, entra.ErrRevoked) && caller.Continuous:
		claims := base64.StdEncoding.EncodeToString([]byte(`{"access_token":{"nbf":{"essential":true,"value":"` + fmt.Sprint(s.ground.Clock.Now().Unix()) + `"}}}`))
		challenge += `, error="insufficient_claims", claims="` + claims + `"`
		return refuse("AKV10000: The token was revoked.") // guess: the text
	case err != nil:
		return refuse("AKV10000: The token is invalid.") // guess: the text
	case !strings.EqualFold(caller.Tenant, tenant):
		return refuse("AKV10032: Invalid issuer. Expected one of " + s.o.Issuer + tenant + "/, found " + s.o.Issuer + caller.Tenant + "/.")
	}
	return caller, nil
}

func (s *Server) describe(caller entra.Caller) string {
	return fmt.Sprintf("appid=%s;oid=%s;iss=%s%s/", caller.ClientID, caller.ObjectID, s.o.Issuer, caller.Tenant)
}

// admit is the vault's firewall.
// Source: Key Vault documentation, "Configure network security" and "Diagnose
// private links"; Application Gateway is in its list of trusted services.
func (s *Server) admit(caller entra.Caller, network Network, v *vault, document map[string]any) *failure {
	p := properties(document)
	acls, _ := p["networkAcls"].(map[string]any)
	trusted := network == Gateway && !s.o.Guesses.GatewayNotTrusted && !strings.EqualFold(text(acls, "bypass"), "None")
	if trusted || network != Outside && hasPrivateEndpoint(p) {
		return nil
	}
	where := fmt.Sprintf("\r\nCaller: %s\r\nVault: %s;location=%s", s.describe(caller), v.name, text(document, "location"))
	if strings.EqualFold(text(p, "publicNetworkAccess"), "Disabled") {
		return fail(http.StatusForbidden, "Forbidden", "Public network access is disabled and request is not from a trusted service nor via an approved private link.%s", where).inner("ForbiddenByConnection")
	}
	if !strings.EqualFold(text(acls, "defaultAction"), "Deny") {
		return nil
	}
	// guess: whatever is in the virtual network is in one of the subnets that the rules name.
	if rules, _ := acls["virtualNetworkRules"].([]any); network != Outside && len(rules) > 0 {
		return nil
	}
	rules, _ := acls["ipRules"].([]any)
	for _, rule := range rules {
		if rule, _ := rule.(map[string]any); covers(text(rule, "value"), addressOf[network]) {
			return nil
		}
	}
	return fail(http.StatusForbidden, "Forbidden", "Client address is not authorized and caller is not a trusted service.\r\nClient address: %s%s", addressOf[network], where).inner("ForbiddenByFirewall")
}

func hasPrivateEndpoint(p map[string]any) bool {
	list, _ := p["privateEndpointConnections"].([]any)
	for _, item := range list {
		connection, _ := item.(map[string]any)
		state, _ := properties(connection)["privateLinkServiceConnectionState"].(map[string]any)
		if strings.EqualFold(text(state, "status"), "Approved") {
			return true
		}
	}
	return false
}

// covers tells whether a rule, an address or a prefix, covers an address.
func covers(rule, address string) bool {
	if prefix, err := netip.ParsePrefix(rule); err == nil {
		return prefix.Contains(netip.MustParseAddr(address))
	}
	return rule == address
}

// permit asks the access policies or the roles, whichever the vault uses.
// Source: Key Vault documentation, "Provide access to Key Vault with RBAC":
// with enableRbacAuthorization the policies are ignored.
func (s *Server) permit(caller entra.Caller, to target, v *vault, document map[string]any) *failure {
	if rbac, _ := properties(document)["enableRbacAuthorization"].(bool); rbac {
		return s.permitByRole(caller, to, v, document)
	}
	if allowedByPolicy(properties(document), caller.ObjectID, to.kind, to.permission) {
		return nil
	}
	code := "ForbiddenByPolicy"
	if s.o.Guesses.OldAccessDenied {
		code = "AccessDenied"
	}
	return fail(http.StatusForbidden, "Forbidden",
		"The user, group or application '%s' does not have %s %s permission on key vault '%s;location=%s'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
		s.describe(caller), to.kind, to.permission, v.name, text(document, "location")).inner(code)
}

func (s *Server) permitByRole(caller entra.Caller, to target, v *vault, document map[string]any) *failure {
	action := "Microsoft.KeyVault/vaults/" + to.action
	scope := text(document, "id")
	if to.name != "" {
		scope += "/" + to.kind + "/" + to.name
	}
	if s.o.AllowsData(caller.ObjectID, action, scope) {
		return nil
	}
	// Source: text from field reports of ForbiddenByRbac.
	return fail(http.StatusForbidden, "Forbidden", "Caller is not authorized to perform action on resource.\r\n"+
		"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n"+
		"Caller: %s\r\nAction: '%s'\r\nResource: '%s'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: %s;location=%s\r\n",
		s.describe(caller), action, strings.ToLower(scope), v.name, text(document, "location")).inner("ForbiddenByRbac")
}

// allowedByPolicy looks for the permission in the principal's policies; their
// words ignore case.
func allowedByPolicy(p map[string]any, objectID, kind, permission string) bool {
	policies, _ := p["accessPolicies"].([]any)
	for _, item := range policies {
		policy, _ := item.(map[string]any)
		if !strings.EqualFold(text(policy, "objectId"), objectID) {
			continue
		}
		permissions, _ := policy["permissions"].(map[string]any)
		words, _ := permissions[kind].([]any)
		for _, word := range words {
			if word, _ := word.(string); strings.EqualFold(word, permission) || strings.EqualFold(word, "all") {
				return true
			}
		}
	}
	return false
}

func properties(document map[string]any) map[string]any {
	p, _ := document["properties"].(map[string]any)
	return p
}

func text(of map[string]any, key string) string {
	value, _ := of[key].(string)
	return value
}
