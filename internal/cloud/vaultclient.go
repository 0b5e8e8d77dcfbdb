package cloud

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// vaultParallel is how many requests go to vaults side by side. A vault takes
// 4000 reads in ten seconds (Key Vault service limits); this is for politeness.
const vaultParallel = 8

// VaultClient speaks with the data plane of one vault. It can be used by many
// goroutines. Reads are repeated as azcore does it; an import is not (see
// [VaultClient.Import]). A token is sent to this vault only, and only when the
// vault asks for one that is made for its own cloud.
type VaultClient struct {
	uri          string // without a slash at its end
	name         string
	certificates *azcertificates.Client
	secrets      *azsecrets.Client
	// tenant is the one that the vault asks sign-ins of, once it has.
	tenant atomic.Pointer[string]
}

// NewVaultClient makes a client for the vault at an address such as
// https://entvault.vault.azure.net; nothing is sent before it is used. The
// address must be of the cloud's own vaults: whatever named it, a token does
// not go elsewhere.
func NewVaultClient(in Cloud, uri string, credential azcore.TokenCredential, options Options) (*VaultClient, error) {
	endpoint, err := url.Parse(uri)
	if err == nil && endpoint.User != nil {
		return nil, errors.New("key vault: the address holds a user, which vaults do not know") // and maybe a password
	}
	if err != nil || endpoint.Scheme != "https" {
		return nil, fmt.Errorf("key vault: %q is not an https address", clean(uri, 200))
	}
	name, ours := strings.CutSuffix(strings.ToLower(endpoint.Hostname()), "."+in.VaultSuffix)
	if !ours || in.VaultSuffix == "" || !IsVaultName(name) {
		return nil, fmt.Errorf("key vault: %q is no vault of cloud %q, whose vaults are at NAME.%s", clean(endpoint.Host, 200), in.Name, in.VaultSuffix)
	}
	if options.Client == nil {
		return nil, errors.New("key vault: no HTTP client was given")
	}
	c := &VaultClient{uri: "https://" + strings.ToLower(endpoint.Host), name: name}
	client := clientOptions(in, options.Version, newTransport(options.Client))
	client.Retry = policy.RetryOptions{MaxRetryDelay: longestWait}
	client.PerCallPolicies = []policy.Policy{renewal{credential: credential}}
	// These stand behind the policy that answers challenges, so they see what it
	// is about to send and what it is about to believe.
	client.PerRetryPolicies = []policy.Policy{guard{endpoint: endpoint}, challengeGuard{resource: "https://" + in.VaultSuffix, remember: c.tenant.Store}, unknownName{}}
	if options.Observe != nil {
		client.PerRetryPolicies = append(client.PerRetryPolicies, observer{tell: options.Observe})
	}
	c.certificates, err = azcertificates.NewClient(c.uri, credential, &azcertificates.ClientOptions{ClientOptions: client})
	if err != nil {
		return nil, fmt.Errorf("key vault %s: %w", name, err)
	}
	c.secrets, err = azsecrets.NewClient(c.uri, credential, &azsecrets.ClientOptions{ClientOptions: client})
	if err != nil {
		return nil, fmt.Errorf("key vault %s: %w", name, err)
	}
	return c, nil
}

// Name is the vault's.
func (c *VaultClient) Name() string { return c.name }

// URI is the address of the vault, without a slash at its end.
func (c *VaultClient) URI() string { return c.uri }

// unknownName keeps a name that does not resolve, here or at the proxy, from
// being asked for again and again: it is what a private vault looks like from
// outside, and it stays so.
type unknownName struct{}

func (unknownName) Do(request *policy.Request) (*http.Response, error) {
	response, err := request.Next()
	if isUnknownName(err) {
		err = &unknownNameError{err}
	}
	return response, err
}

func isUnknownName(err error) bool {
	var dns *net.DNSError
	var proxied interface{ AboutTarget() bool }
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &proxied) && proxied.AboutTarget()
}

type unknownNameError struct{ error }

func (e *unknownNameError) Unwrap() error { return e.error }

// NonRetriable is the mark that azcore's retry policy looks for.
func (*unknownNameError) NonRetriable() {}
