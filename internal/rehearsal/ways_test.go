package rehearsal_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/traffic"
)

// scale is how much faster than ours the time of these worlds goes. What this
// computer needs counts as many times over, so that figures to be told are taken
// with a small one: go test ./internal/rehearsal -run Renewal -v -scale 10
var scale = flag.Float64("scale", 100, "how much faster the time of simulated worlds goes")

// The same renewal, in the same world, by both ways that work from outside the
// network: the agent restarts nothing, the way of Cloud Builder everything. What
// is logged is what docs/performance.md tells.
func TestARenewalRestartsNothingByTheAgentAndEverythingByDSC(t *testing.T) {
	worldtest.Long(t)
	t.Parallel()
	world := worldtest.Start(t, sim.Options{
		World: "ha", Version: "12.0", Scale: *scale, Scripts: true, Known: rehearsal.Known(),
		Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"},
	})
	o := newOutsider(t, world)

	byAgent := o.renew(reach.NewAgent(reach.AgentOptions{Azure: o.runner.Azure, Storage: o.storage, Interval: 50 * time.Millisecond}))
	if byAgent.restarts != 0 {
		t.Errorf("by the agent, %d machines restarted", byAgent.restarts)
	}
	byDSC := o.renew(reach.NewDSC(reach.DSCOptions{
		Azure: o.runner.Azure, Deployment: o.found, Storage: o.storage,
		Service:        reach.Login{User: o.variables["CARTOUCHE_SERVICE_ACCOUNT"], Password: secret.New(o.variables["CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"])},
		ServerPassword: secret.New(world.InternalPassword()), PortalPassword: secret.New(world.InternalPassword()),
	}))
	for _, m := range []string{"entserver-0", "entserver-1", "entportal-pri", "entportal-sec", "imgserver-0", "imgserver-1"} {
		if byDSC.machines[m] == 0 {
			t.Errorf("by DSC, %s did not restart", m)
		}
	}
	if left := world.LeftBehind(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// outsider renews the certificate of a deployment from outside its network.
type outsider struct {
	t         *testing.T
	world     *sim.World
	network   *egress.Network
	runner    *rotation.Runner
	found     deployment.Deployment
	storage   cloud.StorageAccount
	variables map[string]string
}

// renewal is what one renewal cost, as the world and its visitors saw it.
type renewal struct {
	took     time.Duration // of the world's time
	restarts int
	machines map[string]int // restarts by machine
	traffic  traffic.Result
}

func newOutsider(t *testing.T, world *sim.World) *outsider {
	t.Helper()
	visitor := worldtest.Enter(t, world.Environment(), cloud.Options{})
	o, azure := &outsider{t: t, world: world, network: visitor.Network, variables: visitor.Variables}, visitor.Azure
	o.runner = &rotation.Runner{
		Azure: azure, Network: o.network, Looker: &handshake.Looker{Network: o.network},
		Patience: rotation.Patience{
			Write: 10 * time.Minute, Proof: 10 * time.Minute, Interval: 20 * time.Millisecond, Rounds: 3,
			Recovery: 10 * time.Minute, Backoff: 20 * time.Millisecond, Restart: 10 * time.Minute,
		},
		Credentials: rotation.Credentials{
			SiteAdmin: o.variables["CARTOUCHE_SITE_ADMIN"], SiteAdminPassword: secret.New(o.variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
		},
	}
	if testing.Verbose() {
		o.runner.Report = func(e rotation.Event) { t.Logf("%s %-9s %s", e.At.Format("05.000"), e.Phase, e.Text) }
	}
	found, err := deployment.Find(t.Context(), azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	o.found, err = deployment.Select(found.Deployments, "maps.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if o.storage, err = reach.StorageOf(t.Context(), azure, o.found); err != nil {
		t.Fatal(err)
	}
	return o
}

// renew rolls a certificate of a public authority out, under traffic.
func (o *outsider) renew(way reach.Way) renewal {
	o.t.Helper()
	_, pfx, err := o.world.Renew(o.found.Domain)
	if err != nil {
		o.t.Fatal(err)
	}
	_, _, password := o.world.NewCertificate()
	bundle, err := pki.ReadPFX(pfx, secret.New(password))
	if err != nil {
		o.t.Fatal(err)
	}
	goal := rotation.Goal{Bundle: bundle, Roots: pki.MozillaRoots().With(o.network.NamedRoots()...), Now: time.Now(), File: "new.pfx"}
	o.runner.Way = way
	defer func() {
		if err := way.Close(context.Background()); err != nil {
			o.t.Errorf("close the way: %v", err)
		}
	}()
	probe := traffic.Probe{URL: "https://" + o.found.Domain + "/portal/sharing/rest/info?f=json", Transport: o.network.Transport(), Every: 20 * time.Millisecond}
	visitors, before, start := probe.Start(context.Background()), o.restarts(), time.Now()
	state, err := o.runner.Observe(o.t.Context(), o.found, rotation.Asked{})
	if err != nil {
		o.t.Fatal(err)
	}
	plan, err := rotation.NewPlan(state, goal)
	if err != nil {
		o.t.Fatal(err)
	}
	result, err := o.runner.Apply(o.t.Context(), plan, goal, state)
	if err != nil {
		o.t.Fatal(err)
	}
	cost := renewal{took: worldTime(time.Since(start)), traffic: visitors.Stop(), machines: o.restarts()}
	for m, n := range before {
		cost.machines[m] -= n
	}
	for _, n := range cost.machines {
		cost.restarts += n
	}
	o.t.Logf("%s: %s, %s of the world's time, %d restarts, %d of %d requests failed, longest gap %s", way.Kind(), result.Outcome,
		cost.took.Round(time.Second), cost.restarts, cost.traffic.Failed, cost.traffic.Sent, worldTime(time.Duration(cost.traffic.LongestGapMs)*time.Millisecond).Round(time.Second))
	if result.Outcome != rotation.Verified {
		o.t.Errorf("%s: %+v", way.Kind(), result)
	}
	if result.Restarts != len(cost.names()) {
		o.t.Errorf("%s: the result tells %d restarts, the world saw machines %v", way.Kind(), result.Restarts, cost.names())
	}
	return cost
}

// worldTime is how long something took in the world.
func worldTime(d time.Duration) time.Duration { return time.Duration(float64(d) * *scale) }

func (c renewal) names() []string {
	var names []string
	for m, n := range c.machines {
		if n > 0 {
			names = append(names, fmt.Sprintf("%s (%d)", m, n))
		}
	}
	return names
}

// restarts are how often each machine went down so far, by the world's record.
func (o *outsider) restarts() map[string]int {
	count := map[string]int{}
	for _, event := range o.world.Ground().Ledger.Events() {
		if event.Kind == ground.MachineRestart {
			name, _, _ := strings.Cut(strings.ToLower(event.Object), ".")
			count[name]++
		}
	}
	return count
}
