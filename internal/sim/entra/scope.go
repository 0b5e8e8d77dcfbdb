package entra

import (
	"net/url"
	"slices"
	"strings"
)

// oidcWords are scopes that are about the person and not about a resource.
var oidcWords = []string{"openid", "profile", "email", "offline_access"}

// known tells whether tokens are given for a resource. The Azure CLI asks for
// "https://management.core.windows.net//.default"; the audience is the same
// with and without the slash.
func (s *Server) known(resource string) bool {
	return slices.ContainsFunc(s.options.Resources, func(one string) bool { return strings.TrimRight(one, "/") == strings.TrimRight(resource, "/") })
}

// programResource finds out what a program asks a token for: v2.0 names a
// scope, v1 a resource.
func (s *Server) programResource(form url.Values, tenant Tenant) (string, *failure) {
	asked := form.Get("resource")
	if scope := form.Get("scope"); scope != "" {
		found := false
		for word := range strings.FieldsSeq(scope) {
			if before, is := strings.CutSuffix(word, "/.default"); is {
				asked, found = before, true
			}
		}
		if !found {
			return "", problem("invalid_scope", 1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", clip(scope))
		}
	}
	if !s.known(asked) {
		return "", unknownResource(asked, tenant)
	}
	return asked, nil
}

// personScopes finds out what a person's client asks for. A client of v1
// names a resource and always gets everything about the person.
func (s *Server) personScopes(form url.Values, tenant Tenant) (resource string, scopes []string, f *failure) {
	if v1 := form.Get("resource"); v1 != "" {
		form.Set("scope", v1+"/.default openid profile offline_access")
	}
	scopes = strings.Fields(form.Get("scope"))
	if len(scopes) == 0 {
		return "", nil, problem("invalid_request", 900144, "The request body must contain the following parameter: 'scope'.")
	}
	for _, word := range scopes {
		if slices.Contains(oidcWords, word) {
			continue
		}
		of := s.options.Directory // "User.Read" alone is of the directory's own API
		if at := strings.LastIndex(word, "/"); at >= 0 {
			of = word[:at]
		}
		if resource != "" && strings.TrimRight(of, "/") != strings.TrimRight(resource, "/") {
			return "", nil, problem("invalid_request", 28000, "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope %s is not valid.", clip(form.Get("scope")))
		}
		resource = of
	}
	if resource == "" {
		resource = s.options.Directory
	}
	if !s.known(resource) {
		return "", nil, unknownResource(resource, tenant)
	}
	return resource, scopes, nil
}

// continuous tells whether a client understands claims challenges.
// Source: Microsoft identity platform, "Claims challenges, claims requests and
// client capabilities": xms_cc with cp1.
func continuous(form url.Values) bool {
	return strings.Contains(strings.ToUpper(form.Get("claims")), "CP1")
}
