package cli_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/cartouche-gis/cartouche/internal/secret/secrettest"
	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// leaveWorld takes the world's environment away; its files stay.
func leaveWorld(ts *testscript.TestScript, _ bool, _ []string) {
	for _, variable := range onStage(ts).world.Environment() {
		ts.Setenv(variable.Name, "")
	}
}

// issuePFX issues a certificate and writes FILE and FILE.password.
//
//	names=a,b    instead of the deployment's own
//	from=-400 until=-1    days from now
//	key=rsa1024 nokey=true chain=false root=private
func issuePFX(ts *testscript.TestScript, _ bool, args []string) {
	s := onStage(ts)
	deployment := s.world.Deployments()[0]
	spec := authority.Spec{Names: []string{deployment.Domain}}
	if deployment.SecondaryDomain != "" {
		spec.Names = append(spec.Names, deployment.SecondaryDomain)
	}
	withoutKey := false
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "names":
			spec.Names = strings.Split(value, ",")
		case "from":
			spec.NotBefore = daysFromNow(ts, value)
		case "until":
			spec.NotAfter = daysFromNow(ts, value)
		case "key":
			spec.Key = value
		case "chain":
			spec.WithoutChain = value == "false"
		case "aia":
			spec.WithoutAIA = value == "false"
		case "nokey":
			withoutKey = true
		case "root":
			private, err := s.world.Authority().NewPrivate("Company CA")
			ts.Check(err)
			spec.Via = private
		default:
			ts.Fatalf("pfx: unknown %s", key)
		}
	}
	issued, err := s.world.Authority().Issue(spec)
	ts.Check(err)
	password := "pw-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	s.seen.secret("password of "+args[0], password)
	file, err := issued.PFX(password)
	if withoutKey {
		file, err = pkcs12.Modern.EncodeTrustStore(append(issued.Chain, issued.Leaf), password)
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), file, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".password"), []byte(password+"\n"), 0o600))
}

func daysFromNow(ts *testscript.TestScript, text string) time.Time {
	days, err := strconv.Atoi(text)
	ts.Check(err)
	return time.Now().AddDate(0, 0, days)
}

// tamper changes the world behind the program's back.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	s := onStage(ts)
	manager, gateway := s.world.Manager(), s.world.Deployments()[0].GatewayID
	principal := s.world.Grants()[0].Principal
	switch args[0] {
	case "reader": // the sign-in may only read
		manager.SetGrants(arm.RoleGrant(principal, "/subscriptions/"+ts.Getenv("AZURE_SUBSCRIPTION_ID"), "Reader"))
	case "gateway-only": // the sign-in may see and change that gateway, and see nothing else
		join := arm.RoleGrant(principal, gateway[:strings.Index(gateway, "/providers/")], "")
		join.Role, join.Actions = "Joiner", []string{"Microsoft.Network/virtualNetworks/subnets/join/action", "Microsoft.Network/publicIPAddresses/join/action"}
		manager.SetGrants(arm.RoleGrant(principal, gateway, "Network Contributor"), join)
	case "unused-public": // a public frontend that no listener uses
		// Source: Cloud Builder with a private gateway, without network isolation.
		id := gateway[:strings.Index(gateway, "applicationGateways")] + "publicIPAddresses/unused"
		ts.Check(manager.Add(map[string]any{"id": id, "location": "westeurope", "properties": map[string]any{"provisioningState": "Succeeded", "ipAddress": "203.0.113.60"}}))
		manager.Edit(gateway, func(document map[string]any) {
			properties := document["properties"].(map[string]any)
			properties["frontendIPConfigurations"] = append(properties["frontendIPConfigurations"].([]any), map[string]any{
				"name": "unusedAppGatewayFrontendPublicIP", "id": gateway + "/frontendIPConfigurations/unusedAppGatewayFrontendPublicIP",
				"properties": map[string]any{"publicIPAddress": map[string]any{"id": id}},
			})
		})
	case "untag": // the gateway has lost every tag
		manager.Edit(gateway, func(document map[string]any) { delete(document, "tags") })
	case "host-names": // of all HTTPS listeners
		manager.Edit(gateway, func(document map[string]any) {
			for _, item := range document["properties"].(map[string]any)["httpListeners"].([]any) {
				properties := item.(map[string]any)["properties"].(map[string]any)
				delete(properties, "hostName")
				delete(properties, "hostNames")
				if len(args) > 1 {
					properties["hostNames"] = []any{args[1]}
				}
			}
		})
	case "nobody": // the sign-in may do nothing
		manager.SetGrants()
	case "no-role": // the sign-in loses the named role, wherever it has it
		manager.SetGrants(slices.DeleteFunc(slices.Clone(s.world.Grants()), func(g arm.Grant) bool {
			return g.Principal == principal && g.Role == strings.Join(args[1:], " ")
		})...)
	case "granted":
		manager.SetGrants(s.world.Grants()...)
	case "unlock":
		manager.SetLocks()
	case "lock": // the gateway, or the scope that is named
		scope := gateway
		if len(args) > 1 {
			scope = scopeOf(gateway, args[1])
		}
		manager.SetLocks(arm.Lock{Scope: scope, Name: "keep", Level: "ReadOnly", Notes: "until Monday"})
	case "grant": // ROLE@SCOPE... to the account and nothing else; identities keep what they have
		others := slices.DeleteFunc(s.world.Grants(), func(grant arm.Grant) bool { return grant.Principal == principal })
		manager.SetGrants(append(others, grantsOf(principal, gateway, args[1:])...)...)
	case "custom": // these actions on the group, by a role of its own
		manager.SetGrants(arm.Grant{Principal: principal, Scope: scopeOf(gateway, "group"), Role: "Custom", Actions: args[1:]})
	case "deny": // these actions on the group, to everybody
		manager.SetDenies(arm.Deny{Scope: scopeOf(gateway, "group"), Name: "managed stack", Actions: args[1:]})
	case "undeny":
		manager.SetDenies()
	case "state": // Updating, Failed
		manager.Edit(gateway, func(document map[string]any) {
			document["properties"].(map[string]any)["provisioningState"] = args[1]
		})
	case "timeout": // somebody else changes the gateway
		manager.Edit(gateway, func(document map[string]any) {
			settings := document["properties"].(map[string]any)["backendHttpSettingsCollection"].([]any)
			settings[0].(map[string]any)["properties"].(map[string]any)["requestTimeout"] = 77
		})
	case "vault-disable": // VAULT NAME: the newest version is disabled
		s.world.Vault().SetEnabled(args[1], args[2], "", false)
	case "vault-blind": // nobody may read a secret of a vault; gateways are not asked
		s.world.Ground().Faults.Add(ground.Fault{Name: "forbidden", Step: "vault-secret", Times: -1})
	case "gateway-blind": // the gateway is kept out of its vault, whatever roles say
		s.world.Ground().Faults.Add(ground.Fault{Name: "forbidden", Step: "gateway-fetch", Times: -1})
	case "identity-blind": // identities have lost every role
		manager.SetGrants(slices.DeleteFunc(slices.Clone(s.world.Grants()), func(g arm.Grant) bool { return g.Principal != principal })...)
	case "power": // MACHINE STATE
		ts.Check(s.world.SetMachinePower(args[1], args[2]))
	case "agent-silent": // Azure's own agent on a machine does not answer
		ts.Check(s.world.SetMachineAgent(args[1], false))
	case "agent-ready":
		ts.Check(s.world.SetMachineAgent(args[1], true))
	case "fault": // from now on
		fault, err := ground.ParseFault(args[1])
		ts.Check(err)
		s.world.Ground().Faults.Add(fault)
	case "calm": // no fault strikes any more
		s.world.Ground().Faults.Clear()
	case "v1": // a deployment of the older kind is there, too
		ts.Check(manager.Add(v1Address(ts.Getenv("AZURE_SUBSCRIPTION_ID"))))
	case "twin": // a second deployment calls itself like the first
		ts.Check(manager.Add(twinOf(manager.Document(gateway))))
	default:
		ts.Fatalf("tamper: unknown %s", args[0])
	}
}

// checkRestarts compares how often machines have restarted since the world began.
func checkRestarts(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(onStage(ts).world.Ground().Ledger.Count(ground.MachineRestart)); got != args[0] {
		ts.Fatalf("%s restarts of machines, want %s", got, args[0])
	}
}

// checkNothingLeft looks for what Run Command has left anywhere, and for
// passwords where others could read them.
func checkNothingLeft(ts *testscript.TestScript, _ bool, _ []string) {
	world := onStage(ts).world
	for _, left := range world.LeftBehind() {
		ts.Fatalf("left behind: %s", left)
	}
	var passwords []string
	for _, name := range []string{"CARTOUCHE_SITE_ADMIN_PASSWORD", "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"} {
		if password := ts.Getenv(name); password != "" {
			passwords = append(passwords, secrettest.Spellings(password)...)
		}
	}
	for _, where := range world.Holding(passwords...) {
		ts.Fatalf("a password can be read in %s", where)
	}
}

// scopeOf is the id of the gateway, of its group or of its subscription.
func scopeOf(gateway, what string) string {
	parts := strings.Split(gateway, "/")
	switch what {
	case "subscription":
		return strings.Join(parts[:3], "/")
	case "group":
		return strings.Join(parts[:5], "/")
	}
	return gateway
}

// grantsOf reads ROLE@SCOPE.
func grantsOf(principal, gateway string, list []string) []arm.Grant {
	var grants []arm.Grant
	for _, item := range list {
		role, where, _ := strings.Cut(item, "@")
		grants = append(grants, arm.RoleGrant(principal, scopeOf(gateway, where), role))
	}
	return grants
}

// v1Address is what makes a V1 deployment known: its public address behind a
// load balancer, with the older record.
// Source: Esri/arcgis-azure-templates, Releases/10.7.
func v1Address(subscription string) map[string]any {
	group := "/subscriptions/" + subscription + "/resourceGroups/gis-enterprise/providers/Microsoft.Network/"
	return map[string]any{
		"id": group + "publicIPAddresses/v1PublicIP", "location": "westeurope",
		"tags": map[string]any{
			"arcgis-deployment-id": "v1v1v1v1v1v1v", "arcgis-deployment-version": "10.7.1",
			"arcgis-deployment-domain": "first.example.com", "arcgis-deployment-info": "v1dns@first@2019-05-01T10:00:00Z",
		},
		"properties": map[string]any{
			"provisioningState": "Succeeded", "ipAddress": "203.0.113.99",
			"ipConfiguration": map[string]any{"id": group + "loadBalancers/v1LB/frontendIPConfigurations/front"},
		},
	}
}

// twinOf is another gateway with the same tags.
func twinOf(document map[string]any) map[string]any {
	id := document["id"].(string)
	at := strings.LastIndex(id, "/")
	document["id"], document["name"] = id[:at]+"/twinAppGateway", "twinAppGateway"
	return document
}
