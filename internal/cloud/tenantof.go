package cloud

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// authorizationURI finds the tenant in what Resource Manager demands of whoever
// has a token of another one: Bearer authorization_uri="https://login.windows.net/<tenant>", …
var authorizationURI = regexp.MustCompile(`authorization_uri="https://[^/"]+/([0-9A-Za-z.-]{1,100})/?"`)

// TenantOf is the tenant that a subscription belongs to, if that is another one
// than the sign-in's. The header is not in the REST reference, though tools have
// long read it; where it is missing, the tenant is not known.
func (rm *ResourceManager) TenantOf(ctx context.Context, subscription string) (string, error) {
	a := attempt{operation: "read", object: "subscription " + clean(subscription, 100)}
	request, err := runtime.NewRequest(ctx, http.MethodGet, rm.address("/subscriptions/"+subscription, SubscriptionsAPI, nil))
	if err != nil {
		return "", a.failed(err)
	}
	response, err := rm.pipeline.Do(request)
	if err != nil {
		return "", a.failed(err)
	}
	defer runtime.Drain(response)
	if response.StatusCode == http.StatusUnauthorized {
		if found := authorizationURI.FindStringSubmatch(response.Header.Get("WWW-Authenticate")); found != nil {
			return found[1], nil
		}
	}
	return "", a.failed(errors.New("its tenant is not told"))
}
