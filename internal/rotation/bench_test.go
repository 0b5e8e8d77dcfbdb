package rotation_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// fast is for worlds in which a minute costs a tenth of a second.
var fast = rotation.Patience{
	Write:    20 * time.Second,
	Proof:    5 * time.Second,
	Interval: 20 * time.Millisecond,
	Rounds:   3,
	Recovery: 40 * time.Second,
	Backoff:  20 * time.Millisecond,
}

// bench is a world with a runner in it, signed in as the world's service
// principal: in memory and with the patience for production, for a test in a
// bubble; or, where the options say how much quicker than ours the world's time
// goes, over real sockets and impatient.
type bench struct {
	t       testing.TB
	world   *sim.World
	runner  *rotation.Runner
	journal *journal.Journal
	// found is the world's first deployment.
	found deployment.Deployment
	goal  rotation.Goal
	// network is the one inside, where a test has a way to the machines.
	network *egress.Network
	// pristine is the gateway's document at first, where a test returns to it.
	pristine cloud.Document
	// dial leads into a world in memory; it is nil where sockets do.
	dial egress.Dialer
	// pace is between two looks at the world.
	pace time.Duration
}

func newBench(t testing.TB, options sim.Options) *bench {
	t.Helper()
	if options.World == "" {
		options.World = "single"
	}
	if options.InMemory = options.Scale == 0; options.InMemory {
		synctest.Wait() // panics outside a bubble, where minutes would be minutes
	}
	if _, isBenchmark := t.(*testing.B); !isBenchmark && options.Current.Key == "" {
		// Thousands of handshakes: signing with RSA was a third of all the time.
		options.Current.Key, options.Machines.Key = "p256", "p256"
	}
	world := worldtest.Start(t, options)
	b := &bench{t: t, world: world, dial: world.Dial, pace: 2 * time.Second}
	var patience rotation.Patience
	if !options.InMemory {
		b.dial, b.pace, patience = nil, 3*time.Millisecond, fast
	}
	visitor := worldtest.EnterBy(t, b.dial, nil, world.Environment(), cloud.Options{})
	network, variables := visitor.Network, visitor.Variables
	memory, err := journal.Open(t.Context(), t.TempDir()+"/journal.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = memory.Close() })
	b.journal, b.runner = memory, &rotation.Runner{
		Azure: visitor.Azure, Vault: func(uri string) (*cloud.VaultClient, error) {
			return cloud.NewVaultClient(visitor.Cloud, uri, visitor.Credential, cloud.Options{Client: visitor.Client})
		},
		Network: network, Looker: &handshake.Looker{Network: network}, Journal: memory, Patience: patience,
		Credentials: rotation.Credentials{
			SiteAdmin:         variables["CARTOUCHE_SITE_ADMIN"],
			SiteAdminPassword: secret.New(variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]),
		},
	}
	b.found = b.find()
	_, pfx, password := world.NewCertificate()
	bundle, err := pki.ReadPFX(pfx, secret.New(password))
	if err != nil {
		t.Fatal(err)
	}
	b.goal = rotation.Goal{Bundle: bundle, Roots: pki.MozillaRoots().With(network.NamedRoots()...), Now: time.Now(), File: "new.pfx"}
	return b
}

// waitUntilServed waits until the gateway's instances serve what a document
// tells; they follow a write one by one.
func (b *bench) waitUntilServed(document cloud.Document) {
	b.t.Helper()
	gateway, err := cloud.ParseGateway(document)
	if err != nil {
		b.t.Fatal(err)
	}
	entry, _ := gateway.Certificate(gateway.HTTPSListeners()[0].CertificateName)
	want := pki.Fingerprint(entry.Chain[0])
	for looks, inARow := 0, 0; inARow < 3; time.Sleep(b.pace) {
		looks, inARow = looks+1, inARow+1
		if b.served() != want {
			inARow = 0
		}
		if looks > 3000 {
			b.t.Fatal("the gateway does not serve what its document tells")
		}
	}
}

// find gives the deployment that the world's first external name belongs to.
func (b *bench) find() deployment.Deployment {
	b.t.Helper()
	found, err := deployment.Find(b.t.Context(), b.runner.Azure, deployment.Scope{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, d := range found.Deployments {
		if d.CannotUpdate == "" && len(d.Problems) == 0 {
			return d
		}
	}
	b.t.Fatal("the world has no deployment that can be updated")
	return deployment.Deployment{}
}

func (b *bench) observe() rotation.State {
	b.t.Helper()
	state, err := b.runner.Observe(b.t.Context(), b.found, rotation.Asked{Certificate: b.goal.Vault, Identity: b.goal.Identity})
	if err != nil {
		b.t.Fatal(err)
	}
	return state
}

func (b *bench) plan(state rotation.State) rotation.Plan {
	b.t.Helper()
	var err error
	b.goal, err = b.runner.Resolve(b.t.Context(), state, b.goal, b.complete)
	if err != nil {
		b.t.Fatal(err)
	}
	plan, err := rotation.NewPlan(state, b.goal)
	if err != nil {
		b.t.Fatal(err)
	}
	return plan
}

func (b *bench) complete(bundle *pki.Bundle) *pki.Bundle {
	completed, _ := pki.Complete(b.t.Context(), bundle, pki.AIA{Transport: b.runner.Network.Transport(), Roots: b.goal.Roots})
	return completed
}

// takeBack undoes a run, as it is remembered.
func (b *bench) takeBack(runID string) (rotation.Plan, rotation.Result) {
	b.t.Helper()
	run, err := b.journal.Run(b.t.Context(), runID)
	if err != nil {
		b.t.Fatal(err)
	}
	state := b.observe()
	plan, err := rotation.UndoPlan(state, run, b.goal)
	if err != nil {
		b.t.Fatal(err)
	}
	result, err := b.runner.Undo(b.t.Context(), plan, state)
	if err != nil {
		b.t.Fatal(err)
	}
	return plan, result
}

// rotate observes, plans and applies.
func (b *bench) rotate(ctx context.Context) rotation.Result {
	b.t.Helper()
	state := b.observe()
	plan := b.plan(state)
	result, err := b.runner.Apply(ctx, plan, b.goal, state)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

func (b *bench) fault(text string) {
	b.t.Helper()
	fault, err := ground.ParseFault(text)
	if err != nil {
		b.t.Fatal(err)
	}
	b.world.Ground().Faults.Add(fault)
}

// served is the fingerprint of what the deployment serves now, looked at past
// everything of ours: a plain handshake over the world's own cabling.
func (b *bench) served() string {
	b.t.Helper()
	leaf, err := knock(b.world, b.found.Domain)
	if err != nil {
		b.t.Fatal(err)
	}
	return leaf
}

func knock(world *sim.World, domain string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	raw, err := world.Ground().Outside.DialContext(ctx, "tcp", net.JoinHostPort(domain, "443"))
	if err != nil {
		return "", err
	}
	connection := tls.Client(raw, &tls.Config{ServerName: domain, InsecureSkipVerify: true})
	defer connection.Close()
	if err := connection.HandshakeContext(ctx); err != nil {
		return "", err
	}
	return pki.Fingerprint(connection.ConnectionState().PeerCertificates[0]), nil
}

// watch is the observer that belongs to the world and not to Cartouche: it
// knocks at the external name without pause and remembers every leaf.
type watch struct {
	stop func()
	mu   sync.Mutex
	seen map[string]int
}

func (b *bench) watch() *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{seen: map[string]int{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			leaf, err := knock(b.world, b.found.Domain)
			if err != nil {
				leaf = fmt.Sprintf("failure: %v", err)
			}
			w.mu.Lock()
			w.seen[leaf]++
			w.mu.Unlock()
			time.Sleep(b.pace)
		}
	}()
	w.stop = func() { cancel(); <-done }
	return w
}

// onlyServed reports everything that was served besides the allowed leaves.
func (w *watch) onlyServed(t testing.TB, allowed ...string) {
	t.Helper()
	w.stop()
	if len(w.seen) == 0 {
		t.Error("the observer saw nothing")
	}
	for _, leaf := range slices.Sorted(maps.Keys(w.seen)) {
		if !slices.Contains(allowed, leaf) {
			t.Errorf("the external name served %s (%d times), which is neither the old nor the new certificate", leaf, w.seen[leaf])
		}
	}
}
