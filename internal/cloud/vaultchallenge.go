package cloud

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// challengeGuard reads a vault's demand for a token and passes on what it has
// understood, in its own words: the SDK's reading panics when the address in a
// demand has no path (azure.md §2.1), and takes a token for any resource that
// the vault's name ends with, such as https://net.
type challengeGuard struct {
	resource string // what tokens for vaults of this cloud are made for
	remember func(*string)
}

// claims are what a token must say besides, base64.
var claims = regexp.MustCompile(`\bclaims="([A-Za-z0-9+/=_-]+)"`)

func (g challengeGuard) Do(request *policy.Request) (*http.Response, error) {
	response, err := request.Next()
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	demands := response.Header.Values("WWW-Authenticate")
	if len(demands) == 0 {
		return response, nil
	}
	understood := g.read(strings.Join(demands, ", "))
	if understood == "" {
		return nil, &challengeError{}
	}
	response.Header.Set("WWW-Authenticate", understood)
	return response, nil
}

// read is the demand as the SDK can read it, "" for one that is not understood.
func (g challengeGuard) read(demand string) string {
	if strings.Contains(demand, "insufficient_claims") {
		if found := claims.FindStringSubmatch(demand); found != nil {
			return fmt.Sprintf(`Bearer error="insufficient_claims", claims="%s"`, found[1])
		}
		return ""
	}
	var tenant, resource string
	for field := range strings.FieldsSeq(demand) {
		name, value, _ := strings.Cut(strings.TrimSuffix(field, ","), "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "authorization":
			address, err := url.Parse(value)
			if err != nil || address.Scheme != "https" || address.Host == "" {
				return ""
			}
			tenant = strings.Trim(address.Path, "/")
		case "resource", "scope":
			resource = strings.TrimSuffix(strings.TrimSuffix(value, "/.default"), "/")
		}
	}
	if !IsVaultName(tenant) || !strings.EqualFold(resource, g.resource) {
		return ""
	}
	g.remember(&tenant)
	return fmt.Sprintf(`Bearer authorization="https://login/%s", resource="%s"`, tenant, g.resource)
}

type challengeError struct{}

func (*challengeError) Error() string {
	return "the vault asks for a sign-in in a way that is not understood: is this the vault, or a proxy that answers in its place?"
}

func (*challengeError) NonRetriable() {}
