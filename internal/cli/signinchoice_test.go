package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Flags go before the environment, and that before what a login remembered.
func TestWhatGoesBeforeWhat(t *testing.T) {
	yesterday := time.Now().AddDate(0, 0, -1)
	remembered := &account.Account{
		Cloud: "public", Kind: cloud.Browser, TenantID: "remembered", SignedInAt: yesterday,
		Subscriptions: []account.Subscription{{ID: "s1"}, {ID: "s2"}},
	}
	government := &account.Account{Cloud: "usgov", Kind: cloud.DeviceCode, TenantID: "remembered", SignedInAt: yesterday}
	const principal = "AZURE_CLIENT_ID=app AZURE_TENANT_ID=tenant "
	for _, row := range []struct {
		name, env, flags string
		remembered       *account.Account
		want             string // kind from cloud tenant subscriptions
	}{
		{name: "nothing at all", want: "default default public"},
		{name: "a login", remembered: remembered, want: "browser login public remembered s1,s2"},
		{name: "a login elsewhere", remembered: government, want: "device-code login usgov remembered"},
		{name: "a secret", env: principal + "AZURE_CLIENT_SECRET=s", remembered: government, want: "service-principal environment public tenant"},
		{name: "a federated token", env: principal + "AZURE_FEDERATED_TOKEN_FILE=f", remembered: remembered, want: "workload-identity environment public tenant"},
		{name: "half a service principal", env: principal, remembered: remembered, want: "browser login public tenant"},
		{name: "half, and no login", env: principal, want: "default default public tenant"},
		{name: "another cloud by variable", env: "CARTOUCHE_CLOUD=usgov", remembered: remembered, want: "default default usgov"},
		{name: "the same cloud by flag", flags: "--cloud AzureUSGovernment", remembered: government, want: "device-code login usgov remembered"},
		{name: "a way by flag", env: principal + "AZURE_CLIENT_SECRET=s", flags: "--sign-in azure-cli", want: "azure-cli flag public tenant"},
		{name: "a person's other way", flags: "--sign-in device-code", remembered: remembered, want: "device-code flag public remembered s1,s2"},
		{name: "not a person's way", flags: "--sign-in azure-cli", remembered: remembered, want: "azure-cli flag public"},
		{name: "a tenant by flag", flags: "--tenant other", remembered: remembered, want: "browser login public other"},
		{name: "a subscription by variable", env: "AZURE_SUBSCRIPTION_ID=s9", remembered: remembered, want: "browser login public remembered s9"},
		{name: "subscriptions by flag", env: "AZURE_SUBSCRIPTION_ID=s9", flags: "--subscription a --subscription b", remembered: remembered, want: "browser login public remembered a,b"},
		{name: "a managed identity", flags: "--managed-identity-client-id id", remembered: remembered, want: "managed-identity flag public"},
	} {
		state := filepath.Join(t.TempDir(), "state")
		if row.remembered != nil {
			if err := account.Save(state, *row.remembered); err != nil {
				t.Fatal(err)
			}
		}
		variables := map[string]string{"CARTOUCHE_STATE_DIR": state}
		for variable := range strings.FieldsSeq(row.env) {
			name, value, _ := strings.Cut(variable, "=")
			variables[name] = value
		}
		got, err := cli.ChooseSignIn(t.Context(), func(name string) string { return variables[name] }, strings.Fields(row.flags)...)
		if err != nil || got != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
}

func TestFlagsOfTwoWaysToSignIn(t *testing.T) {
	lookup := func(string) string { return "" }
	for flags, want := range map[string]string{
		"--sign-in browser --client-secret-file f":                  "--client-secret-file is for --sign-in service-principal only",
		"--client-certificate f --managed-identity-client-id i":     "--managed-identity-client-id is for --sign-in managed-identity only",
		"--client-certificate f --client-secret-file f":             "exclude each other",
		"--sign-in default --client-certificate-password-file f":    "--client-certificate-password-file is for",
		"--sign-in azure-cli --managed-identity-client-id i":        "--managed-identity-client-id is for",
		"--sign-in managed-identity --managed-identity-client-id i": "",
	} {
		_, err := cli.ChooseSignIn(t.Context(), lookup, strings.Fields(flags)...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", flags, err, want)
		}
	}
}

func TestSubscriptionsAndTenantsByName(t *testing.T) {
	subscriptions := []cloud.Subscription{{ID: "1", Name: "GIS"}, {ID: "2", Name: "Twice"}, {ID: "3", Name: "twice"}, {ID: "4", Name: "1"}}
	for given, want := range map[string]string{"gis": "1", "2": "2", "1": "1", "Twice": "2 subscriptions have the name", "none": "no subscription"} {
		if got := cli.MatchSubscription(subscriptions, given); !strings.HasPrefix(got, want) {
			t.Errorf("subscription %q: got %q, want %q", given, got, want)
		}
	}
	tenants := []cloud.Tenant{
		{ID: "a", Name: "Contoso", Domain: "contoso.onmicrosoft.com", Domains: []string{"contoso.com", "contoso.onmicrosoft.com"}},
		{ID: "b", Name: "Same"}, {ID: "c", Name: "same"},
	}
	for given, want := range map[string]string{"CONTOSO.com": "a", "contoso": "a", "b": "b", "Same": "2 tenants have the name", "x": "no such tenant"} {
		if got := cli.TenantNamed(tenants, given); !strings.HasPrefix(got, want) {
			t.Errorf("tenant %q: got %q, want %q", given, got, want)
		}
	}
}
