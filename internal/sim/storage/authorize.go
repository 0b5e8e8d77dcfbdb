package storage

import (
	"errors"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// authorize finds out who asks, and whether that may be.
func (c *call) authorize() *failure {
	header := c.r.Header.Get("Authorization")
	scheme, rest, _ := strings.Cut(header, " ")
	properties, _ := c.document["properties"].(map[string]any)
	keysAllowed, set := properties["allowSharedKeyAccess"].(bool)
	keysAllowed = keysAllowed || !set
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return c.byToken(rest)
	case strings.EqualFold(scheme, "SharedKey"):
		if c.delegation {
			return fail(http.StatusForbidden, "AuthenticationFailed", "Only authentication scheme Bearer is supported.")
		}
		if !keysAllowed {
			return keysForbidden()
		}
		c.mayOverwrite = true
		return c.bySharedKey(rest)
	case header == "" && c.query.Get("sig") != "":
		if c.delegation {
			return fail(http.StatusForbidden, "AuthenticationFailed", "Only authentication scheme Bearer is supported.")
		}
		if !keysAllowed && c.query.Get("skoid") == "" {
			return keysForbidden()
		}
		return c.bySignature()
	case header == "" && c.r.Header.Get("X-Ms-Version") < "2019-12-12":
		return fail(http.StatusConflict, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
	case header == "":
		f := fail(http.StatusUnauthorized, "NoAuthenticationInformation", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.")
		f.header = c.challenge()
		return f
	}
	return fail(http.StatusBadRequest, "InvalidAuthenticationInfo", "Authentication information is not given in the correct format. Check the value of Authorization header.")
}

func keysForbidden() *failure {
	return fail(http.StatusForbidden, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account.")
}

// challenge names tenant and audience.
// Source: "Authorize with Microsoft Entra ID", bearer challenge.
func (c *call) challenge() http.Header {
	return http.Header{"Www-Authenticate": {"Bearer authorization_uri=https://" + c.o.Login + "/" + c.tenant + "/oauth2/authorize resource_id=" + strings.TrimRight(c.o.Audience, "/")}}
}

// byToken asks the roles.
func (c *call) byToken(token string) *failure {
	if c.r.Header.Get("X-Ms-Version") < "2017-11-09" {
		return fail(http.StatusForbidden, "AuthenticationFailed", "Authentication scheme Bearer is not supported in this version.")
	}
	caller, err := c.o.Verify(token, []string{strings.TrimRight(c.o.Audience, "/"), "https://" + c.Host(c.account.name)})
	refuse := func(detail string) *failure {
		f := fail(http.StatusUnauthorized, "InvalidAuthenticationInfo", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.")
		f.detail, f.header = detail, c.challenge()
		return f
	}
	switch {
	case errors.Is(err, entra.ErrExpired):
		return refuse("Lifetime validation failed. The token is expired.")
	case errors.Is(err, entra.ErrAudience):
		return refuse("Audience validation failed. Audience did not match.")
	case err != nil:
		return refuse("Signature validation failed.")
	case !strings.EqualFold(caller.Tenant, c.tenant):
		return refuse("Issuer validation failed. Issuer did not match.")
	}
	if !c.permitted(caller.ObjectID) {
		return noPermission()
	}
	c.mayOverwrite = true
	c.caller = caller.ObjectID
	return nil
}

// permitted asks the roles whether a principal may do what the request wants.
func (c *call) permitted(objectID string) bool {
	if c.data {
		return c.o.AllowsData(objectID, c.action, c.scope()) || c.other != "" && c.o.AllowsData(objectID, c.other, c.scope())
	}
	scope := c.scope()
	if !c.o.Allows(objectID, c.action, scope) {
		return false
	}
	changes := c.step == "container-create" || c.step == "container-delete"
	return !changes || !c.o.Guesses.ContainersNeedData || c.o.AllowsData(objectID, actions+"containers/blobs/write", scope)
}
