package machine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

var (
	versions = []string{"10.8.1", "10.9.1", "11.1", "11.3", "11.5", "12.0", "12.1"}
	products = []string{site.Portal, site.Server, site.Notebook, site.Mission, site.Video}
)

// Every product and version: what is there is seen, a certificate of an
// authority that nobody knew is brought in and served after one restart, and
// everything is taken back.
func TestEveryProductAndVersion(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		for _, product := range products {
			t.Run(name(product, version), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, product, version)
				rotates(t, b, version)
			})
		}
	}
}

func rotates(t *testing.T, b *bench, version string) {
	before := b.do().Components[0]
	if before.Trouble != "" || before.WireTrouble != "" || !before.Healthy {
		t.Fatalf("observed: trouble %q, wire %q, healthy %v", before.Trouble, before.WireTrouble, before.Healthy)
	}
	full := version
	if len(version) == 4 {
		full += ".0"
	}
	if before.Version != full || before.MachineName != "M1.EXAMPLE.NET" || before.Alias != "ApplicationGateway" || !slices.Equal(before.Peers, []string{"M1.EXAMPLE.NET"}) {
		t.Errorf("observed version %q, machine %q of %v, alias %q", before.Version, before.MachineName, before.Peers, before.Alias)
	}
	oldLeaf := pki.Fingerprint(b.old.Leaf)
	entry := entryOf(t, before, "applicationgateway")
	if entry.SHA256 != oldLeaf || entry.Trusted || served(t, before) != oldLeaf {
		t.Errorf("observed %+v, served %s, want %s", entry, served(t, before), oldLeaf)
	}
	if off := entry.NotAfter.Sub(b.old.Leaf.NotAfter); off < -time.Second || off > time.Second {
		t.Errorf("it ends %s, want %s", entry.NotAfter, b.old.Leaf.NotAfter)
	}
	if before.Settings["cipherSuites"] == "" && (before.Product == machine.Portal || before.Product == machine.Server) {
		t.Errorf("settings: %v", before.Settings)
	}

	// The new certificate is of an authority that the job does not know: what
	// the job itself puts there is trusted.
	other, err := b.authority.NewPrivate("Other CA")
	if err != nil {
		t.Fatal(err)
	}
	next, err := b.authority.Issue(authority.Spec{Names: []string{"m1.example.net"}, Key: "p256", Via: other, WithRoot: true})
	if err != nil {
		t.Fatal(err)
	}

	after := b.must(machine.TaskDone, trust("other-root", other), install(t, "tls-new", next), activate("tls-new", next))
	seen := after.Components[0]
	if served(t, seen) != pki.Fingerprint(next.Leaf) || seen.Alias != "tls-new" || !seen.Healthy || seen.Trouble != "" {
		t.Errorf("after: serves %s, alias %q, healthy %v, trouble %q", served(t, seen), seen.Alias, seen.Healthy, seen.Trouble)
	}
	if result := after.Tasks[2]; result.Before != "applicationgateway" || result.BeforeLeaf != oldLeaf || !result.Restarted {
		t.Errorf("what going back needs: %+v", result)
	}
	if !entryOf(t, seen, "other-root").Trusted || b.restarts() != 1 {
		t.Errorf("%d restarts, want 1", b.restarts())
	}

	// The same once more changes nothing.
	b.must(machine.TaskAlready, trust("other-root", other), install(t, "tls-new", next), activate("tls-new", next))
	if b.restarts() != 1 {
		t.Errorf("%d restarts, want still 1", b.restarts())
	}

	// A job that puts nothing there must pin what is served now.
	b.fails(machine.CodeUnverified, remove("tls-new"))
	b.job.Pins = []string{pki.Fingerprint(next.Leaf)}
	b.fails(machine.CodeInUse, remove("tls-new"))

	// Undo.
	back := b.must(machine.TaskDone, activate("applicationgateway", b.old), remove("tls-new"), remove("other-root"))
	seen = back.Components[0]
	if served(t, seen) != oldLeaf || seen.Alias != "applicationgateway" || b.restarts() != 2 {
		t.Errorf("undone: serves %s, alias %q, %d restarts", served(t, seen), seen.Alias, b.restarts())
	}
	if got, want := aliases(seen), aliases(before); got != want {
		t.Errorf("left in the keystore: %s, want %s", got, want)
	}

	// In place where version and product can, and only there.
	if version != "12.1" || before.Product != machine.Server && before.Product != machine.Portal {
		b.fails(machine.CodeNotInPlace, replace(t, next))
		return
	}
	seen = b.must(machine.TaskDone, replace(t, next)).Components[0]
	if served(t, seen) != pki.Fingerprint(next.Leaf) || b.restarts() != 2 {
		t.Errorf("in place: serves %s, %d restarts", served(t, seen), b.restarts())
	}
	b.must(machine.TaskAlready, replace(t, next))
}
