package entra

import (
	"encoding/base64"
	"math/big"
	"net/http"
)

// instance answers which hosts are aliases of one cloud. MSAL asks it for any
// authority that it does not know by heart.
// Source: Microsoft identity platform, authority validation ("instance discovery").
func (s *Server) instance(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("api-version") == "" || r.URL.Query().Get("authorization_endpoint") == "" {
		answer(w, http.StatusBadRequest, failure{Code: "invalid_request", Description: "AADSTS50049: Unknown or invalid instance."})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": "https://" + s.options.Host + "/common/v2.0/.well-known/openid-configuration",
		"api-version":               r.URL.Query().Get("api-version"),
		"metadata": []map[string]any{{
			"preferred_network": s.options.Host,
			"preferred_cache":   s.options.Host,
			"aliases":           s.Hosts(),
		}},
	})
}

// configuration is the OpenID Connect discovery document.
// Source: Microsoft identity platform, "OpenID Connect on the Microsoft
// identity platform", tenant-specific issuer.
func (s *Server) configuration(w http.ResponseWriter, name string, v2 bool) {
	base := "https://" + s.options.Host + "/"
	id := "{tenantid}"
	if name != "common" && name != "organizations" {
		tenant, ok := s.tenant(name)
		if !ok {
			answer(w, http.StatusBadRequest, unknownTenant(name))
			return
		}
		id = tenant.ID
	}
	segment := name
	if id != "{tenantid}" {
		segment = id
	}
	version, keys, issuer := "/oauth2/v2.0", "/discovery/v2.0/keys", base+id+"/v2.0"
	if !v2 {
		version, keys, issuer = "/oauth2", "/discovery/keys", s.options.Issuer+id+"/"
	}
	answer(w, http.StatusOK, map[string]any{
		"issuer":                                issuer,
		"token_endpoint":                        base + segment + version + "/token",
		"authorization_endpoint":                base + segment + version + "/authorize",
		"device_authorization_endpoint":         base + segment + version + "/devicecode",
		"jwks_uri":                              base + segment + keys,
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"cloud_instance_name":                   s.options.Instance,
		"tenant_region_scope":                   s.options.Region,
	})
}

// keys are the public keys that tokens are checked with (RFC 7517).
func (s *Server) keys(w http.ResponseWriter) {
	public := s.key.PublicKey
	encode := base64.RawURLEncoding.EncodeToString
	answer(w, http.StatusOK, map[string]any{"keys": []map[string]any{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": s.keyID, "x5t": s.keyID,
		"n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes()),
	}}})
}
