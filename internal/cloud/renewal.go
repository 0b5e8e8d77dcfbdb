package cloud

import (
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// renewal repeats a request once with a new token when the old one is refused:
// clocks differ, and sign-ins are withdrawn. A request that is refused with 401
// has done nothing, so a write may be repeated, too. Challenges with claims are
// answered further inside, by azcore.
type renewal struct {
	credential azcore.TokenCredential
}

// renewable is a credential that can be told that its token is of no use.
type renewable interface{ Renew() }

func (r renewal) Do(request *policy.Request) (*http.Response, error) {
	// The policies inside change the request, so the repetition needs its own.
	again := request.Clone(request.Raw().Context())
	response, err := request.Next()
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	credential, ok := r.credential.(renewable)
	if !ok || HasCode(attempt{}.refused(response), "InvalidAuthenticationTokenTenant") {
		return response, nil // another token of the same kind would not help
	}
	credential.Renew()
	if err := again.RewindBody(); err != nil {
		return response, nil
	}
	runtime.Drain(response)
	return again.Next()
}
