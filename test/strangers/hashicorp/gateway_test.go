// Package hashicorp holds the simulator to HashiCorp's go-azure-sdk, on which
// Terraform's azurerm provider stands: its own sign-in, its own pollers, its
// own types. It is a module of its own, so that the product links none of it.
//
// Nothing of the client is set up but what a company's computer would have: a
// proxy and a file of authorities in the environment.
package hashicorp

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-azure-sdk/resource-manager/network/2025-05-01/applicationgateways"
	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

var world *sim.World

func TestMain(m *testing.M) { os.Exit(inWorld(m)) }

// inWorld sets the environment before the first request: net/http reads proxy
// and authorities once.
func inWorld(m *testing.M) int {
	var err error
	world, err = sim.Start(context.Background(), sim.Options{World: "single", Scale: 60})
	if err != nil {
		fmt.Fprintln(os.Stderr, "start the world:", err)
		return 1
	}
	defer world.Close()
	for _, variable := range world.Environment() {
		os.Setenv(variable.Name, variable.Value)
	}
	return m.Run()
}

// within bounds a test: HashiCorp's pollers insist on a deadline.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// public is the environment as azurerm finds it out: from the metadata that
// Resource Manager itself serves.
func public(t *testing.T) *environments.Environment {
	t.Helper()
	environment, err := environments.FromEndpoint(within(t), "https://management.azure.com")
	if err != nil {
		t.Fatal("read the cloud's metadata:", err)
	}
	return environment
}

func gateways(t *testing.T, secret string) *applicationgateways.ApplicationGatewaysClient {
	t.Helper()
	environment := public(t)
	authorizer, err := auth.NewAuthorizerFromCredentials(within(t), auth.Credentials{
		Environment:                           *environment,
		TenantID:                              os.Getenv("AZURE_TENANT_ID"),
		ClientID:                              os.Getenv("AZURE_CLIENT_ID"),
		ClientSecret:                          secret,
		EnableAuthenticatingUsingClientSecret: true,
	}, environment.ResourceManager)
	if err != nil {
		t.Fatal("make the credential:", err)
	}
	client, err := applicationgateways.NewApplicationGatewaysClientWithBaseURI(environment.ResourceManager)
	if err != nil {
		t.Fatal("make the client:", err)
	}
	client.Client.SetAuthorizer(authorizer)
	return client
}

func gatewayID(t *testing.T) applicationgateways.ApplicationGatewayId {
	t.Helper()
	id, err := applicationgateways.ParseApplicationGatewayID(world.Deployments()[0].GatewayID)
	if err != nil {
		t.Fatal(err)
	}
	return *id
}

// TestMetadata: authority, suffixes and audience come from /metadata/endpoints.
func TestMetadata(t *testing.T) {
	environment := public(t)
	if got, want := environment.Name, "AzureCloud"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	if got, want := environment.Authorization.LoginEndpoint, "https://login.microsoftonline.com"; got != want && got != want+"/" {
		t.Errorf("login endpoint %q, want %q", got, want)
	}
	if suffix, ok := environment.KeyVault.DomainSuffix(); !ok || *suffix != "vault.azure.net" {
		t.Errorf("suffix of vaults %v, want vault.azure.net", suffix)
	}
}

// TestGatewayWrite reads the gateway, writes it back with one more tag, polls
// with HashiCorp's poller until the operation has ended, and reads it again.
func TestGatewayWrite(t *testing.T) {
	client, id := gateways(t, os.Getenv("AZURE_CLIENT_SECRET")), gatewayID(t)
	before, err := client.Get(within(t), id)
	if err != nil {
		t.Fatal("get:", err)
	}
	document := *before.Model
	tags := map[string]string{"written-by": "a stranger"}
	for name, value := range *document.Tags {
		tags[name] = value
	}
	document.Tags = &tags
	writes := world.Ground().Ledger.Count(ground.GatewayWrite)
	if err := client.CreateOrUpdateThenPoll(within(t), id, document); err != nil {
		t.Fatal("create or update:", err)
	}
	after, err := client.Get(within(t), id)
	if err != nil {
		t.Fatal("get again:", err)
	}
	if got := (*after.Model.Tags)["written-by"]; got != "a stranger" {
		t.Errorf("tag written-by is %q", got)
	}
	if *before.Model.Etag == *after.Model.Etag {
		t.Error("the ETag has not changed")
	}
	if state := string(*after.Model.Properties.ProvisioningState); state != "Succeeded" {
		t.Errorf("provisioning state %s, want Succeeded", state)
	}
	if got := world.Ground().Ledger.Count(ground.GatewayWrite) - writes; got != 1 {
		t.Errorf("%d gateway writes, want 1", got)
	}
}

// TestWrongSecret: a refusal reaches the stranger with Entra's own code.
func TestWrongSecret(t *testing.T) {
	_, err := gateways(t, "not-the-secret").Get(within(t), gatewayID(t))
	if err == nil {
		t.Fatal("a wrong secret was accepted")
	}
	if text := err.Error(); !strings.Contains(text, "AADSTS7000215") {
		t.Errorf("error %q, want AADSTS7000215", text)
	}
}
