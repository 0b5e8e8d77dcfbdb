package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// SignInKind is a way to sign in.
type SignInKind string

const (
	// ServicePrincipal signs in an application with its client secret.
	ServicePrincipal SignInKind = "service-principal"
	// AzureCLI borrows the sign-in of az.
	AzureCLI SignInKind = "azure-cli"
	// DefaultChain tries what the computer offers, in azidentity's order:
	// AZURE_* variables, workload identity, managed identity, Azure CLI, Azure
	// Developer CLI, Azure PowerShell.
	DefaultChain SignInKind = "default"
)

// signInOperation is the Operation of every *Error of a sign-in.
const signInOperation = "sign in"

// SignInOptions are for [SignIn].
type SignInOptions struct {
	// Cloud decides where to sign in; the zero value is Public.
	Cloud Cloud
	// Kind is how; "" is DefaultChain.
	Kind SignInKind
	// TenantID is required for a service principal; for the others "" means
	// their own.
	TenantID string
	// ClientID and ClientSecret are for a service principal.
	ClientID     string
	ClientSecret secret.Secret
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
	client := clientOptions(options.Cloud, options.Version, options.Client)
	credential, err := newCredential(options, client)
	if err != nil {
		return nil, signInError(options, err)
	}
	return &signIn{options: options, credential: credential}, nil
}

func newCredential(options SignInOptions, client policy.ClientOptions) (azcore.TokenCredential, error) {
	switch options.Kind {
	case ServicePrincipal:
		return newServicePrincipal(options, client)
	case AzureCLI:
		return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: options.TenantID})
	case DefaultChain:
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: client,
			TenantID:      options.TenantID,
		})
	}
	return nil, fmt.Errorf("unknown way to sign in %q: known are %s, %s and %s", options.Kind, ServicePrincipal, AzureCLI, DefaultChain)
}

func newServicePrincipal(options SignInOptions, client policy.ClientOptions) (azcore.TokenCredential, error) {
	switch {
	case options.TenantID == "":
		return nil, errors.New("a service principal needs its tenant id")
	case options.ClientID == "":
		return nil, errors.New("a service principal needs its client id")
	case options.ClientSecret.Empty():
		return nil, errors.New("a service principal needs its client secret")
	}
	return azidentity.NewClientSecretCredential(options.TenantID, options.ClientID, options.ClientSecret.Reveal(),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: client})
}

// signIn is a credential whose errors are ours.
type signIn struct {
	options    SignInOptions
	credential azcore.TokenCredential
}

// GetToken is azcore's interface.
func (s *signIn) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := s.credential.GetToken(ctx, options)
	if err != nil {
		failed := signInError(s.options, err)
		if ctx.Err() != nil {
			failed.err = ctx.Err() // azidentity does not keep it
		}
		return azcore.AccessToken{}, failed
	}
	return token, nil
}

// String keeps a printed credential from showing what it holds.
func (s *signIn) String() string { return "sign-in by " + string(s.options.Kind) }

// GoString does the same for %#v.
func (s *signIn) GoString() string { return s.String() }
