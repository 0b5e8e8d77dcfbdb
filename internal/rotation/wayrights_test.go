package rotation

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

const vmID, accountID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
	"/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/stg"

func agentRights() wayRights {
	way := reach.NewAgent(reach.AgentOptions{Storage: cloud.StorageAccount{ID: accountID}})
	return needsOf(way, []reach.Machine{
		{ID: vmID, Components: []machine.Component{{Product: machine.Server, Port: 6443}}},
		{ID: vmID + "-fileshare"},
	})
}

// docs/permissions.md lists what reaching machines takes, and nothing else.
func TestTheRightsAtMachinesAreDocumented(t *testing.T) {
	document, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(document), "\n## Reaching machines\n")
	if !found {
		t.Fatal("docs/permissions.md has no heading Reaching machines")
	}
	var documented []string
	for _, block := range regexp.MustCompile("(?s)```text\n(.*?)```").FindAllStringSubmatch(section, -1) {
		documented = append(documented, strings.Fields(block[1])...)
	}
	rights := agentRights()
	var needed []string
	for _, need := range rights.all() {
		needed = append(needed, need.Action)
		if need.Scope != vmID && need.Scope != accountID {
			t.Errorf("%s is needed on %s, where nothing is to be done", need.Action, need.Scope)
		}
	}
	slices.Sort(documented)
	slices.Sort(needed)
	needed = slices.Compact(needed) // reading the account is in both
	if diff := cmp.Diff(documented, needed); diff != "" {
		t.Errorf("documented (-), needed (+):\n%s", diff)
	}
	if rights := needsOf(reach.NewDirect(nil, nil), []reach.Machine{{ID: vmID}}); len(rights.all()) > 0 {
		t.Errorf("dialling takes rights in Azure: %v", rights)
	}
}

// permitted is what Azure answers to whoever has a role with these actions.
func permitted(t *testing.T, actions, dataActions []string) cloud.Permissions {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"value": []any{map[string]any{"actions": actions, "dataActions": dataActions}}})
	}))
	t.Cleanup(server.Close)
	client := server.Client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	client.Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com"
	azure, err := cloud.NewResourceManager(cloud.Public(), anyToken{}, cloud.Options{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	permissions, err := azure.Permissions(t.Context(), vmID)
	if err != nil {
		t.Fatal(err)
	}
	return permissions
}

type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// What is asked for follows from what is granted: who has rights on the data
// needs no key, and who has neither is told the key.
func TestRightsOnTheDataNeedNoKey(t *testing.T) {
	rights := agentRights()
	grant := func(actions, data string) Access {
		permissions := permitted(t, strings.Fields(actions), strings.Fields(data))
		return Access{Places: []Place{{Scope: vmID, Permissions: permissions}, {Scope: accountID, Permissions: permissions}}}
	}
	for name, test := range map[string]struct {
		access  Access
		key     bool
		missing bool
	}{
		"both":            {grant("*", "*"), false, false},
		"no data actions": {grant("*", ""), true, false},
		"neither":         {grant("Microsoft.Compute/* Microsoft.Storage/storageAccounts/read", ""), true, true},
	} {
		state := State{Access: test.access, WayNeeds: settled(rights, test.access)}
		operations := state.WayOperations(StepTrust)
		if key := slices.ContainsFunc(operations, func(o Operation) bool { return strings.HasSuffix(o.Action, "listKeys/action") }); key != test.key {
			t.Errorf("%s: the key is asked for: %t, want %t", name, key, test.key)
		}
		if found := state.AccessFindings(operations); found.Has("permission-missing") != test.missing {
			t.Errorf("%s: %v, want permission-missing: %t", name, found, test.missing)
		}
	}
}
