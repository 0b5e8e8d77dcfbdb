package cloud

import (
	"net/http"
	"strings"
	"testing"
)

const (
	vaultID    = "/subscriptions/5e2f/resourceGroups/gis/providers/Microsoft.KeyVault/vaults/kv"
	identity   = "11111111-2222-3333-4444-555555555555"
	getSecret  = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	roleOfTest = "/subscriptions/5e2f/providers/Microsoft.Authorization/roleDefinitions/"
)

func TestMayDoData(t *testing.T) {
	const (
		secretsUser = `{"properties":{"roleDefinitionId":"` + roleOfTest + `secrets-user"}}`
		conditional = `{"properties":{"roleDefinitionId":"` + roleOfTest + `secrets-user","condition":"@Resource[x] StringEquals 'y'"}}`
		owner       = `{"properties":{"roleDefinitionId":"` + roleOfTest + `owner"}}`
		gone        = `{"properties":{"roleDefinitionId":"` + roleOfTest + `gone"}}`
	)
	denyAll := `{"properties":{"denyAssignmentName":"d","scope":"/subscriptions/5e2f","permissions":[{"dataActions":["*"]}],"principals":[{"id":"` + everybody + `","type":"SystemDefined"}]}}`
	for name, test := range map[string]struct {
		assignments, denials string
		want, fails          bool
	}{
		"a role with the data action":             {secretsUser, "", true, false},
		"actions are no data actions":             {owner, "", false, false},
		"one of several":                          {owner + "," + secretsUser, "", true, false},
		"nothing assigned":                        {"", "", false, false},
		"under a condition":                       {conditional, "", false, false},
		"denied":                                  {secretsUser, denyAll, false, false},
		"a definition that cannot be read":        {gone, "", false, true},
		"... does not matter beside one that can": {gone + "," + secretsUser, "", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			azure := newAzure(t)
			azure.mux.HandleFunc("GET "+vaultID+"/providers/Microsoft.Authorization/roleAssignments", func(w http.ResponseWriter, r *http.Request) {
				if got, want := r.URL.Query().Get("$filter"), "atScope() and assignedTo('"+identity+"')"; got != want {
					t.Errorf("filter %q, want %q", got, want)
				}
				answer(w, 200, `{"value":[`+test.assignments+`]}`)
			})
			azure.mux.HandleFunc("GET "+vaultID+"/providers/Microsoft.Authorization/denyAssignments", func(w http.ResponseWriter, r *http.Request) {
				answer(w, 200, `{"value":[`+test.denials+`]}`)
			})
			azure.mux.HandleFunc("GET "+roleOfTest+"{id}", func(w http.ResponseWriter, r *http.Request) {
				switch r.PathValue("id") {
				case "secrets-user":
					answer(w, 200, `{"properties":{"permissions":[{"dataActions":["Microsoft.KeyVault/vaults/secrets/getSecret/action"]}]}}`)
				case "owner":
					answer(w, 200, `{"properties":{"permissions":[{"actions":["*"]}]}}`)
				default:
					answer(w, 404, `{"error":{"code":"RoleDefinitionDoesNotExist"}}`)
				}
			})
			got, err := azure.manager().MayDoData(t.Context(), vaultID, identity, getSecret)
			if got != test.want || (err != nil) != test.fails {
				t.Errorf("got %t, %v; want %t, failure %t", got, err, test.want, test.fails)
			}
		})
	}
}

func TestARoleDefinitionIsReadOnce(t *testing.T) {
	azure := newAzure(t)
	reads := 0
	azure.mux.HandleFunc("GET "+vaultID+"/providers/Microsoft.Authorization/{what}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("what") == "denyAssignments" {
			answer(w, 200, `{"value":[]}`)
			return
		}
		answer(w, 200, `{"value":[{"properties":{"roleDefinitionId":"`+roleOfTest+`r"}}]}`)
	})
	azure.mux.HandleFunc("GET "+roleOfTest+"r", func(w http.ResponseWriter, r *http.Request) {
		reads++
		answer(w, 200, `{"properties":{"permissions":[{"dataActions":["*"],"notDataActions":["*/purge/action"]}]}}`)
	})
	manager := azure.manager()
	for _, action := range []string{getSecret, getSecret, "Microsoft.KeyVault/vaults/secrets/purge/action"} {
		got, err := manager.MayDoData(t.Context(), vaultID, identity, action)
		if want := !strings.Contains(action, "purge"); err != nil || got != want {
			t.Errorf("%s: %t, %v", action, got, err)
		}
	}
	if reads != 1 {
		t.Errorf("the definition was read %d times", reads)
	}
}

func TestDenyAssignments(t *testing.T) {
	right := Right{Action: "Microsoft.Network/applicationGateways/write"}
	const me = "aaaa"
	for name, test := range map[string]struct {
		properties string
		want       Denial
	}{
		"everybody":             {`"principals":[{"id":"` + everybody + `","type":"SystemDefined"}],"permissions":[{"actions":["*/write"]}]`, Denied},
		"me, in another case":   {`"principals":[{"id":"AAAA","type":"User"}],"permissions":[{"actions":["*"]}]`, Denied},
		"somebody else":         {`"principals":[{"id":"bbbb","type":"User"}],"permissions":[{"actions":["*"]}]`, NotDenied},
		"a group":               {`"principals":[{"id":"gggg","type":"Group"}],"permissions":[{"actions":["*"]}]`, MayBeDenied},
		"everybody but me":      {`"principals":[{"id":"` + everybody + `"}],"excludePrincipals":[{"id":"aaaa"}],"permissions":[{"actions":["*"]}]`, NotDenied},
		"everybody but a group": {`"principals":[{"id":"` + everybody + `"}],"excludePrincipals":[{"id":"gggg","type":"Group"}],"permissions":[{"actions":["*"]}]`, MayBeDenied},
		"something else":        {`"principals":[{"id":"aaaa"}],"permissions":[{"actions":["*/delete"]}]`, NotDenied},
		"all but this":          {`"principals":[{"id":"aaaa"}],"permissions":[{"actions":["*"],"notActions":["Microsoft.Network/*"]}]`, NotDenied},
		"data only":             {`"principals":[{"id":"aaaa"}],"permissions":[{"dataActions":["*"]}]`, NotDenied},
		"only where it is":      {`"principals":[{"id":"aaaa"}],"permissions":[{"actions":["*"]}],"doNotApplyToChildScopes":true`, NotDenied},
	} {
		t.Run(name, func(t *testing.T) {
			azure := newAzure(t)
			azure.mux.HandleFunc("GET "+gatewayID+"/providers/Microsoft.Authorization/denyAssignments", func(w http.ResponseWriter, r *http.Request) {
				if got := r.URL.Query().Get("$filter"); got != "atScope()" {
					t.Errorf("filter %q", got)
				}
				answer(w, 200, `{"value":[{"id":"/d","properties":{"denyAssignmentName":"stack","scope":"/subscriptions/5e2f",`+test.properties+`}}]}`)
			})
			list, err := azure.manager().DenyAssignments(t.Context(), gatewayID)
			if err != nil || len(list) != 1 || list[0].Name != "stack" {
				t.Fatalf("got %+v, %v", list, err)
			}
			if got := list[0].Denies(me, gatewayID, right); got != test.want {
				t.Errorf("denies: %d, want %d", got, test.want)
			}
			if got := list[0].Denies("", gatewayID, right); name == "everybody" && got != Denied || name == "somebody else" && got != MayBeDenied {
				t.Errorf("denies one that is not known: %d", got)
			}
		})
	}
}

func TestCallerID(t *testing.T) {
	for name, test := range map[string]struct{ token, want string }{
		"ours":            {"e30.eyJvaWQiOiIxMTExMTExMS0yMjIyIn0.sig", "11111111-2222"},
		"without the oid": {"e30.e30.sig", ""},
		"no JWT":          {token, ""},
		"no base64":       {"a.*.c", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := objectID(test.token)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("the token is in %q", err)
			}
		})
	}
}
