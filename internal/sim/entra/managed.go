package entra

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Identity is a managed identity that the machine has on which clients run.
type Identity struct {
	ClientID, ObjectID string
	Name               string
	// ResourceID of a user-assigned one; the system-assigned one has none.
	ResourceID string
	Tenant     Tenant
}

// SetIdentities says which managed identities the machine has.
func (s *Server) SetIdentities(identities ...Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identities = identities
}

// MetadataHost is the address of the instance metadata service.
const MetadataHost = "169.254.169.254"

// Metadata is the token part of the instance metadata service, on plain HTTP.
// Source: Azure documentation, "How to use managed identities for Azure
// resources on an Azure VM to acquire an access token", and its table of
// errors.
func (s *Server) Metadata() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metadata/identity/oauth2/token" {
			http.NotFound(w, r)
			return
		}
		query := r.URL.Query()
		switch {
		case !strings.EqualFold(r.Header.Get("Metadata"), "true"):
			refuseMetadata(w, "invalid_request", "Required metadata header not specified")
		case r.Header.Get("X-Forwarded-For") != "":
			refuseMetadata(w, "invalid_request", "A request with the header X-Forwarded-For is not served")
		case query.Get("api-version") == "":
			refuseMetadata(w, "invalid_request", "Required query variable 'api-version' is missing")
		default:
			s.identityToken(w, query, false)
		}
	})
}

// AppService is the token endpoint of App Service and Functions, which knows
// its clients by a header.
// Source: Azure documentation, "How to use managed identities for App Service
// and Azure Functions", REST endpoint reference.
func (s *Server) AppService(secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Identity-Header")), []byte(secret)) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.identityToken(w, r.URL.Query(), true)
	})
}

// identityToken gives a token; numbers are text, as in the real answers.
func (s *Server) identityToken(w http.ResponseWriter, query url.Values, appService bool) {
	identity, problem := s.chooseIdentity(query)
	if problem != "" {
		refuseMetadata(w, "invalid_request", problem)
		return
	}
	resource := query.Get("resource")
	if !s.known(resource) {
		refuseMetadata(w, "invalid_resource", "AADSTS500011: The resource principal named "+clip(resource)+" was not found in the tenant named "+identity.Tenant.Name+".")
		return
	}
	application := Application{ClientID: identity.ClientID, ObjectID: identity.ObjectID, Name: identity.Name}
	token, err := s.programToken(identity.Tenant, application, resource, "2", false)
	if err != nil {
		http.Error(w, "no token", http.StatusInternalServerError)
		return
	}
	now := s.options.Ground.Clock.Now()
	body := map[string]string{"access_token": token, "client_id": identity.ClientID, "resource": resource, "token_type": "Bearer",
		"expires_on": strconv.FormatInt(now.Add(s.options.Lifetime).Unix(), 10), "not_before": strconv.FormatInt(now.Unix(), 10)}
	if !appService {
		body["expires_in"], body["ext_expires_in"], body["refresh_token"] = strconv.Itoa(int(s.options.Lifetime.Seconds())), strconv.Itoa(int(s.options.Lifetime.Seconds())), ""
	}
	answer(w, http.StatusOK, body)
}

// chooseIdentity: a request that names none gets the system-assigned one, or
// the only one there is.
func (s *Server) chooseIdentity(query url.Values) (Identity, string) {
	s.mu.Lock()
	identities := s.identities
	s.mu.Unlock()
	named := false
	for _, one := range []struct {
		parameter string
		of        func(Identity) string
	}{
		{"client_id", func(i Identity) string { return i.ClientID }}, {"object_id", func(i Identity) string { return i.ObjectID }}, {"principal_id", func(i Identity) string { return i.ObjectID }},
		{"msi_res_id", func(i Identity) string { return i.ResourceID }}, {"mi_res_id", func(i Identity) string { return i.ResourceID }},
	} {
		value := query.Get(one.parameter)
		if value == "" {
			continue
		}
		named = true
		for _, identity := range identities {
			if strings.EqualFold(one.of(identity), value) {
				return identity, ""
			}
		}
	}
	if named || len(identities) == 0 {
		return Identity{}, "Identity not found"
	}
	for _, identity := range identities {
		if identity.ResourceID == "" {
			return identity, ""
		}
	}
	if len(identities) > 1 {
		return Identity{}, "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"
	}
	return identities[0], ""
}

func refuseMetadata(w http.ResponseWriter, code, description string) {
	answer(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": description})
}
