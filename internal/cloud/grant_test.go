package cloud

import (
	"net/http"
	"testing"
)

// A refusal that says who may not do what where comes with the command that
// helps, and one that does not comes with the general hint.
func TestARefusalComesWithTheCommandThatGrants(t *testing.T) {
	const (
		who   = "The client 'c' with object id '11111111-2222-3333-4444-555555555555' "
		grant = "a role is missing, which works some minutes after it was given: az role assignment create --assignee-object-id 11111111-2222-3333-4444-555555555555 --role "
	)
	for name, test := range map[string]struct{ code, message, want string }{
		"reading": {"AuthorizationFailed", who + "does not have authorization to perform action 'Microsoft.Network/publicIPAddresses/read' over scope '/subscriptions/5e2f' or the scope is invalid.",
			grant + "Reader --scope /subscriptions/5e2f"},
		"linked": {"LinkedAuthorizationFailed", who + "has permission to perform action 'Microsoft.Network/applicationGateways/write' on scope '" + gatewayID +
			"'; however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/5e2f/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s' (respectively)",
			grant + `"Network Contributor" --scope /subscriptions/5e2f/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s`},
		"no built-in role": {"AuthorizationFailed", who + "does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '/subscriptions/5e2f'", hints["authorizationfailed"]},
		"a strange scope":  {"AuthorizationFailed", who + "does not have authorization to perform action 'Microsoft.Network/x/read' over scope '/a\\u0027; rm -rf /", hints["authorizationfailed"]},
		"another text":     {"AuthorizationFailed", "no", hints["authorizationfailed"]},
	} {
		t.Run(name, func(t *testing.T) {
			azure := newAzure(t)
			azure.mux.HandleFunc("GET "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
				answer(w, 403, `{"error":{"code":"`+test.code+`","message":"`+test.message+`"}}`)
			})
			_, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI)
			if e, ok := err.(*Error); !ok || e.Hint != test.want {
				t.Errorf("hint %q, want %q", e.Hint, test.want)
			}
		})
	}
}

func TestGrantCommandQuotes(t *testing.T) {
	for scope, want := range map[string]string{
		"/subscriptions/s":                         "az role assignment create --assignee-object-id OBJECT-ID-OF-THE-ACCOUNT --role Reader --scope /subscriptions/s",
		"/subscriptions/s/resourceGroups/gis (it)": "az role assignment create --assignee-object-id OBJECT-ID-OF-THE-ACCOUNT --role Reader --scope '/subscriptions/s/resourceGroups/gis (it)'",
		"/a'b": `az role assignment create --assignee-object-id OBJECT-ID-OF-THE-ACCOUNT --role Reader --scope NAME`,
	} {
		if got := GrantCommand("Reader", "", scope); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAnIdOnACommandLineIsOneWord(t *testing.T) {
	for id, want := range map[string]string{
		"/subscriptions/s/resourceGroups/gis-1_a.b": "/subscriptions/s/resourceGroups/gis-1_a.b",
		"/subscriptions/s/resourceGroups/gis (new)": "'/subscriptions/s/resourceGroups/gis (new)'",
		"/s/$(touch pwned)":                         "'/s/$(touch pwned)'",
		"/s/'; touch pwned; '":                      "NAME",
		"/s/‘; calc; ‘":                             "NAME", // to PowerShell, a quote
		"/s/\ntouch pwned":                          "NAME",
		"--help":                                    "NAME",
	} {
		if got := ShellWord(id); got != want {
			t.Errorf("%q becomes %s, want %s", id, got, want)
		}
	}
}
