package cli

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// azureFlags say where in Azure to look and how to sign in.
type azureFlags struct {
	cloud, tenant    string
	subscriptions    []string
	signIn           string
	clientSecretFile string
}

func (f *azureFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.cloud, "cloud", "", "public, usgov or china (CARTOUCHE_CLOUD) `CLOUD`")
	flags.StringVar(&f.tenant, "tenant", "", "tenant to sign in to (AZURE_TENANT_ID) `ID`")
	flags.StringArrayVar(&f.subscriptions, "subscription", nil,
		"subscription to look in, repeatable (AZURE_SUBSCRIPTION_ID); without: all that can be read `ID`")
	flags.StringVar(&f.signIn, "sign-in", "",
		"service-principal, azure-cli or default; without: service-principal when AZURE_CLIENT_ID, AZURE_TENANT_ID and the secret are given, else default `HOW`")
	flags.StringVar(&f.clientSecretFile, "client-secret-file", "", "file with the client secret, - for standard input (AZURE_CLIENT_SECRET) `FILE`")
	groupFlags(flags, "Azure", "cloud", "tenant", "subscription", "sign-in", "client-secret-file")
}

// theCloud is the cloud that flag or variable name.
func (a *app) theCloud(f azureFlags) (cloud.Cloud, error) {
	name := f.cloud
	if name == "" {
		name = a.env.Lookup("CARTOUCHE_CLOUD")
	}
	chosen, err := cloud.ByName(name)
	if err != nil {
		return cloud.Cloud{}, usage("--cloud public, --cloud usgov or --cloud china", "%s", err)
	}
	return chosen, nil
}

func (a *app) scope(f azureFlags) deployment.Scope {
	if len(f.subscriptions) > 0 {
		return deployment.Scope{Subscriptions: f.subscriptions}
	}
	if id := a.env.Lookup("AZURE_SUBSCRIPTION_ID"); id != "" {
		return deployment.Scope{Subscriptions: []string{id}}
	}
	return deployment.Scope{}
}

// signInOptions decides how to sign in, and reads or asks for the client secret.
func (a *app) signInOptions(ctx context.Context, f azureFlags, in cloud.Cloud) (cloud.SignInOptions, error) {
	options := cloud.SignInOptions{
		Cloud: in, TenantID: f.tenant, ClientID: a.env.Lookup("AZURE_CLIENT_ID"), Version: a.env.Version,
	}
	if options.TenantID == "" {
		options.TenantID = a.env.Lookup("AZURE_TENANT_ID")
	}
	clientSecret := secretSource{
		what: "client secret of " + options.ClientID, flag: "--client-secret-file", file: f.clientSecretFile, variable: "AZURE_CLIENT_SECRET",
	}
	named := options.ClientID != "" && options.TenantID != ""
	switch f.signIn {
	case "":
		value, err := a.given(clientSecret)
		switch {
		case err == nil && named:
			options.Kind, options.ClientSecret = cloud.ServicePrincipal, value
		case err == nil || errors.Is(err, errNotGiven):
			options.Kind = cloud.DefaultChain
		default:
			return options, err
		}
		return options, nil
	case string(cloud.AzureCLI), string(cloud.DefaultChain):
		options.Kind = cloud.SignInKind(f.signIn)
		return options, nil
	case string(cloud.ServicePrincipal):
		options.Kind = cloud.ServicePrincipal
		if !named {
			return options, usage("set AZURE_CLIENT_ID and AZURE_TENANT_ID (or --tenant)", "a service principal needs its client id and its tenant")
		}
		var err error
		options.ClientSecret, err = a.ask(ctx, clientSecret)
		return options, err
	}
	return options, usage("--sign-in service-principal, azure-cli or default", "unknown way to sign in %q", f.signIn)
}
