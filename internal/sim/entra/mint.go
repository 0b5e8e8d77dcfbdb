package entra

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// signIn is a person's sign-in to an application: what tokens are made from.
type signIn struct {
	person      *Person
	tenant      Tenant
	application Application
	resource    string
	scopes      []string // as they were asked for
	nonce       string
	continuous  bool
	at          time.Time
}

func (s *Server) signClaims(claims jwt.MapClaims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"], token.Header["x5t"] = s.keyID, s.keyID
	return token.SignedString(s.key)
}

// accessClaims are those that all access tokens have.
// Source: Microsoft identity platform, "Access token claims reference", v1.0.
func (s *Server) accessClaims(tenant Tenant, application Application, resource, objectID string, continuous bool) jwt.MapClaims {
	now, id := s.options.Ground.Clock.Now(), uuid.NewString()
	claims := jwt.MapClaims{
		"aud": resource, "iss": s.options.Issuer + tenant.ID + "/",
		"iat": now.Unix(), "nbf": now.Add(-5 * time.Second).Unix(), "exp": now.Add(s.options.Lifetime).Unix(),
		"appid": application.ClientID, "app_displayname": application.Name, "oid": objectID, "sub": objectID,
		"tid": tenant.ID, "uti": id, "ver": "1.0",
	}
	if continuous {
		claims["xms_cc"] = []string{"CP1"}
	}
	s.mu.Lock()
	s.issued[id] = objectID
	s.mu.Unlock()
	return claims
}

// programToken is an access token of an application or a managed identity.
// proof is "1" for a secret and "2" for an assertion or a managed identity.
func (s *Server) programToken(tenant Tenant, application Application, resource, proof string, continuous bool) (string, error) {
	claims := s.accessClaims(tenant, application, resource, application.ObjectID, continuous)
	claims["appidacr"], claims["idtyp"] = proof, "app"
	return s.signClaims(claims)
}

func (s *Server) personToken(in signIn) (string, error) {
	objectID, _ := in.person.objectIn(in.tenant.ID)
	claims := s.accessClaims(in.tenant, in.application, in.resource, objectID, in.continuous)
	claims["appidacr"], claims["idtyp"], claims["acr"], claims["amr"] = "0", "user", "1", []string{"pwd"}
	claims["scp"], claims["name"], claims["unique_name"] = "user_impersonation", in.person.Name, in.person.User
	if in.tenant.ID == in.person.Home {
		claims["upn"] = in.person.User
	} else { // a guest
		claims["email"], claims["idp"] = in.person.User, s.options.Issuer+in.person.Home+"/"
	}
	return s.signClaims(claims)
}

// idToken tells the client who signed in.
// Source: Microsoft identity platform, "ID token claims reference", v2.0.
func (s *Server) idToken(in signIn) (string, error) {
	now := s.options.Ground.Clock.Now()
	objectID, _ := in.person.objectIn(in.tenant.ID)
	claims := jwt.MapClaims{
		"aud": in.application.ClientID, "iss": "https://" + s.options.Host + "/" + in.tenant.ID + "/v2.0",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"name": in.person.Name, "oid": objectID, "preferred_username": in.person.User, "sub": objectID,
		"tid": in.tenant.ID, "uti": uuid.NewString(), "ver": "2.0",
	}
	if in.nonce != "" {
		claims["nonce"] = in.nonce
	}
	return s.signClaims(claims)
}

// answerPerson is the answer of the token endpoint to a person's client
// (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
func (s *Server) answerPerson(w http.ResponseWriter, in signIn) {
	access, err := s.personToken(in)
	if err != nil {
		answer(w, http.StatusInternalServerError, problem("server_error", 90033, "The token could not be signed."))
		return
	}
	seconds := int(s.options.Lifetime.Seconds())
	body := map[string]any{"token_type": "Bearer", "scope": in.granted(), "expires_in": seconds, "ext_expires_in": seconds, "access_token": access}
	if slices.Contains(in.scopes, "openid") {
		if body["id_token"], err = s.idToken(in); err != nil {
			answer(w, http.StatusInternalServerError, problem("server_error", 90033, "The token could not be signed."))
			return
		}
	}
	if slices.Contains(in.scopes, "offline_access") {
		if token, ok := s.keepRefresh(in); ok {
			body["refresh_token"] = token
		}
	}
	// MSAL knows people by this: their ids at home, whatever tenant the token is of.
	info, _ := json.Marshal(map[string]string{"uid": in.person.ObjectID, "utid": in.person.Home})
	body["client_info"] = base64.RawURLEncoding.EncodeToString(info)
	if in.application.family {
		body["foci"] = "1"
	}
	answer(w, http.StatusOK, body)
}

// granted are the scopes as the answer lists them: MSAL takes what is missing
// there for declined.
func (in signIn) granted() string {
	var words []string
	for _, word := range in.scopes {
		if word == "offline_access" {
			continue
		}
		words = append(words, word)
		if before, is := strings.CutSuffix(word, "/.default"); is {
			words = append(words, before+"/user_impersonation")
		}
	}
	return strings.Join(words, " ")
}
