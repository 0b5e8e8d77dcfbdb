package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// SignInKind is a way to sign in.
type SignInKind string

const (
	// Browser signs in a person in the browser of this computer: authorization
	// code with PKCE, the answer comes to a port of this computer.
	Browser SignInKind = "browser"
	// DeviceCode signs in a person in the browser of any computer, who types a
	// code there.
	DeviceCode SignInKind = "device-code"
	// ServicePrincipal signs in an application with its client secret or its
	// certificate.
	ServicePrincipal SignInKind = "service-principal"
	// WorkloadIdentity signs in an application with a token of somebody else
	// whom the tenant trusts: Kubernetes, GitHub.
	WorkloadIdentity SignInKind = "workload-identity"
	// ManagedIdentity is the identity that Azure gives to a machine.
	ManagedIdentity SignInKind = "managed-identity"
	// AzureCLI borrows the sign-in of az.
	AzureCLI SignInKind = "azure-cli"
	// DefaultChain tries what the computer offers, in azidentity's order:
	// AZURE_* variables, workload identity, managed identity, Azure CLI, Azure
	// Developer CLI, Azure PowerShell.
	DefaultChain SignInKind = "default"
)

// SignInKinds are all of them, those for people first.
func SignInKinds() []SignInKind {
	return []SignInKind{Browser, DeviceCode, AzureCLI, ServicePrincipal, WorkloadIdentity, ManagedIdentity, DefaultChain}
}

// OfPerson tells whether a person has to be there to sign in.
func (k SignInKind) OfPerson() bool { return k == Browser || k == DeviceCode }

// signInOperation is the Operation of every *Error of a sign-in.
const signInOperation = "sign in"

// SignInOptions are for [SignIn] and [NewPerson].
type SignInOptions struct {
	// Cloud decides where to sign in; the zero value is Public.
	Cloud Cloud
	// Kind is how; "" is DefaultChain.
	Kind SignInKind
	// TenantID is an id or a domain. It is required for a service principal and
	// a workload; for the others "" means their own.
	TenantID string
	// ClientID is the application. For a managed identity it chooses among
	// several, for a person "" is Azure CLI's public application.
	ClientID string
	// ClientSecret or ClientCertificate are for a service principal.
	ClientSecret      secret.Secret
	ClientCertificate *ClientCertificate
	// FederatedTokenFile holds the token of a workload; "" is what
	// AZURE_FEDERATED_TOKEN_FILE names.
	FederatedTokenFile string
	// Tokens keeps the sign-in of a person; nil keeps it in memory.
	Tokens TokenStore
	// AccountID chooses among the people whose sign-in is kept.
	AccountID string
	// Client makes the connections. It is required.
	Client *http.Client
	// Version is Cartouche's own version, for the user agent.
	Version string
}

// SignIn makes a credential. Nothing is sent before it is used; a sign-in that
// is refused then is an [*Error] with an AADSTS code and a hint.
func SignIn(_ context.Context, options SignInOptions) (azcore.TokenCredential, error) {
	if options.Client == nil {
		return nil, errors.New("sign in: no HTTP client was given")
	}
	if options.Cloud == (Cloud{}) {
		options.Cloud = Public()
	}
	if options.Kind == "" {
		options.Kind = DefaultChain
	}
	if options.Kind.OfPerson() {
		return NewPerson(options)
	}
	credential, err := newCredential(options)
	if err != nil {
		return nil, signInError(options, err)
	}
	return &signIn{options: options, credential: credential}, nil
}

func newCredential(options SignInOptions) (azcore.TokenCredential, error) {
	// Without redirects: one of kind 307 would take the secret along.
	client := clientOptions(options.Cloud, options.Version, newTransport(options.Client))
	switch options.Kind {
	case ServicePrincipal:
		return newServicePrincipal(options, client)
	case WorkloadIdentity:
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: client, TenantID: options.TenantID, ClientID: options.ClientID, TokenFilePath: options.FederatedTokenFile,
		})
	case ManagedIdentity:
		identity := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: client}
		if options.ClientID != "" {
			identity.ID = azidentity.ClientID(options.ClientID)
		}
		return azidentity.NewManagedIdentityCredential(identity)
	case AzureCLI:
		return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: options.TenantID})
	case DefaultChain:
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: client,
			TenantID:      options.TenantID,
		})
	}
	return nil, fmt.Errorf("unknown way to sign in %q: known are %v", options.Kind, SignInKinds())
}

// signIn is a credential whose errors are ours.
type signIn struct {
	options SignInOptions

	lastTrouble
	mu         sync.Mutex
	credential azcore.TokenCredential
}

// lastTrouble is why there was no token when one was last asked for.
type lastTrouble struct{ last atomic.Pointer[Error] }

// Trouble is why there was no token when one was last asked for, nil when there
// was one. What a run was stopped by is told as text; this says whether signing
// in again is what helps.
func (t *lastTrouble) Trouble() *Error { return t.last.Load() }

// Renew makes the next token a new one, although the last is not due to end.
func (s *signIn) Renew() {
	// azidentity has no way to let go of a token, so everything begins anew.
	fresh, err := newCredential(s.options)
	if err != nil {
		return // what worked before stays
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credential = fresh
}

func (s *signIn) current() azcore.TokenCredential {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credential
}

// GetToken is azcore's interface.
func (s *signIn) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := s.current().GetToken(ctx, options)
	if err != nil {
		failed := signInErrorWithin(ctx, s.options, err)
		s.last.Store(failed)
		return azcore.AccessToken{}, failed
	}
	s.last.Store(nil)
	return token, nil
}

// String keeps a printed credential from showing what it holds.
func (s *signIn) String() string { return "sign-in by " + string(s.options.Kind) }

// GoString does the same for %#v.
func (s *signIn) GoString() string { return s.String() }
