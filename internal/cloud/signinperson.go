package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

const (
	// publicApplication is Azure CLI's, which is known in every tenant and may
	// ask for Resource Manager and Key Vault on a person's behalf. azidentity
	// takes the same one when no other is named.
	publicApplication = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	// anyTenant signs a person in to the tenant that the account lives in.
	anyTenant = "organizations"
	// browserPatience is how long a sign-in in the browser is waited for. The
	// pages of Entra ID themselves give up sooner.
	browserPatience = 15 * time.Minute
)

// tenantWord is an id or a domain. It becomes a part of addresses: "../x" would
// be another one, and MSAL does not look.
var tenantWord = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?$`)

// errNobody is a sign-in of a person that is not kept, or not any more.
var errNobody = errors.New("nobody is signed in")

// Person is the sign-in of a person. As a credential it is silent: it renews a
// token where that needs nobody, and fails otherwise. Only [Person.SignIn] asks
// somebody, so that no browser ever opens in the middle of a change.
//
// It speaks MSAL directly rather than through azidentity, whose cache on disk
// needs cgo or a file and cannot be put into the keychain.
type Person struct {
	options SignInOptions
	client  public.Client
	cache   *tokenCache
	lastTrouble

	mu      sync.Mutex
	tenant  string
	account string // home account id
}

// Asked is how a person is told where to sign in.
type Asked struct {
	// Open shows the address and opens a browser there; for Browser. Its error
	// ends the sign-in.
	Open func(address string) error
	// Code shows what to type where; for DeviceCode.
	Code func(code UserCode)
}

// UserCode is what a person types on any computer.
type UserCode struct {
	Code    string
	Address string
	Expires time.Time
}

// NewPerson makes the sign-in of a person. Nothing is sent before it is used.
func NewPerson(options SignInOptions) (*Person, error) {
	if options.TenantID != "" && !tenantWord.MatchString(options.TenantID) {
		a := attempt{operation: signInOperation, object: subject(options)}
		e := a.newError()
		e.Message = fmt.Sprintf("%q is neither the id nor the domain of a tenant", clean(options.TenantID, 100))
		e.Hint = "cartouche account tenants lists those that know the account"
		return nil, e
	}
	options.ClientID = cmp.Or(options.ClientID, publicApplication)
	cache := &tokenCache{store: options.Tokens}
	client, err := public.New(options.ClientID,
		public.WithAuthority(options.Cloud.AuthorityHost+cmp.Or(options.TenantID, anyTenant)),
		public.WithCache(cache),
		public.WithClientCapabilities([]string{"CP1"}), // claims challenges are understood
		public.WithHTTPClient(newIdentityTransport(options)))
	if err != nil {
		return nil, signInError(options, err)
	}
	return &Person{options: options, client: client, cache: cache, tenant: options.TenantID, account: options.AccountID}, nil
}

// SignIn asks the person to sign in to the tenant, "" for their own, and
// remembers who it was. It ends with ctx.
func (p *Person) SignIn(ctx context.Context, tenant string, asked Asked) (Identity, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, browserPatience, errors.New("nobody signed in"))
	defer cancel()
	p.cache.startAfresh()
	result, err := p.ask(ctx, tenant, asked)
	if err != nil {
		return Identity{}, p.failed(ctx, err)
	}
	p.mu.Lock()
	p.account = result.Account.HomeAccountID
	p.tenant = cmp.Or(tenant, p.tenant)
	p.mu.Unlock()
	identity := Identity{
		TenantID: result.IDToken.TenantID, ObjectID: result.IDToken.Oid, Person: true,
		Name: cmp.Or(result.IDToken.PreferredUsername, result.IDToken.UPN, result.Account.PreferredUsername),
	}
	return identity.cleaned(), nil
}

func (p *Person) ask(ctx context.Context, tenant string, asked Asked) (public.AuthResult, error) {
	scopes := []string{p.options.Cloud.Audience + "/.default"}
	if p.options.Kind == Browser {
		return p.inBrowser(ctx, scopes, tenant, asked.Open)
	}
	code, err := p.client.AcquireTokenByDeviceCode(ctx, scopes, public.WithTenantID(tenant))
	if err != nil {
		return public.AuthResult{}, err
	}
	asked.Code(UserCode{
		Code:    clean(code.Result.UserCode, 50),
		Address: clean(code.Result.VerificationURL, 200),
		Expires: code.Result.ExpiresOn,
	})
	result, err := code.AuthenticationResult(ctx)
	if errors.Is(err, context.DeadlineExceeded) && time.Now().After(code.Result.ExpiresOn) {
		err = errors.New("AADSTS70020: the code was not typed in time")
	}
	return result, err
}

// inBrowser ends when ctx does. MSAL by itself then waits for every connection to
// its port, and one that sends half a request, as any program on this computer
// or page in the browser can, would be waited for for ever.
func (p *Person) inBrowser(ctx context.Context, scopes []string, tenant string, open func(string) error) (public.AuthResult, error) {
	type outcome struct {
		result public.AuthResult
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := p.client.AcquireTokenInteractive(ctx, scopes, public.WithTenantID(tenant), public.WithOpenURL(open))
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		return public.AuthResult{}, ctx.Err()
	}
}

// InTenant is the same sign-in, whose tokens are of this tenant. What goes on with
// the one that it is made of stays where it is.
func (p *Person) InTenant(tenant string) *Person {
	return &Person{options: p.options, client: p.client, cache: p.cache, tenant: tenant, account: p.AccountID()}
}

// AccountID is what [SignInOptions.AccountID] takes to find this person again.
func (p *Person) AccountID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.account
}

// Unkept tells why the sign-in could not be kept, nil when it is or need not be.
func (p *Person) Unkept() error { return p.cache.trouble() }

// GetToken is azcore's interface. It asks nobody.
func (p *Person) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := p.silently(ctx, options)
	if err != nil {
		failed := p.failed(ctx, err)
		p.last.Store(failed)
		return azcore.AccessToken{}, failed
	}
	p.last.Store(nil)
	return token, nil
}

func (p *Person) silently(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	p.mu.Lock()
	tenant, id := cmp.Or(options.TenantID, p.tenant), p.account
	p.mu.Unlock()
	account, err := p.find(ctx, id)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	result, err := p.client.AcquireTokenSilent(ctx, options.Scopes,
		public.WithSilentAccount(account), public.WithTenantID(tenant), public.WithClaims(options.Claims))
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return azcore.AccessToken{Token: result.AccessToken, ExpiresOn: result.ExpiresOn, RefreshOn: result.Metadata.RefreshOn}, nil
}

// find is the account with this id, or the only one.
func (p *Person) find(ctx context.Context, id string) (public.Account, error) {
	accounts, err := p.client.Accounts(ctx)
	if err != nil {
		return public.Account{}, err
	}
	for _, account := range accounts {
		if id == "" || account.HomeAccountID == id {
			return account, nil
		}
	}
	return public.Account{}, errNobody
}

// Renew makes the next token a new one, although the last is not due to end.
func (p *Person) Renew() { p.cache.dropAccessTokens() }

func (p *Person) failed(ctx context.Context, err error) *Error {
	return signInErrorWithin(ctx, p.options, err)
}

// String keeps a printed credential from showing what it holds.
func (p *Person) String() string { return "sign-in by " + string(p.options.Kind) }

// GoString does the same for %#v.
func (p *Person) GoString() string { return p.String() }

// identityTransport lets MSAL's requests go the way of azcore's: repeated when
// Entra ID is busy, bounded, without redirects.
type identityTransport struct{ pipeline runtime.Pipeline }

func newIdentityTransport(options SignInOptions) identityTransport {
	client := clientOptions(options.Cloud, options.Version, newTransport(options.Client))
	return identityTransport{runtime.NewPipeline("cloud", strings.TrimPrefix(options.Version, "v"), runtime.PipelineOptions{}, &client)}
}

func (t identityTransport) Do(request *http.Request) (*http.Response, error) {
	wrapped, err := runtime.NewRequestFromRequest(request)
	if err != nil {
		return nil, err
	}
	return t.pipeline.Do(wrapped)
}

// CloseIdleConnections is MSAL's interface; the connections are the caller's.
func (identityTransport) CloseIdleConnections() {}
