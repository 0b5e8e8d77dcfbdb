package cli

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// azureFlags say where in Azure to look and how to sign in.
type azureFlags struct {
	cloud, tenant    string
	subscriptions    []string
	signIn           string
	clientSecretFile string
	// clientCertificate is a .pfx or PEM file.
	clientCertificate, clientCertificatePasswordFile string
	managedIdentity                                  string
}

func (f *azureFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.cloud, "cloud", "", "public, usgov or china (CARTOUCHE_CLOUD) `CLOUD`")
	flags.StringVar(&f.tenant, "tenant", "", "id or domain of the tenant to sign in to (AZURE_TENANT_ID) `TENANT`")
	flags.StringArrayVar(&f.subscriptions, "subscription", nil,
		"id or name of a subscription to look in, repeatable (AZURE_SUBSCRIPTION_ID); without: those chosen at login, else all that can be read `SUBSCRIPTION`")
	flags.StringVar(&f.signIn, "sign-in", "",
		"browser, device-code, azure-cli, service-principal, workload-identity, managed-identity or default; without: what AZURE_CLIENT_ID, AZURE_TENANT_ID and a secret, certificate or federated token say, else as at login, else default `HOW`")
	flags.StringVar(&f.clientSecretFile, "client-secret-file", "", "file with the client secret, - for standard input (AZURE_CLIENT_SECRET) `FILE`")
	flags.StringVar(&f.clientCertificate, "client-certificate", "", "certificate and key of the service principal, .pfx or PEM (AZURE_CLIENT_CERTIFICATE_PATH) `FILE`")
	flags.StringVar(&f.clientCertificatePasswordFile, "client-certificate-password-file", "",
		"file with the password of that .pfx, - for standard input (AZURE_CLIENT_CERTIFICATE_PASSWORD) `FILE`")
	flags.StringVar(&f.managedIdentity, "managed-identity-client-id", "", "which managed identity of this machine (AZURE_CLIENT_ID) `ID`")
	groupFlags(flags, "Azure", "cloud", "tenant", "subscription", "sign-in", "client-secret-file",
		"client-certificate", "client-certificate-password-file", "managed-identity-client-id")
}

// fits refuses what the way of signing in would pass over in silence.
func (f azureFlags) fits(kind cloud.SignInKind) error {
	given := map[string]bool{
		"client-secret-file": f.clientSecretFile != "", "client-certificate": f.clientCertificate != "",
		"client-certificate-password-file": f.clientCertificatePasswordFile != "", "managed-identity-client-id": f.managedIdentity != "",
	}
	return app.Fits(kind, func(proof string) bool { return given[proof] })
}

// signInAsked are the flags as they are asked for.
func (a *program) signInAsked(ctx context.Context, f azureFlags) app.SignInAsked {
	return app.SignInAsked{
		Cloud: f.cloud, Tenant: f.tenant, Subscriptions: f.subscriptions, How: f.signIn,
		Principal: f.clientSecretFile != "" || f.clientCertificate != "", ManagedIdentity: f.managedIdentity,
		Fits: f.fits,
		Proof: func(ctx context.Context, options *cloud.SignInOptions) error {
			return a.principalProof(ctx, f, options)
		},
		Person: a.asked(ctx), MayAsk: a.env.StdinIsTerminal,
	}
}

// chooseSignIn decides how to sign in.
func (a *program) chooseSignIn(ctx context.Context, f azureFlags) (app.Choice, error) {
	return a.ChooseSignIn(ctx, a.signInAsked(ctx, f))
}
