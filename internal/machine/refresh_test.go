package machine_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

const pinAlias = "AppGW-ExternalDNSCerCert"

// pinBench is a machine that has pinned a certificate, and the task that puts
// the next one there.
func pinBench(t *testing.T, product, version string) (b *bench, old, next *authority.Issued, refresh machine.Task) {
	t.Helper()
	old, next = pinned(t), pinned(t)
	b = newBench(t, product, version, func(s *site.Spec) { s.ExternalLeaf = old.Leaf })
	return b, old, next, machine.Task{Kind: machine.Trust, Alias: pinAlias, Certificate: next.Leaf.Raw}
}

// To refresh an entry is to delete it and to import: when the import fails the
// old one comes back, whatever made it fail.
func TestARefreshThatFailsPutsTheOldEntryBack(t *testing.T) {
	t.Parallel()
	for _, product := range []string{site.Server, site.Portal} {
		for _, fault := range []ground.Fault{
			{Name: "import-vanishes", Step: "root-import", Times: 2}, {Name: "html", Step: "import-root", Times: 2}, {Name: "unavailable", Step: "import-root", Times: 3},
		} {
			t.Run(product+" "+fault.Name, func(t *testing.T) {
				t.Parallel()
				b, old, _, refresh := pinBench(t, product, "11.5")
				b.ground.Faults.Add(fault)
				report := b.do(refresh)
				result := report.Tasks[0]
				if result.State != machine.TaskFailed || !strings.Contains(result.Detail, "holds what it held before") || len(result.Lost) > 0 {
					t.Errorf("%+v", result)
				}
				if got := entryOf(t, report.Components[0], strings.ToLower(pinAlias)); got.SHA256 != pki.Fingerprint(old.Leaf) {
					t.Errorf("the entry holds %s, want the old %s", got.SHA256, pki.Fingerprint(old.Leaf))
				}
				b.must(machine.TaskDone, refresh)
			})
		}
	}
}

// A trouble that passes does not keep the new one out, nor does a lost answer.
func TestARefreshThroughPassingTrouble(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"html@import-root", "import-vanishes@root-import", "lost-answer@import-root", "lost-answer@delete"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			b, _, next, refresh := pinBench(t, site.Server, "11.5")
			parsed, err := ground.ParseFault(fault)
			if err != nil {
				t.Fatal(err)
			}
			b.ground.Faults.Add(parsed)
			seen := b.must(machine.TaskDone, refresh).Components[0]
			if got := entryOf(t, seen, strings.ToLower(pinAlias)); got.SHA256 != pki.Fingerprint(next.Leaf) {
				t.Errorf("the entry holds %s", got.SHA256)
			}
		})
	}
}

// When not even the old one can be imported, the result has it, and says what
// to do with it.
func TestARefreshThatLosesTheOldEntrySaysSo(t *testing.T) {
	t.Parallel()
	b, old, _, refresh := pinBench(t, site.Portal, "11.5")
	b.ground.Faults.Add(ground.Fault{Name: "import-vanishes", Step: "root-import", Times: -1})
	result := b.fails(machine.CodeImportVanished, refresh)
	if !bytes.Equal(result.Lost, old.Leaf.Raw) || !strings.Contains(result.Detail, pki.Fingerprint(old.Leaf)) || !strings.Contains(result.Detail, "import it there again") {
		t.Errorf("%+v", result)
	}
}

// What cannot be exported is not deleted: the new one is trusted beside it.
func TestWhatCannotBeExportedIsNotDeleted(t *testing.T) {
	t.Parallel()
	b, old, next, refresh := pinBench(t, site.Server, "11.5")
	b.ground.Faults.Add(ground.Fault{Name: "html", Step: "certificate-export", Times: -1})
	report := b.must(machine.TaskDone, refresh)
	beside := report.Tasks[0].Alias
	seen := report.Components[0]
	if was, is := entryOf(t, seen, strings.ToLower(pinAlias)), entryOf(t, seen, strings.ToLower(beside)); was.SHA256 != pki.Fingerprint(old.Leaf) || is.SHA256 != pki.Fingerprint(next.Leaf) {
		t.Errorf("%s holds %s and %s holds %s", was.Alias, was.SHA256, is.Alias, is.SHA256)
	}
	if !strings.Contains(report.Tasks[0].Detail, "was left") {
		t.Errorf("it does not say so: %s", report.Tasks[0].Detail)
	}
	b.must(machine.TaskAlready, refresh)
}

// A job that is ended between the deletion and the import does not leave the
// alias empty.
func TestAnInterruptedRefreshIsFinished(t *testing.T) {
	t.Parallel()
	b, _, next, refresh := pinBench(t, site.Server, "11.5")
	ctx, cancel := context.WithCancel(t.Context())
	b.ground.Faults.Add(ground.Fault{Name: "slow", Step: "import-root", Times: 1})
	job := b.job
	refresh.Port = job.Components[0].Port
	job.Tasks = []machine.Task{refresh}
	ended := make(chan machine.Report, 1)
	go func() { ended <- b.worker.Do(ctx, job) }()
	for b.ground.Ledger.Count(ground.FaultHappened) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if report := <-ended; report.Tasks[0].State != machine.TaskDone {
		t.Errorf("%+v", report.Tasks[0])
	}
	seen := b.must(machine.TaskAlready, refresh).Components[0]
	if got := entryOf(t, seen, strings.ToLower(pinAlias)); got.SHA256 != pki.Fingerprint(next.Leaf) {
		t.Errorf("the entry holds %s", got.SHA256)
	}
}
