package entra

import (
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Issuer gives tokens to workloads, as a Kubernetes cluster or a build service
// does: the other half of a federated credential.
type Issuer struct {
	URL string // https://host/path, as in "iss"
	Now func() time.Time
	// Key is asked for when there is something to sign or to check.
	Key func() (*rsa.PrivateKey, error)
}

func (i *Issuer) publicKey() (any, error) {
	key, err := i.Key()
	if err != nil {
		return nil, err
	}
	return &key.PublicKey, nil
}

// Mint gives a token that lives for life.
func (i *Issuer) Mint(subject, audience string, life time.Duration) (string, error) {
	key, err := i.Key()
	if err != nil {
		return "", err
	}
	now := i.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": i.URL, "sub": subject, "aud": []string{audience},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(), "jti": uuid.NewString()})
	token.Header["kid"] = "world"
	return token.SignedString(key)
}

// ServeHTTP publishes the discovery document and the keys (OpenID Connect
// Discovery §4), below the path of URL.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, err := i.Key()
	if err != nil {
		http.Error(w, "no key", http.StatusInternalServerError)
		return
	}
	encode := base64.RawURLEncoding.EncodeToString
	switch "https://" + r.Host + r.URL.Path {
	case i.URL + ".well-known/openid-configuration":
		answer(w, http.StatusOK, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "openid/v1/jwks", "response_types_supported": []string{"id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"}})
	case i.URL + "openid/v1/jwks":
		public := key.PublicKey
		answer(w, http.StatusOK, map[string]any{"keys": []map[string]any{{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "world",
			"n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes())}}})
	default:
		http.NotFound(w, r)
	}
}
