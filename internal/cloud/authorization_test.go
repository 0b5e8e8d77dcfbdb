package cloud

import (
	"fmt"
	"net/http"
	"testing"
)

func TestPermissions(t *testing.T) {
	const write = "Microsoft.Network/applicationGateways/write"
	tests := []struct {
		name   string
		grants string
		want   bool
	}{
		{"owner", `[{"actions":["*"],"notActions":[]}]`, true},
		{"reader", `[{"actions":["*/read"]}]`, false},
		{"exact, in another case", `[{"actions":["MICROSOFT.network/ApplicationGateways/WRITE"]}]`, true},
		{"a star crosses slashes", `[{"actions":["Microsoft.Network/*"]}]`, true},
		{"a star in the middle", `[{"actions":["Microsoft.*/applicationGateways/*rite"]}]`, true},
		{"a star needs the rest", `[{"actions":["Microsoft.Network/*/delete"]}]`, false},
		{"a star between slashes may be nothing", `[{"actions":["Microsoft.Network/*/applicationGateways/*/write"]}]`, true},
		{"excluded by the same role", `[{"actions":["*"],"notActions":["Microsoft.Network/*/write"]}]`, false},
		{"excluded by one role, given by another", `[{"actions":["*"],"notActions":["Microsoft.Network/*"]},{"actions":["Microsoft.Network/applicationGateways/*"]}]`, true},
		{"data actions are something else", `[{"dataActions":["*"]}]`, false},
		{"nothing", `[]`, false},
		{"other shapes", `[7,{"actions":"*"},{"actions":[{}]}]`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			azure := newAzure(t)
			azure.mux.HandleFunc("GET "+gatewayID+"/providers/Microsoft.Authorization/permissions", func(w http.ResponseWriter, r *http.Request) {
				answer(w, 200, `{"value":`+test.grants+`}`)
			})
			got, err := azure.manager().Permissions(t.Context(), gatewayID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Allows(write) != test.want {
				t.Errorf("allows: %t", !test.want)
			}
		})
	}
}

func TestDataActionsAreJudgedByThemselves(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("GET "+vaultID+"/providers/Microsoft.Authorization/permissions", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"value":[{"actions":["*"]},{"dataActions":["Microsoft.KeyVault/vaults/secrets/*"],"notDataActions":["*/purge/action"]}]}`)
	})
	got, err := azure.manager().Permissions(t.Context(), vaultID)
	if err != nil {
		t.Fatal(err)
	}
	for action, want := range map[string]bool{
		getSecret: true,
		"Microsoft.KeyVault/vaults/secrets/purge/action": false,
		"Microsoft.KeyVault/vaults/certificates/read":    false,
	} {
		if got.AllowsData(action) != want {
			t.Errorf("allows %s: %t, want %t", action, !want, want)
		}
	}
	if !got.Allows("Microsoft.KeyVault/vaults/read") {
		t.Error("the actions beside them are lost")
	}
}

func TestLocks(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("GET "+gatewayID+"/providers/Microsoft.Authorization/locks", func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("$filter"); got != "atScope()" {
			t.Errorf("filter %q", got)
		}
		answer(w, 200, `{"value":[{"id":"/subscriptions/5e2f/providers/microsoft.authorization/locks/frozen","name":"frozen","properties":{"level":"ReadOnly","notes":"ask Ann"}}]}`)
	})
	got, err := azure.manager().Locks(t.Context(), gatewayID)
	if err != nil || fmt.Sprint(got) != "[{frozen /subscriptions/5e2f/providers/microsoft.authorization/locks/frozen /subscriptions/5e2f ReadOnly ask Ann}]" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestListTaggedNamesEachResourceOnce(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("GET /subscriptions/s1/resources", func(w http.ResponseWriter, r *http.Request) {
		switch filter := r.URL.Query().Get("$filter"); filter {
		case "tagName eq 'arcgis-deployment-id'":
			answer(w, 200, `{"value":[{"id":"/A"},{"id":"/b"}]}`)
		case "tagName eq 'it''s'":
			answer(w, 200, `{"value":[{"id":"/a"},{"id":"/c"}]}`)
		default:
			t.Errorf("filter %q", filter)
		}
	})
	got, err := azure.manager().ListTagged(t.Context(), "s1", "arcgis-deployment-id", "it's")
	if err != nil || compact(t, got) != `[{"id":"/A"},{"id":"/b"},{"id":"/c"}]` {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestPublicIPAddress(t *testing.T) {
	const id = "/subscriptions/5e2f/resourceGroups/gis/providers/Microsoft.Network/publicIPAddresses/ip"
	azure := newAzure(t)
	azure.mux.HandleFunc("GET "+id, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"properties":{"ipAddress":"203.0.113.7","dnsSettings":{"fqdn":"gis.westeurope.cloudapp.azure.com"}}}`)
	})
	got, err := azure.manager().PublicIPAddress(t.Context(), id)
	if err != nil || got != (PublicIP{IP: "203.0.113.7", FQDN: "gis.westeurope.cloudapp.azure.com"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}
