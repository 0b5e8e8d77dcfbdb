package machine_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/door"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

const (
	admin    = "siteadmin"
	password = "correct horse battery"
	// fast is how much faster than ours the worlds of these tests run.
	fast = 1000
)

// bench is one simulated site, and a worker in the virtual network with it.
type bench struct {
	t         *testing.T
	ground    *ground.Ground
	authority *authority.Authority
	company   *authority.Issuer
	site      *site.Site
	spec      site.Spec
	worker    *machine.Worker
	old       *authority.Issued // what the first machine serves at first
	job       machine.Job       // observes the first machine
}

// shared is one authority for all benches: its RSA keys are slow to make.
var shared = sync.OnceValues(func() (*authority.Authority, error) { return authority.New(time.Now) })

var ports = map[string]int{site.Portal: 7443, site.Server: 6443, site.Notebook: 11443, site.Mission: 20443, site.Video: 21443}

func newBench(t *testing.T, product, version string, changes ...func(*site.Spec)) *bench {
	t.Helper()
	g := ground.New(fast, slog.New(slog.DiscardHandler))
	b := &bench{t: t, ground: g}
	var err error
	if b.authority, err = shared(); err != nil {
		t.Fatal(err)
	}
	if b.company, err = b.authority.NewPrivate("Company CA"); err != nil {
		t.Fatal(err)
	}
	b.spec = site.Spec{
		Product: product, Version: version, Admin: admin, Password: password,
		PublicURL: "https://gis.example.com/" + product,
		Machines:  []site.MachineSpec{{Name: "m1.example.net", Role: "primary"}},
	}
	for _, change := range changes {
		change(&b.spec)
	}
	for i, m := range b.spec.Machines {
		if m.Pair != nil {
			continue
		}
		issued := b.issue(m.Name)
		pair := issued.TLS()
		b.spec.Machines[i].Pair = &pair
		if i == 0 {
			b.old = issued
		}
	}
	if b.site, err = site.Start(g, b.spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.site.Close() })
	way, err := door.Open(g.Inside, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = way.Close() })
	network, err := egress.FromEnvironment(func(name string) string {
		return map[string]string{"HTTPS_PROXY": way.URL()}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	b.worker = &machine.Worker{Network: network}
	b.job = machine.Job{
		Format: machine.Format, Host: b.spec.Machines[0].Name, Admin: admin, Password: secret.New(password),
		Components: []machine.Component{{Product: machine.Product(product), Port: ports[product]}},
		Roots:      [][]byte{b.company.Certificate.Raw},
		Interval:   15 * time.Millisecond, Patience: 10 * time.Second,
	}
	return b
}

// issue makes a certificate of the company's own authority.
func (b *bench) issue(name string) *authority.Issued {
	b.t.Helper()
	issued, err := b.authority.Issue(authority.Spec{Names: []string{name}, Key: "p256", Via: b.company, WithRoot: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return issued
}

// do does a job with these tasks at the first machine.
func (b *bench) do(tasks ...machine.Task) machine.Report {
	b.t.Helper()
	job := b.job
	job.Tasks = tasks
	for i := range job.Tasks {
		if job.Tasks[i].Port == 0 {
			job.Tasks[i].Port = job.Components[0].Port
		}
	}
	return b.worker.Do(b.t.Context(), job)
}

// must do them, each with the state that is wanted.
func (b *bench) must(state machine.TaskState, tasks ...machine.Task) machine.Report {
	b.t.Helper()
	report := b.do(tasks...)
	for _, result := range report.Tasks {
		if result.State != state {
			b.t.Fatalf("%s %s is %s (%s: %s), want %s", result.Kind, result.Alias, result.State, result.Code, result.Detail, state)
		}
	}
	return report
}

// fails does one task and demands that it fails with the code.
func (b *bench) fails(code string, task machine.Task) machine.TaskResult {
	b.t.Helper()
	result := b.do(task).Tasks[0]
	if result.State != machine.TaskFailed || result.Code != code {
		b.t.Fatalf("%s %s is %s (%s: %s), want failed with %s", result.Kind, result.Alias, result.State, result.Code, result.Detail, code)
	}
	return result
}

func (b *bench) restarts() int { return b.ground.Ledger.Count(ground.MachineRestart) }

func install(t *testing.T, alias string, issued *authority.Issued) machine.Task {
	t.Helper()
	pfx, err := issued.PFX("Alnum0nly")
	if err != nil {
		t.Fatal(err)
	}
	return machine.Task{Kind: machine.Install, Alias: alias, PFX: secret.New(string(pfx)), PFXPassword: secret.New("Alnum0nly"), Expect: pki.Fingerprint(issued.Leaf)}
}

func replace(t *testing.T, issued *authority.Issued) machine.Task {
	t.Helper()
	task := install(t, "", issued)
	task.Kind = machine.Replace
	return task
}

func activate(alias string, issued *authority.Issued) machine.Task {
	return machine.Task{Kind: machine.Activate, Alias: alias, Expect: pki.Fingerprint(issued.Leaf)}
}

func remove(alias string) machine.Task { return machine.Task{Kind: machine.Remove, Alias: alias} }

func trust(alias string, of *authority.Issuer) machine.Task {
	return machine.Task{Kind: machine.Trust, Alias: alias, Certificate: of.Certificate.Raw}
}

func served(t *testing.T, seen machine.Seen) string {
	t.Helper()
	if len(seen.Chain) == 0 {
		t.Fatalf("nothing is served: %s", seen.WireTrouble)
	}
	_, sha256 := machine.Fingerprints(seen.Chain[0])
	return sha256
}

func aliases(seen machine.Seen) string {
	var list []string
	for _, entry := range seen.Entries {
		list = append(list, entry.Alias)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func entryOf(t *testing.T, seen machine.Seen, alias string) machine.Entry {
	t.Helper()
	for _, entry := range seen.Entries {
		if entry.Alias == alias {
			return entry
		}
	}
	t.Fatalf("no entry %s among %s", alias, aliases(seen))
	return machine.Entry{}
}

func name(product, version string) string { return fmt.Sprintf("%s %s", product, version) }
