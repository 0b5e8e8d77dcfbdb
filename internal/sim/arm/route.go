package arm

import (
	"net/http"
	"strconv"
	"strings"
)

func itoa(i int) string { return strconv.Itoa(i) }

// route is what a path and method lead to.
type route struct {
	step   string
	open   bool // needs no token and no api-version
	handle func(w http.ResponseWriter, c call) *failure
}

// stepOfKind names the requests for single resources and lists, by type.
var stepOfKind = map[string]string{
	"microsoft.network/applicationgateways":            "gateway-get",
	"microsoft.network/publicipaddresses":              "public-ip",
	"microsoft.network/virtualnetworks":                "network",
	"microsoft.network/networkinterfaces":              "network",
	machineKind:                                        "machine-get",
	runCommandKind:                                     "machine-child-get",
	extensionKind:                                      "machine-child-get",
	storageKind:                                        "storage-account",
	"microsoft.keyvault/vaults":                        "vault-resource",
	"microsoft.managedidentity/userassignedidentities": "identity-get",
}

var stepOfAuthorization = map[string]string{
	"permissions": "permissions", "locks": "locks", "roleassignments": "role-assignments", "denyassignments": "deny-assignments",
	"roledefinitions": "role-definitions",
}

// route finds the handler. Letter case is ignored everywhere, as ARM does.
func (s *Server) route(r *http.Request) route {
	path := strings.Trim(r.URL.Path, "/")
	parts := strings.Split(path, "/")
	lower := strings.Split(strings.ToLower(path), "/")
	get, post := r.Method == http.MethodGet, r.Method == http.MethodPost
	switch {
	case len(lower) == 2 && lower[0] == "metadata" && lower[1] == "endpoints" && get:
		return route{"metadata", true, s.metadata}
	case path == "tenants" && get:
		return route{"tenants", false, s.listTenants}
	case strings.ToLower(path) == "providers/microsoft.resourcegraph/resources" && post:
		return route{"graph-query", false, s.queryGraph}
	case lower[0] == "subscriptions" && len(lower) == 1 && get:
		return route{"subscriptions", false, s.listSubscriptions}
	case lower[0] == "subscriptions" && len(lower) == 2 && get:
		return route{"subscriptions", false, s.inSubscription(parts, s.getSubscription)}
	}
	if lower[0] != "subscriptions" || len(lower) < 3 {
		return route{"unknown", false, nothingHere}
	}
	return s.routeSubscription(r, parts, lower, get, post)
}

func (s *Server) routeSubscription(r *http.Request, parts, lower []string, get, post bool) route {
	last := len(lower) - 1
	// {scope}/providers/Microsoft.Authorization/{what}
	if last >= 3 && lower[last-1] == "microsoft.authorization" && lower[last-2] == "providers" && get {
		scope := "/" + strings.Join(parts[:last-2], "/")
		step := stepOfAuthorization[lower[last]]
		if step == "" {
			step = "unknown"
		}
		return route{step, false, s.inSubscription(parts, func(w http.ResponseWriter, c call) *failure { return s.authorization(w, c, scope, lower[last]) })}
	}
	if last >= 4 && lower[last-1] == "roledefinitions" && lower[last-2] == "microsoft.authorization" && get {
		scope := "/" + strings.Join(parts[:last-3], "/")
		return route{"role-definitions", false, s.inSubscription(parts, func(w http.ResponseWriter, c call) *failure { return s.definition(w, c, scope, parts[last]) })}
	}
	isGroup := lower[2] == "resourcegroups"
	switch {
	case lower[2] == "locations" && last == 2 && get:
		return route{"subscriptions", false, s.inSubscription(parts, s.listLocations)}
	case isGroup && last == 2 && get:
		return route{"resource-groups", false, s.inSubscription(parts, s.listGroups)}
	case isGroup && last == 3 && (get || r.Method == http.MethodHead):
		return route{"resource-groups", false, s.inSubscription(parts, s.getGroup)}
	case (lower[2] == "resources" && last == 2 || isGroup && last == 4 && lower[4] == "resources") && get:
		return route{"resource-list", false, s.inSubscription(parts, s.listResources)}
	case lower[2] == "providers" && last <= 3 && get:
		return route{"subscriptions", false, s.inSubscription(parts, s.listProviders)}
	case lower[2] == "providers" && last == 7 && lower[4] == "locations" && (lower[6] == "operations" || lower[6] == "operationresults") && get:
		return s.routeOperation(parts, lower)
	case lower[2] == "providers" && last == 4 && get, isGroup && last == 6 && lower[4] == "providers" && get:
		step := "resource-list"
		switch lower[last] {
		case "virtualmachines":
			step = "machine-list"
		case "vaults":
			step = "vault-resource"
		}
		return route{step, false, s.inSubscription(parts, s.listOfKind)}
	case isTags(lower):
		return s.routeTags(r, parts)
	case isGroup && last >= 7 && lower[4] == "providers":
		return s.routeResource(r, parts, lower)
	}
	return route{"unknown", false, nothingHere}
}

// routeResource is for one resource, or an action on it when the number of
// segments is odd.
func (s *Server) routeResource(r *http.Request, parts, lower []string) route {
	action := ""
	if len(parts)%2 != 0 {
		action = lower[len(lower)-1]
		parts = parts[:len(parts)-1]
	}
	id, _ := parseID(strings.Join(parts, "/"))
	kind := strings.ToLower(id.kind)
	step := stepOfKind[kind]
	if step == "" {
		step = "resource-get"
	}
	full := "/" + strings.Join(parts, "/")
	of := func(handle func(http.ResponseWriter, call, resourceID, string) *failure) func(http.ResponseWriter, call) *failure {
		return s.inSubscription(parts, func(w http.ResponseWriter, c call) *failure { return handle(w, c, id, full) })
	}
	if step, handle := s.routeMachine(kind, action, r.Method); handle != nil {
		return route{step, false, of(handle)}
	}
	if step, handle := s.routeVault(kind, action, r.Method); handle != nil {
		return route{step, false, of(handle)}
	}
	if kind == storageKind && action == "listkeys" && r.Method == http.MethodPost {
		return route{"storage-keys", false, of(s.listStorageKeys)}
	}
	isGateway := kind == "microsoft.network/applicationgateways"
	switch {
	case action == "" && r.Method == http.MethodGet:
		return route{step, false, of(s.getResource)}
	case isGateway && action == "" && r.Method == http.MethodPut:
		return route{"gateway-put", false, of(s.putGateway)}
	case isGateway && action == "" && r.Method == http.MethodPatch:
		return route{"gateway-patch", false, of(s.patchGateway)}
	case isGateway && action == "backendhealth" && r.Method == http.MethodPost:
		return route{"backend-health", false, of(s.startHealth)}
	case action == "instanceview" && r.Method == http.MethodGet:
		return route{"instance-view", false, of(s.getInstanceView)}
	case action != "" && r.Method == http.MethodGet:
		return route{"resource-list", false, of(func(w http.ResponseWriter, c call, id resourceID, full string) *failure {
			return s.listChildren(w, c, full+"/"+action)
		})}
	}
	return route{step, false, of(func(_ http.ResponseWriter, c call, _ resourceID, _ string) *failure {
		return fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The simulated world does not answer %s here.", c.request.Method)
	})}
}

func nothingHere(_ http.ResponseWriter, c call) *failure {
	return fail(http.StatusNotFound, "NotFound", "The path '%s' leads nowhere in this world.", c.request.URL.Path)
}

// inSubscription makes sure that the subscription exists for the caller.
// Source: ARM answers 404 SubscriptionNotFound for unknown ones, and
// InvalidAuthenticationTokenTenant for a token of another tenant.
func (s *Server) inSubscription(parts []string, handle func(http.ResponseWriter, call) *failure) func(http.ResponseWriter, call) *failure {
	return func(w http.ResponseWriter, c call) *failure {
		for _, subscription := range s.o.Subscriptions {
			if !strings.EqualFold(subscription.ID, parts[1]) {
				continue
			}
			if !strings.EqualFold(subscription.Tenant, c.caller.Tenant) {
				f := fail(http.StatusUnauthorized, "InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer. It must match the tenant associated with this subscription.")
				f.header = http.Header{"Www-Authenticate": {`Bearer authorization_uri="https://` + s.o.Cloud.Login + "/" + subscription.Tenant + `", error="invalid_token", error_description="The access token is from the wrong issuer."`}}
				return f
			}
			return handle(w, c)
		}
		return notFoundSubscription(parts[1])
	}
}
