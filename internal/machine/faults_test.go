package machine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// Whatever happens to one answer at any step, the job is done, or says that it
// is not; the same job once more finishes it, and asks for one restart in all.
func TestOneFaultAtEveryStep(t *testing.T) {
	t.Parallel()
	reads := []string{"-token", "certificate-list", "certificate-detail", "-health"}
	changes := []string{"import-root", "import", "assign", "delete"}
	for product, others := range map[string][]string{site.Server: {"reset", "unavailable"}, site.Portal: {"reset", "html"}} {
		for _, step := range append(reads, changes...) {
			faults := others
			if slices.Contains(changes, step) {
				faults = append(slices.Clone(others), "lost-answer")
			}
			if strings.HasPrefix(step, "-") {
				step = product + step
			}
			for _, fault := range faults {
				t.Run(product+" "+fault+" at "+step, func(t *testing.T) {
					t.Parallel()
					b := newBench(t, product, "11.5")
					next := b.issue("m1.example.net")
					job := []machine.Task{trust("root", b.company), install(t, "new", next), activate("new", next), remove("applicationgateway")}
					b.ground.Faults.Add(ground.Fault{Name: fault, Step: step, Times: 1})
					report := b.do(job...)
					if failed := report.Failed(); failed != nil {
						if fault == "lost-answer" {
							t.Errorf("it was done, and %s says %s: %s", failed.Kind, failed.Code, failed.Detail)
						}
						if failed.Code == "" || failed.Detail == "" {
							t.Errorf("it does not say why: %+v", failed)
						}
						report = b.do(job...)
					}
					if failed := report.Failed(); failed != nil {
						t.Fatalf("once more: %+v", failed)
					}
					if b.ground.Ledger.Count(ground.FaultHappened) != 1 {
						t.Error("the fault did not happen")
					}
					seen := report.Components[0]
					if served(t, seen) != pki.Fingerprint(next.Leaf) || seen.Alias != "new" || b.restarts() != 1 {
						t.Errorf("serves %s as %s after %d restarts", served(t, seen), seen.Alias, b.restarts())
					}
				})
			}
		}
	}
}

// In place too, on 12.1, and there without any restart.
func TestOneFaultWhileReplacing(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"lost-answer", "reset", "html", "unavailable"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, site.Portal, "12.1")
			task := replace(t, b.issue("m1.example.net"))
			b.ground.Faults.Add(ground.Fault{Name: fault, Step: "update", Times: 1})
			report := b.do(task)
			if failed := report.Failed(); failed != nil {
				if fault == "lost-answer" || failed.Code == machine.CodeNotInPlace {
					t.Errorf("%+v", failed)
				}
				report = b.must(machine.TaskDone, task)
			}
			if b.ground.Ledger.Count(ground.FaultHappened) != 1 {
				t.Error("the fault did not happen")
			}
			if served(t, report.Components[0]) != task.Expect || b.restarts() != 0 {
				t.Errorf("serves %s after %d restarts", served(t, report.Components[0]), b.restarts())
			}
		})
	}
}

// An import that was answered with success and stored nothing, at any product.
func TestAnImportThatVanishes(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Video, "12.0")
	b.ground.Faults.Add(ground.Fault{Name: "import-vanishes", Step: "import", Times: 1})
	task := install(t, "new", b.issue("m1.example.net"))
	b.fails(machine.CodeImportVanished, task)
	b.must(machine.TaskDone, task)
}

// A machine that comes back, serves the new certificate, and is not well.
func TestAMachineThatStaysSick(t *testing.T) {
	t.Parallel()
	b := newBench(t, site.Portal, "11.5")
	b.job.Patience = time.Second
	b.ground.Faults.Add(ground.Fault{Name: "machine-stays-sick", Step: "restart", Times: 1})
	next := b.issue("m1.example.net")
	report := b.do(install(t, "new", next), activate("new", next))
	if result := report.Tasks[1]; result.Code != machine.CodeRestartNeverEnded || !result.Unsure {
		t.Errorf("%+v", result)
	}
	if seen := report.Components[0]; seen.Healthy || served(t, seen) != pki.Fingerprint(next.Leaf) {
		t.Errorf("healthy %v, serves %s", seen.Healthy, served(t, seen))
	}
}
