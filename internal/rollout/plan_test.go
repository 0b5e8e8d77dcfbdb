package rollout_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

var today = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// set is a machine of a state as a test writes it: "site name product[,product]".
type set struct {
	t     testing.TB
	old   *pki.Authority
	state rotation.State
}

const gatewayID = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/gis/providers/Microsoft.Network/applicationGateways/agw"

// newSet makes a state of machines with pools, settings and routes as Cloud
// Builder makes them.
func newSet(t testing.TB, way reach.Kind, version string, lines ...string) *set {
	t.Helper()
	key, _ := worldtest.Keys()(2048)
	old, err := pki.NewRoot(key, "Old Root", today.AddDate(-5, 0, 0), 3650)
	if err != nil {
		t.Fatal(err)
	}
	s := &set{t: t, old: old, state: rotation.State{Cloud: "AzureCloud", Way: way, Deployment: deployment.Deployment{
		ID: "dep", Name: "ent", GatewayID: gatewayID, ServerContext: "server", PortalContext: "portal", Domain: "gis.example.com",
	}}}
	leaf, err := old.Issue(key, []string{"old.corp"}, today.AddDate(-1, 0, 0), 500)
	if err != nil {
		t.Fatal(err)
	}
	ports := map[machine.Product]int{machine.Portal: 7443, machine.Server: 6443, machine.Notebook: 11443, machine.DataStore: 2443, machine.GeoEvent: 6143, machine.WebAdaptor: 443, machine.Mission: 20443, machine.MissionMessages: 20301}
	pools := map[string][]any{} // "site port"
	for _, line := range lines {
		words := strings.Fields(line)
		at := rotation.Machine{Machine: reach.Machine{
			ID:   "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/gis/providers/Microsoft.Compute/virtualMachines/" + words[1],
			Name: words[1], Host: strings.ToLower(words[1]) + ".corp", OS: "windows", Site: words[0],
		}, Report: &machine.Report{Host: words[1] + ".corp"}}
		for _, word := range strings.Split(words[2], ",") {
			name, role, _ := strings.Cut(word, ":")
			c := machine.Component{Product: machine.Product(name), Port: ports[machine.Product(name)]}
			at.Components = append(at.Components, c)
			seen := machine.Seen{Component: c, Chain: [][]byte{leaf.Leaf.Raw}, Healthy: true}
			if c.HasKeystore() {
				seen.MachineName, seen.Role, seen.Version, seen.Alias = strings.ToUpper(words[1])+".CORP", role, version, "ApplicationGateway"
				seen.Entries = []machine.Entry{
					{Alias: "applicationgateway", SHA256: pki.Fingerprint(leaf.Leaf), NotAfter: leaf.Leaf.NotAfter},
					{Alias: "selfsignedcertificate", SHA256: "00", NotAfter: leaf.Leaf.NotAfter},
				}
			}
			at.Report.Components = append(at.Report.Components, seen)
			if c.Product != machine.DataStore {
				pool := fmt.Sprintf("%s-%d", words[0], c.Port)
				pools[pool] = append(pools[pool], map[string]any{"fqdn": at.Host})
			}
		}
		s.state.Machines = append(s.state.Machines, at)
	}
	s.state.Gateway = gatewayOf(t, pools, old.Certificate)
	return s
}

func gatewayOf(t testing.TB, pools map[string][]any, root *x509.Certificate) *cloud.Gateway {
	t.Helper()
	id := func(list, name string) map[string]any {
		return map[string]any{"id": gatewayID + "/" + list + "/" + name}
	}
	var poolList, settings, rules []any
	for name, members := range pools {
		var port int
		_, number, _ := strings.Cut(name, "-")
		_, _ = fmt.Sscan(number, &port)
		poolList = append(poolList, map[string]any{"name": name, "properties": map[string]any{"backendAddresses": members}})
		settings = append(settings, map[string]any{"name": name + "-setting", "properties": map[string]any{
			"port": port, "protocol": "Https", "pickHostNameFromBackendAddress": true, "trustedRootCertificates": []any{id("trustedRootCertificates", "oldRoot")},
		}})
		rules = append(rules, map[string]any{"name": name, "properties": map[string]any{
			"httpListener": id("httpListeners", "https"), "backendAddressPool": id("backendAddressPools", name), "backendHttpSettings": id("backendHttpSettingsCollection", name+"-setting"),
		}})
	}
	text, err := json.Marshal(map[string]any{"id": gatewayID, "name": "agw", "properties": map[string]any{
		"provisioningState": "Succeeded", "httpListeners": []any{map[string]any{"name": "https", "properties": map[string]any{"protocol": "Https"}}},
		"backendAddressPools": poolList, "backendHttpSettingsCollection": settings, "requestRoutingRules": rules,
		"trustedRootCertificates": []any{map[string]any{"name": "oldRoot", "properties": map[string]any{"data": base64.StdEncoding.EncodeToString(root.Raw)}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var document cloud.Document
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	gateway, err := cloud.ParseGateway(document)
	if err != nil {
		t.Fatal(err)
	}
	return gateway
}

// seen is a port of the set, to change.
func (s *set) seen(name string, product machine.Product) *machine.Seen {
	for _, at := range s.state.Machines {
		for i := range at.Report.Components {
			if at.Name == name && at.Report.Components[i].Product == product {
				return &at.Report.Components[i]
			}
		}
	}
	s.t.Fatalf("there is no %s at %s", product, name)
	return nil
}

func (s *set) plan(goal rollout.Goal) rollout.Plan {
	s.t.Helper()
	if goal.Source == "" {
		goal.Source = rollout.Fresh
	}
	if goal.Now.IsZero() {
		goal.Now = today
	}
	plan, err := rollout.NewPlan(s.state, goal)
	if err != nil {
		s.t.Fatal(err)
	}
	return plan
}

// told is the order and the way in which ports change.
func told(plan rollout.Plan) []string {
	var list []string
	for _, port := range plan.Ports {
		list = append(list, fmt.Sprintf("%s %s %s", port.Machine, port.Product, port.How))
	}
	return list
}

// refusals are the codes that keep a plan from being applied; those that the
// handmade state earns by having no listener and no known rights are left out.
func refusals(plan rollout.Plan) []string {
	var codes []string
	for _, finding := range slices.Concat(plan.Findings, plan.Obstacles) {
		if finding.Severity == pki.Refusal && finding.Code != "no-listener" {
			codes = append(codes, finding.Code)
		}
	}
	return codes
}

var highlyAvailable = []string{
	"portal P0 portal:primary", "portal P1 portal:standby", "server S0 server", "server S1 server", "server D0 datastore",
	"image I0 server", "image I1 server", "notebooks N0 notebook,webadaptor", "realtime G0 server,geoevent",
}

func TestTheOrderInWhichMachinesChange(t *testing.T) {
	t.Parallel()
	sites := []string{"I0 server alias", "I1 server alias", "N0 notebook alias", "G0 server alias", "G0 geoevent follows"}
	hosting := []string{"S0 server alias", "S1 server alias"}
	portals := []string{"P1 portal alias", "P0 portal alias"}
	last := []string{"N0 webadaptor iis", "D0 datastore tool"}
	onTheMachines := newSet(t, reach.Agent, "11.4", highlyAvailable...)
	direct := newSet(t, reach.Direct, "11.4", highlyAvailable...)
	federated := newSet(t, reach.Agent, "11.4", highlyAvailable...)
	federated.seen("P0", machine.Portal).Federated = []arcgis.FederatedServer{{AdminURL: "https://s0.corp:6443/arcgis"}}
	for name, test := range map[string]struct {
		of   *set
		want []string
	}{
		"on the machines: what cannot be taken back comes last": {onTheMachines, slices.Concat(sites, hosting, portals, last)},
		"from elsewhere: no tool, no IIS, no service":           {direct, slices.Concat(sites[:4], hosting, portals)},
		"a portal that verifies machines itself comes first":    {federated, slices.Concat(portals, sites, hosting, last)},
	} {
		plan := test.of.plan(rollout.Goal{})
		if diff := cmp.Diff(test.want, told(plan)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if left := plan.Obstacles.Has("needs-agent"); left != (test.of == direct) {
			t.Errorf("%s: it is said that something is left out: %t", name, left)
		}
	}
}

func TestWhatAPlanOfAFreshAuthoritySays(t *testing.T) {
	t.Parallel()
	s := newSet(t, reach.Agent, "11.4", highlyAvailable...)
	plan := s.plan(rollout.Goal{})
	if got := refusals(plan); len(got) != 0 {
		t.Fatalf("refused: %v", got)
	}
	for _, port := range plan.Ports {
		if port.How == rollout.ByAlias && port.Alias != plan.Alias || port.Alias != strings.ToLower(port.Alias) {
			t.Errorf("%s gets the alias %q", port.Machine, port.Alias)
		}
		if alone := port.Site == "notebooks" || port.Site == "realtime" || port.Product == machine.DataStore; port.Alone != alone || (len(port.Away) == 0) != (alone || !port.Restarts) {
			t.Errorf("%s %s: alone %t, leaves %v", port.Machine, port.Product, port.Alone, port.Away)
		}
	}
	if len(plan.Roots) != 1 || len(plan.Roots[0].Settings) != 7 || plan.Roots[0].Name != plan.Alias+"-root" {
		t.Errorf("the gateway gets %+v", plan.Roots)
	}
	if len(plan.Trusts) != 8 { // every keystore
		t.Errorf("%d keystores get the root", len(plan.Trusts))
	}
	if got := strings.Join(plan.Downtime, "\n"); strings.Count(got, "\n") != 2 || !strings.Contains(got, "N0") || !strings.Contains(got, "G0") {
		t.Errorf("downtime: %s", got)
	}
	want := []string{"p0.corp", "p0", "p1.corp", "p1", "old.corp"}
	if i := slices.IndexFunc(plan.Ports, func(p rollout.Port) bool { return p.Machine == "P0" }); !cmp.Equal(want, plan.Ports[i].Names) {
		t.Errorf("names: %v", plan.Ports[i].Names)
	}
	if end := plan.Ports[0].NotAfter; !end.Equal(today.AddDate(0, 0, 397)) {
		t.Errorf("until %s", end)
	}
	other := s.plan(rollout.Goal{Now: today.Add(time.Second)})
	if other.Alias == plan.Alias {
		t.Error("two plans have the same alias, and their leafs will differ")
	}
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	read, err := rollout.ParsePlan(text)
	if err != nil || read.Hash != plan.Hash {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), `"leafDays":397`, `"leafDays":3970`, 1)
	var isEdited *rotation.EditedPlanError
	if _, err := rollout.ParsePlan([]byte(edited)); !errors.As(err, &isEdited) {
		t.Errorf("an edited plan: %v", err)
	}
	for _, other := range []string{"", "{}", string(text) + "{}", `{"format":1,"kind":"external"}`} {
		if _, err := rollout.ParsePlan([]byte(other)); err == nil {
			t.Errorf("%.20q was taken for a plan", other)
		}
	}
}

// A port that takes another one's certificate changes with it, now or when its
// service is next started: the gateway must trust the new root there too.
func TestTheRootReachesPortsThatChangeWithOthers(t *testing.T) {
	t.Parallel()
	s := newSet(t, reach.Direct, "11.4", "realtime G0 server,geoevent", "mission M0 mission,mission-messages", "server S0 server", "server D0 datastore")
	settings := slices.Sorted(slices.Values(s.plan(rollout.Goal{}).Roots[0].Settings))
	want := []string{"mission-20301-setting", "mission-20443-setting", "realtime-6143-setting", "realtime-6443-setting", "server-6443-setting"}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Error(diff)
	}
}

func TestAPlanRestsOnWhatWasSeen(t *testing.T) {
	t.Parallel()
	s := newSet(t, reach.Agent, "11.4", highlyAvailable...)
	plan := s.plan(rollout.Goal{})
	if err := plan.MovedSince(s.state); err != nil {
		t.Fatal(err)
	}
	s.seen("P1", machine.Portal).Alias = "selfsignedcertificate"
	var moved *rotation.MovedError
	if err := plan.MovedSince(s.state); !errors.As(err, &moved) || len(moved.Moved) != 1 || !strings.Contains(moved.Moved[0], "P1") {
		t.Errorf("%v", err)
	}
}

func TestFromWhichVersionEntriesAreReplacedInPlace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version string
		change  func(*set)
		goal    rollout.Goal
		want    rollout.How
	}{
		"12.0":            {version: "12.0.0", want: rollout.ByAlias},
		"12.1":            {version: "12.1", want: rollout.InPlace},
		"13.0":            {version: "13.0.1", want: rollout.InPlace},
		"unreadable":      {version: "twelve", want: rollout.ByAlias},
		"old keys wanted": {version: "12.1", goal: rollout.Goal{KeepOld: true}, want: rollout.ByAlias},
		"the entry that came with the installation": {version: "12.1", want: rollout.ByAlias, change: func(s *set) {
			s.seen("S0", machine.Server).Alias = "SelfSignedCertificate"
		}},
	} {
		s := newSet(t, reach.Agent, test.version, "server S0 server")
		if test.change != nil {
			test.change(s)
		}
		port := s.plan(test.goal).Ports[0]
		if port.How != test.want || port.Restarts != (test.want == rollout.ByAlias) {
			t.Errorf("%s: %s, restarts %t", name, port.How, port.Restarts)
		}
	}
}

func TestWhatKeepsAPlanFromBeingApplied(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*set){
		"machine-off":       func(s *set) { s.state.Machines[0].Off = "deallocated" },
		"machine-not-seen":  func(s *set) { s.state.Machines[0].Report, s.state.Machines[0].Trouble = nil, "no answer" },
		"no-site-admin":     func(s *set) { s.seen("S0", machine.Server).TroubleCode = machine.CodeNoCredentials },
		"machine-unhealthy": func(s *set) { s.seen("S0", machine.Server).Healthy = false },
		"site-admin-refused": func(s *set) {
			seen := s.seen("S0", machine.Server)
			seen.Trouble, seen.TroubleCode = "no", machine.CodeWrongCredentials
		},
		"way-cannot-look": func(s *set) { s.state.Way = reach.DSC },
	} {
		s := newSet(t, reach.Agent, "11.4", "server S0 server", "server S1 server")
		change(s)
		plan := s.plan(rollout.Goal{})
		if got := refusals(plan); !slices.Contains(got, want) || plan.Ready() == nil {
			t.Errorf("%s: %v", want, got)
		}
	}
}

func TestFilesAreJudgedForTheMachinesThatGetThem(t *testing.T) {
	t.Parallel()
	key := worldtest.RSAKey()
	root, err := pki.NewRoot(key, "Company", today.AddDate(-1, 0, 0), 3650)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(days int, names ...string) *pki.Bundle {
		bundle, err := root.Issue(key, names, today.AddDate(0, 0, -10), days)
		if err != nil {
			t.Fatal(err)
		}
		return bundle
	}
	rootless := issue(300, "s0.corp")
	rootless.Root = nil
	for name, test := range map[string]struct {
		bundle *pki.Bundle
		want   []string
	}{
		"good":         {issue(300, "s0.corp"), nil},
		"another name": {issue(300, "s1.corp"), []string{"name-not-covered"}},
		"expired":      {issue(5, "s0.corp"), []string{"expired"}},
		"no root":      {rootless, []string{"chain-incomplete", "root-missing"}},
	} {
		plan := newSet(t, reach.Direct, "11.4", "server S0 server").plan(rollout.Goal{Source: rollout.FromPFX, Bundles: map[string]*pki.Bundle{"": test.bundle}})
		if diff := cmp.Diff(test.want, refusals(plan)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// What is for a machine goes before what is for its site, its product, all.
	s := newSet(t, reach.Direct, "11.4", "server S0 server", "image S1 server", "image S2 server", "portal P0 portal")
	goal := rollout.Goal{Source: rollout.FromPFX, Bundles: map[string]*pki.Bundle{
		"S2": issue(300, "s2.corp"), "IMAGE": issue(300, "s1.corp"), "server": issue(300, "s0.corp"), "": issue(300, "p0.corp"),
	}}
	plan := s.plan(goal)
	if got := refusals(plan); len(got) != 0 {
		t.Errorf("%v", got)
	}
	for _, port := range plan.Ports {
		if port.Names[0] != port.Host || port.Alias != plan.Alias {
			t.Errorf("%s gets %v under %s", port.Machine, port.Names, port.Alias)
		}
	}
	if later := s.plan(rollout.Goal{Source: rollout.FromPFX, Bundles: goal.Bundles, Now: today.AddDate(0, 0, 3)}); later.Alias != plan.Alias {
		t.Error("the same files have another alias on another day, so a run that was cut off would not find its entries")
	}
}

func TestAnAuthorityIsJudged(t *testing.T) {
	t.Parallel()
	key, _ := worldtest.Keys()(2048)
	for name, test := range map[string]struct {
		begins, days int
		want         []string
	}{
		"good":                  {-10, 3650, nil},
		"expired":               {-100, 50, []string{"authority-expired"}},
		"ends before its leafs": {-10, 100, nil},
	} {
		authority, err := pki.NewRoot(key, "Company", today.AddDate(0, 0, test.begins), test.days)
		if err != nil {
			t.Fatal(err)
		}
		plan := newSet(t, reach.Direct, "11.4", "server S0 server").plan(rollout.Goal{Source: rollout.FromAuthority, Authority: authority})
		if diff := cmp.Diff(test.want, refusals(plan)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if plan.Ports[0].NotAfter.After(authority.Certificate.NotAfter) {
			t.Errorf("%s: the leaf lives until %s, its authority until %s", name, plan.Ports[0].NotAfter, authority.Certificate.NotAfter)
		}
	}
	short := newSet(t, reach.Direct, "11.4", "server S0 server").plan(rollout.Goal{LeafDays: 500, RootDays: 400})
	if diff := cmp.Diff([]string{"authority-ends-first"}, refusals(short)); diff != "" {
		t.Error(diff)
	}
}

// Entries that a run has left on every machine are taken up; where one is
// missing, or their root is not trusted, everything is issued anew.
func TestWhenEntriesThatWereLeftAreTakenUp(t *testing.T) {
	t.Parallel()
	const alias = "tls-20261120-0a1b2c3d"
	for name, test := range map[string]struct {
		change func(*set)
		goal   rollout.Goal
		want   bool
	}{
		"on every machine":  {want: true},
		"not if unwanted":   {goal: rollout.Goal{Anew: true}},
		"its key is wanted": {goal: rollout.Goal{KeepAuthority: func(*pki.Authority) error { return nil }}},
		"one is missing":    {change: func(s *set) { s.seen("S1", machine.Server).Entries = nil }},
		"one is no key":     {change: func(s *set) { s.seen("S1", machine.Server).Entries[2].Trusted = true }},
		"one ends soon":     {change: func(s *set) { s.seen("S1", machine.Server).Entries[2].NotAfter = today.AddDate(0, 0, 10) }},
		"another's":         {change: func(s *set) { s.seen("S1", machine.Server).Entries[2].Issuer = "CN=Somebody" }},
		"the root is gone":  {change: func(s *set) { s.state.Gateway = gatewayOf(s.t, nil, s.old.Certificate) }},
		"active everywhere": {change: func(s *set) { s.seen("S0", machine.Server).Alias, s.seen("S1", machine.Server).Alias = alias, alias }},
	} {
		s := newSet(t, reach.Direct, "11.4", "server S0 server", "server S1 server")
		key, _ := worldtest.Keys()(2048)
		root, err := pki.NewRoot(key, "Cartouche ent "+alias, today.AddDate(0, 0, -7), 3650)
		if err != nil {
			t.Fatal(err)
		}
		document, err := s.state.Gateway.WithTrustedRoot(alias+"-root", root.Certificate, []string{"server-6443-setting"})
		if err != nil {
			t.Fatal(err)
		}
		if s.state.Gateway, err = cloud.ParseGateway(document); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"S0", "S1"} {
			seen := s.seen(name, machine.Server)
			seen.Entries = append(seen.Entries, machine.Entry{Alias: alias, SHA256: strings.Repeat(fmt.Sprint(i), 64), Issuer: root.Certificate.Subject.String(), NotAfter: today.AddDate(0, 0, 390)})
		}
		if test.change != nil {
			test.change(s)
		}
		plan := s.plan(test.goal)
		if plan.Resumed != test.want || (plan.Alias == alias) != test.want {
			t.Errorf("%s: resumed %t as %s", name, plan.Resumed, plan.Alias)
		}
		if test.want && (!plan.Ports[0].Installed || plan.Ports[0].SHA256 != strings.Repeat("0", 64) || len(plan.Roots) != 0) {
			t.Errorf("%s: %+v %+v", name, plan.Ports[0], plan.Roots)
		}
	}
}

func TestAStateWithoutMachinesGivesNoPlan(t *testing.T) {
	t.Parallel()
	s := newSet(t, reach.Direct, "11.4", "server S0 server")
	for name, change := range map[string]func(*rotation.State, *rollout.Goal){
		"no machines":  func(s *rotation.State, _ *rollout.Goal) { s.Machines = nil },
		"no gateway":   func(s *rotation.State, _ *rollout.Goal) { s.Gateway = nil },
		"no files":     func(_ *rotation.State, g *rollout.Goal) { g.Source = rollout.FromPFX },
		"no authority": func(_ *rotation.State, g *rollout.Goal) { g.Source = rollout.FromAuthority },
		"no source":    func(_ *rotation.State, g *rollout.Goal) { g.Source = "" },
	} {
		state, goal := s.state, rollout.Goal{Source: rollout.Fresh, Now: today}
		change(&state, &goal)
		if _, err := rollout.NewPlan(state, goal); err == nil {
			t.Errorf("%s: there is a plan", name)
		}
	}
}

// rolled is a set as it is after a run, and that run as it is remembered.
func rolled(t testing.TB, change func(*set)) (*set, journal.Run) {
	t.Helper()
	s := newSet(t, reach.Direct, "11.4", "server S0 server", "server S1 server")
	plan := s.plan(rollout.Goal{})
	key, _ := worldtest.Keys()(2048)
	root, err := pki.NewRoot(key, "Cartouche ent "+plan.Alias, today, 3650)
	if err != nil {
		t.Fatal(err)
	}
	document, err := s.state.Gateway.WithTrustedRoot(plan.Alias+"-root", root.Certificate, plan.Roots[0].Settings)
	if err != nil {
		t.Fatal(err)
	}
	if s.state.Gateway, err = cloud.ParseGateway(document); err != nil {
		t.Fatal(err)
	}
	for i := range plan.Ports {
		port := &plan.Ports[i]
		leaf, err := root.Issue(key, port.Names, today, 397)
		if err != nil {
			t.Fatal(err)
		}
		port.SHA256 = pki.Fingerprint(leaf.Leaf)
		seen := s.seen(port.Machine, machine.Server)
		seen.Chain, seen.Alias = [][]byte{leaf.Leaf.Raw}, plan.Alias
		seen.Entries = append(seen.Entries,
			machine.Entry{Alias: plan.Alias, SHA256: port.SHA256, NotAfter: port.NotAfter, Issuer: root.Certificate.Subject.String()},
			machine.Entry{Alias: plan.Alias + "-root", Trusted: true, SHA256: pki.Fingerprint(root.Certificate), Subject: root.Certificate.Subject.String()},
			machine.Entry{Alias: "somebody-elses", Trusted: true, SHA256: "11", Subject: "CN=Company"},
			machine.Entry{Alias: "tls-20250101-00000000", SHA256: "22", Subject: "CN=forgotten"},
			machine.Entry{Alias: "tls-20250101-00000000-root", Trusted: true, SHA256: "33", Subject: "CN=Cartouche ent tls-20250101-00000000"})
	}
	before, err := json.Marshal(map[string]any{"kind": rollout.PlanKind, "source": "issue", "alias": plan.Alias, "ports": plan.Ports, "oldRoots": []string{"oldRoot"}})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	return s, journal.Run{ID: "run", Outcome: "verified", GatewayID: gatewayID, DeploymentID: "dep", Before: before}
}

func TestWhatKeepsARunFromBeingTakenBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*set)
		at     time.Time
		want   []string
	}{
		"nothing":                       {},
		"the old certificate has ended": {at: today.AddDate(1, 0, 0), want: []string{"expired", "expired"}},
		"somebody changed a machine":    {change: func(s *set) { s.seen("S0", machine.Server).Alias = "theirs" }, want: []string{"changed-since"}},
		"the old entry was cleaned":     {change: func(s *set) { s.seen("S1", machine.Server).Entries = nil }, want: []string{"no-way-back"}},
		"the old entry is another": {change: func(s *set) {
			s.seen("S1", machine.Server).Entries[0].SHA256 = strings.Repeat("9", 64)
		}, want: []string{"no-way-back"}},
		"the gateway's old root was cleaned": {change: func(s *set) {
			document, err := s.state.Gateway.WithoutTrustedRoots([]string{"oldRoot"})
			if err != nil {
				s.t.Fatal(err)
			}
			if s.state.Gateway, err = cloud.ParseGateway(document); err != nil {
				s.t.Fatal(err)
			}
		}, want: []string{"old-root-gone", "old-root-gone"}},
		"another deployment": {change: func(s *set) { s.state.Deployment.ID = "other" }, want: []string{"run-of-another"}},
	} {
		s, run := rolled(t, test.change)
		if test.at.IsZero() {
			test.at = today
		}
		plan, err := rollout.UndoPlan(s.state, run, test.at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, refusals(plan)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if test.want == nil && (len(plan.Ports) != 2 || plan.Ports[0].Alias != "applicationgateway" || plan.Ports[0].SHA256 == plan.Ports[0].Before || plan.NothingToDo()) {
			t.Errorf("%s: %+v", name, plan.Ports)
		}
	}
	s, _ := rolled(t, nil)
	if _, err := rollout.UndoPlan(s.state, journal.Run{ID: "x", Before: json.RawMessage(`{"moves":[]}`)}, today); err == nil {
		t.Error("a run about the external certificate was taken for one of ours")
	}
}

func TestWhatIsCleaned(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(*set)
		runs    func(*journal.Run)
		entries []string
		roots   []string
		kept    int
	}{
		"what was replaced and what was forgotten": {
			entries: []string{"applicationgateway", "tls-20250101-00000000", "tls-20250101-00000000-root"}, roots: []string{"oldRoot"},
		},
		"without a memory only what was made by rollouts": {
			runs:    func(run *journal.Run) { run.Before = nil },
			entries: []string{"tls-20250101-00000000", "tls-20250101-00000000-root"},
		},
		"what a failed run replaced is not cleaned": {
			runs:    func(run *journal.Run) { run.Outcome = "not-restored" },
			entries: []string{"tls-20250101-00000000", "tls-20250101-00000000-root"},
		},
		"nothing that a machine may need which was not seen": {
			change:  func(s *set) { s.state.Machines[1].Report = nil },
			entries: []string{"applicationgateway", "tls-20250101-00000000"}, kept: 2,
		},
		"no root under which a machine still serves": {
			change: func(s *set) {
				seen := s.seen("S1", machine.Server)
				leaf, _ := s.old.Issue(s.old.Key, []string{"s1.corp"}, today, 100)
				seen.Chain, seen.Alias = [][]byte{leaf.Leaf.Raw}, "ApplicationGateway"
			},
			entries: []string{"applicationgateway", "tls-20250101-00000000", "tls-20250101-00000000-root"},
		},
	} {
		s, run := rolled(t, test.change)
		if test.runs != nil {
			test.runs(&run)
		}
		cleaning := rollout.CleanPlan(s.state, []journal.Run{run})
		var entries []string
		for _, entry := range cleaning.Entries {
			if entry.Machine == "S0" {
				entries = append(entries, entry.Alias)
			}
		}
		if diff := cmp.Diff(test.entries, entries); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !slices.Equal(test.roots, cleaning.Roots) || len(cleaning.Kept) != test.kept {
			t.Errorf("%s: roots %v, kept %q", name, cleaning.Roots, cleaning.Kept)
		}
	}
}
