package rollout_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
	"github.com/cartouche-gis/cartouche/internal/traffic"
)

// bench is a world in memory with a runner inside its virtual network, where the
// machines can be dialled; and with the patience for production, for a test in a
// bubble.
type bench struct {
	t       testing.TB
	world   *sim.World
	runner  *rollout.Runner
	journal *journal.Journal
	watch   *witness.Witness // every test ends without a violation
	found   deployment.Deployment
}

func newBench(t testing.TB, options sim.Options) *bench {
	t.Helper()
	synctest.Wait() // panics outside a bubble, where minutes would be minutes
	options.InMemory = true
	options.Current.Key, options.Machines.Key = "p256", "p256"
	world := worldtest.Start(t, options)
	visitor := worldtest.EnterBy(t, world.Dial, nil, world.InsideEnvironment(), cloud.Options{})
	network, variables, azure := visitor.Network, visitor.Variables, visitor.Azure
	memory, err := journal.Open(t.Context(), t.TempDir()+"/journal.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = memory.Close() })
	b := &bench{t: t, world: world, journal: memory}
	b.runner = &rollout.Runner{
		Rotation: &rotation.Runner{
			Azure: azure, Network: network, Looker: &handshake.Looker{Network: network}, Journal: memory,
			Credentials: rotation.Credentials{
				SiteAdmin: variables["CARTOUCHE_SITE_ADMIN"], SiteAdminPassword: secret.New(variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
			},
			Way: reach.NewDirect(network, nil),
		},
	}
	if testing.Verbose() {
		b.runner.Rotation.Report = func(e rotation.Event) { t.Logf("%s %-9s %s", e.At.Format("15:04:05"), e.Phase, e.Text) }
	}
	found, err := deployment.Find(t.Context(), azure, deployment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(found.Deployments, func(d deployment.Deployment) bool { return d.CannotUpdate == "" && len(d.Problems) == 0 })
	if i < 0 {
		t.Fatal("the world has no deployment that can be updated")
	}
	b.found = found.Deployments[i]
	b.watch = world.Watch(witness.Allow{Touch: slices.Concat(witness.External, witness.Internal)})
	t.Cleanup(func() {
		for _, violation := range b.watch.Violations() {
			t.Errorf("the world's witness: %s", violation)
		}
	})
	return b
}

func fresh() rollout.Goal {
	return rollout.Goal{Source: rollout.Fresh, Now: time.Now(), Keys: worldtest.Keys()}
}

func (b *bench) observe() rotation.State {
	b.t.Helper()
	state, err := b.runner.Rotation.Observe(b.t.Context(), b.found, rotation.Asked{})
	if err != nil {
		b.t.Fatal(err)
	}
	return state
}

func (b *bench) plan(state rotation.State, goal rollout.Goal) rollout.Plan {
	b.t.Helper()
	plan, err := rollout.NewPlan(state, goal)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := plan.Ready(); err != nil {
		b.t.Fatal(err)
	}
	return plan
}

// ready observes and plans, and looks at what all ports serve before anything.
func (b *bench) ready(goal rollout.Goal) (state rotation.State, plan rollout.Plan, before map[string]string) {
	b.t.Helper()
	state = b.observe()
	plan = b.plan(state, goal)
	return state, plan, b.leaves(plan)
}

// roll observes, plans and applies.
func (b *bench) roll(ctx context.Context, goal rollout.Goal) (rollout.Plan, rollout.Result) {
	b.t.Helper()
	state := b.observe()
	plan := b.plan(state, goal)
	result, err := b.runner.Apply(ctx, plan, goal, state)
	if err != nil {
		b.t.Fatal(err)
	}
	return plan, result
}

// takeBack undoes a run, as it is remembered.
func (b *bench) takeBack(runID string) (rollout.Plan, rollout.Result) {
	b.t.Helper()
	run, err := b.journal.Run(b.t.Context(), runID)
	if err != nil {
		b.t.Fatal(err)
	}
	state := b.observe()
	plan, err := rollout.UndoPlan(state, run, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	result, err := b.runner.Undo(b.t.Context(), plan, state)
	if err != nil {
		b.t.Fatal(err)
	}
	return plan, result
}

func (b *bench) clean() (rollout.Cleaning, rollout.Result) {
	b.t.Helper()
	runs, err := b.journal.Runs(b.t.Context(), "", 0)
	if err != nil {
		b.t.Fatal(err)
	}
	state := b.observe()
	b.watch.Cleaning()
	cleaning := rollout.CleanPlan(state, runs)
	result, err := b.runner.Clean(b.t.Context(), cleaning, state)
	if err != nil {
		b.t.Fatal(err)
	}
	return cleaning, result
}

func (b *bench) fault(text string) {
	b.t.Helper()
	fault, err := ground.ParseFault(text)
	if err != nil {
		b.t.Fatal(err)
	}
	b.world.Ground().Faults.Add(fault)
}

// traffic asks Portal and Server through the gateway until stopped.
func (b *bench) traffic() (stop func()) {
	network, _ := worldtest.Network(b.t, b.world.Environment())
	network = network.WithDialer(b.world.Dial)
	var running []*traffic.Running
	for _, path := range []string{"/portal/sharing/rest/info?f=json", "/server/rest/info?f=json"} {
		running = append(running, traffic.Probe{URL: "https://" + b.found.Domain + path, Transport: network.Transport(), Every: 7 * time.Second}.Start(context.Background()))
	}
	return func() {
		b.t.Helper()
		for _, r := range running {
			if result := r.Stop(); result.Failed > 0 || result.Sent == 0 {
				b.t.Errorf("%d of %d requests failed: %v", result.Failed, result.Sent, result.Failures)
			} else {
				b.t.Logf("%d requests, none failed, longest gap %d ms", result.Sent, result.LongestGapMs)
			}
		}
	}
}

// leaf is what a port serves, looked at past everything of ours.
func (b *bench) leaf(host string, port int) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	raw, err := b.world.Ground().Inside.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err.Error()
	}
	connection := tls.Client(raw, &tls.Config{ServerName: host, InsecureSkipVerify: true})
	defer connection.Close()
	if err := connection.HandshakeContext(ctx); err != nil {
		return err.Error()
	}
	return pki.Fingerprint(connection.ConnectionState().PeerCertificates[0])
}

// leaves are what all ports of a plan serve.
func (b *bench) leaves(plan rollout.Plan) map[string]string {
	served := map[string]string{}
	for _, port := range plan.Ports {
		served[portAt(port)] = b.leaf(port.Host, port.Port)
	}
	return served
}

// oneAtATime holds the world's own record of who was down against the rule.
func (b *bench) oneAtATime(state rotation.State) {
	b.t.Helper()
	groups := map[string][]string{}
	for _, at := range state.Machines {
		for _, c := range at.Components {
			key := at.Site + " " + string(c.Product)
			groups[key] = append(groups[key], strings.ToUpper(at.Host))
		}
	}
	for key, machines := range groups {
		_, product, _ := strings.Cut(key, " ")
		if down := b.world.Ground().Ledger.MostDown(product, machines...); down > 1 {
			b.t.Errorf("%d machines of %s were down at the same moment", down, key)
		}
	}
}

// restarts are how often each machine's web server went down, by the world's record.
func (b *bench) restarts() map[string]int {
	count := map[string]int{}
	for _, event := range b.world.Ground().Ledger.Events() {
		if event.Kind == ground.MachineRestart {
			count[strings.ToLower(event.Object)]++
		}
	}
	return count
}

func portAt(port rollout.Port) string { return fmt.Sprintf("%s:%d", port.Host, port.Port) }

func contains(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
