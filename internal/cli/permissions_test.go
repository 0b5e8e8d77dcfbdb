package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

// documentedRole is the role of docs/permissions.md.
type documentedRole struct {
	Name                                             string
	Actions, NotActions, DataActions, NotDataActions []string
}

// TestTheDocumentedRoleIsExactlyEnough gives the account the role of
// docs/permissions.md and no other. Every command works with it, and what they
// asked of the simulated Azure is all that the role has.
func TestTheDocumentedRoleIsExactlyEnough(t *testing.T) {
	t.Parallel()
	role := readRole(t)
	options := sim.Options{World: "ha", Scale: 300, Dir: t.TempDir()}
	options.Machines.Key = "p256"
	options.Guesses.Manager.LinkedReads = true // as the documentation has it
	world, err := sim.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.Close() })
	dir := t.TempDir()
	if err := world.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	gateway := world.Deployments()[0].GatewayID
	account := world.Grants()[0].Principal
	identity := world.Identities()[0].ID
	world.Manager().SetGrants(onlyGrant(world.Grants(), account, gateway, role)...)
	giveFirewallPolicy(t, world.Manager(), gateway)

	cartouche := programIn(t, world)
	file := []string{"--pfx", filepath.Join(dir, "new.pfx"), "--password-file", filepath.Join(dir, "new.pfx.password")}
	for _, args := range [][]string{
		{"deployments"},
		{"show", "maps.example.com"},
		append([]string{"plan", "maps.example.com"}, file...),
		append([]string{"apply", "maps.example.com", "--yes"}, file...),
		{"verify", "maps.example.com"},
		{"clean", "maps.example.com", "--now", "--yes"},
		{"vaults"},
		{"certificates", "--vault", "entvault"},
		{"certificates", "--vault", "entvault", "maps"},
		append([]string{"upload", "--vault", "entvault", "--certificate", "fresh", "--yes"}, file...),
		append([]string{"upload", "--vault", "entvault", "--certificate", "maps-gone", "--yes"}, file...),
		append([]string{"upload", "--vault", "entvault", "--certificate", "maps-file", "--yes"}, file...),
		{"apply", "maps.example.com", "--vault", "entvault", "--certificate", "maps", "--reference", "--identity", identity, "--yes"},
		append([]string{"apply", "maps.example.com", "--allow-older", "--yes"}, file...), // where the listener follows, a new version
		{"apply", "maps.example.com", "--vault", "entvault", "--certificate", "maps-file", "--inline", "--allow-older", "--yes"},
	} {
		cartouche(args...)
	}

	// What the document says can be left out.
	for _, less := range []struct {
		without  string
		commands [][]string
	}{
		{"KeyVault|roleAssignments|roleDefinitions|userAssignedIdentities/read", [][]string{append([]string{"plan", "maps.example.com", "--inline"}, file...)}},
		{"import|recover|secrets", [][]string{{"certificates", "--vault", "entvault", "maps"}, {"plan", "maps.example.com", "--vault", "entvault", "--certificate", "maps", "--reference"}}},
		{"secrets/(readMetadata|setSecret)", [][]string{append([]string{"upload", "--vault", "entvault", "--certificate", "another", "--yes"}, file...)}},
		{"/(write|join/action|assign/action)$|import|recover|secrets", [][]string{{"deployments"}, {"show", "maps.example.com"}, {"verify", "maps.example.com"}}},
	} {
		world.Manager().SetGrants(onlyGrant(world.Grants(), account, gateway, role.less(less.without))...)
		for _, args := range less.commands {
			cartouche(args...)
		}
	}

	actions, dataActions := world.Manager().Required(account)
	if diff := cmp.Diff(sorted(role.Actions), sorted(actions)); diff != "" {
		t.Errorf("actions: the role has (-), Azure was asked for (+):\n%s", diff)
	}
	if diff := cmp.Diff(sorted(role.DataActions), sorted(dataActions)); diff != "" {
		t.Errorf("data actions: the role has (-), Azure was asked for (+):\n%s", diff)
	}
}

// readRole takes the one JSON block out of the document.
func readRole(t *testing.T) (role documentedRole) {
	t.Helper()
	document, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(document, -1)
	if len(blocks) != 1 {
		t.Fatalf("%d JSON blocks in docs/permissions.md, want the role", len(blocks))
	}
	if err := json.Unmarshal(blocks[0][1], &role); err != nil {
		t.Fatal(err)
	}
	return role
}

// less is the role without what matches.
func (r documentedRole) less(pattern string) documentedRole {
	out := regexp.MustCompile(pattern).MatchString
	r.Actions = slices.DeleteFunc(slices.Clone(r.Actions), out)
	r.DataActions = slices.DeleteFunc(slices.Clone(r.DataActions), out)
	return r
}

// onlyGrant leaves the gateway's identities what they have and gives the
// account the role on the subscription.
func onlyGrant(grants []arm.Grant, account, gateway string, role documentedRole) []arm.Grant {
	others := slices.DeleteFunc(slices.Clone(grants), func(grant arm.Grant) bool { return grant.Principal == account })
	return append(others, arm.Grant{
		Principal: account, Scope: scopeOf(gateway, "subscription"), Role: role.Name,
		Actions: role.Actions, NotActions: role.NotActions, DataActions: role.DataActions, NotDataActions: role.NotDataActions,
	})
}

// giveFirewallPolicy makes the gateway one that stands on a firewall policy, too.
func giveFirewallPolicy(t *testing.T, manager *arm.Server, gateway string) {
	t.Helper()
	id := scopeOf(gateway, "group") + "/providers/Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/waf"
	if err := manager.Add(map[string]any{"id": id, "location": "westeurope", "properties": map[string]any{}}); err != nil {
		t.Fatal(err)
	}
	manager.Edit(gateway, func(document map[string]any) {
		document["properties"].(map[string]any)["firewallPolicy"] = map[string]any{"id": id}
	})
}

// programIn runs commands in a world; each must succeed.
func programIn(t *testing.T, world *sim.World) func(args ...string) {
	variables := map[string]string{"CARTOUCHE_STATE_DIR": t.TempDir(), "HOME": t.TempDir(), "LANG": "C.UTF-8"}
	for _, variable := range world.Environment() {
		variables[variable.Name] = variable.Value
	}
	return func(args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		status := cli.Run(t.Context(), cli.Environment{
			Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
			Lookup: func(name string) string { return variables[name] }, Patience: quick, Keys: worldtest.RSAKeys, PollInterval: time.Second,
		})
		if status != 0 {
			t.Errorf("cartouche %s: status %d\n%s%s", strings.Join(args, " "), status, &stdout, &stderr)
		}
	}
}

// sorted is in one order and one spelling; Azure minds no case.
func sorted(names []string) []string {
	var lower []string
	for _, name := range names {
		lower = append(lower, strings.ToLower(name))
	}
	slices.Sort(lower)
	return lower
}
