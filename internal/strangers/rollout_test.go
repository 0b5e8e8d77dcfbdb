package strangers

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type certificate struct{ SHA256 string }

// outcome is what apply, undo and clean have in common.
type outcome struct {
	Outcome, Run, Deployment string
	Before, After            certificate
	GatewayWrites, Restarts  int
	Interrupted              bool
	Removed                  []string
	Proof                    struct{ OK bool }
	Error                    struct{ Code string }
}

// TestProgramEndToEnd goes through the life of a certificate with the built
// program as a process: found, checked, planned, renewed, proved, taken back
// and cleaned, with nothing but the environment.
func TestProgramEndToEnd(t *testing.T) {
	needs(t)
	t.Parallel()
	w := startWorld(t)
	name, renewed := w.domain(), strings.ToLower(w.New.SHA256)

	found := reads[[]struct {
		Name, Domain, CannotUpdate string
		CanUpdate                  bool
	}](t, w.cartouche(t, "deployments").ends(t, 0))
	if len(found) != 3 {
		t.Fatalf("deployments: %+v, want three", found)
	}
	for _, d := range found {
		if ours := d.Name == w.Deployments[0].Prefix; d.CanUpdate != ours || ours && d.Domain != name || !ours && d.CannotUpdate == "" {
			t.Errorf("deployments: %+v", d)
		}
	}

	type check struct {
		OK          bool
		Certificate certificate
	}
	// Findings: the world's old certificate has only days left.
	old := reads[check](t, w.cartouche(t, "check", name).ends(t, 7)).Certificate.SHA256
	if old == "" || old == renewed {
		t.Fatalf("check: the site serves %q before the renewal, and new.pfx has %q", old, renewed)
	}

	saved := filepath.Join(w.home, "plan.json")
	plan := reads[struct {
		Certificate, Serving certificate
		Entry                string
		Moves                []struct{ From, To string }
	}](t, w.cartouche(t, "plan", name, "--pfx", w.pfx(), "--password-file", w.passwordFile(), "--save", saved).ends(t, 0))
	if plan.Certificate.SHA256 != renewed || plan.Serving.SHA256 != old || len(plan.Moves) == 0 {
		t.Errorf("plan: %+v, want from %s to %s", plan, old, renewed)
	}
	if got := reads[check](t, w.cartouche(t, "check", name).ends(t, 7)); got.Certificate.SHA256 != old {
		t.Errorf("check after planning: %s, want the old leaf", got.Certificate.SHA256)
	}

	applied := reads[outcome](t, w.cartouche(t, "apply", "--plan", saved, "--password-file", w.passwordFile(), "--yes").ends(t, 0))
	if applied.Outcome != "verified" || applied.GatewayWrites != 1 || applied.Restarts != 0 || !applied.Proof.OK ||
		applied.Before.SHA256 != old || applied.After.SHA256 != renewed {
		t.Errorf("apply: %+v, want verified with one write and no restart, from %s to %s", applied, old, renewed)
	}
	if got := reads[check](t, w.cartouche(t, "check", name).ends(t, 0)); !got.OK || got.Certificate.SHA256 != renewed {
		t.Errorf("check after the renewal: %+v, want %s", got, renewed)
	}
	if got := reads[check](t, w.cartouche(t, "verify", name).ends(t, 0)); !got.OK {
		t.Errorf("verify after the renewal: %+v", got)
	}

	undone := reads[outcome](t, w.cartouche(t, "undo", "--yes").ends(t, 0))
	if undone.Outcome != "verified" || !undone.Proof.OK || undone.Before.SHA256 != renewed || undone.After.SHA256 != old {
		t.Errorf("undo: %+v, want verified, back to %s", undone, old)
	}

	cleaned := reads[outcome](t, w.cartouche(t, "clean", name, "--now", "--yes").ends(t, 0))
	if cleaned.Outcome != "cleaned" || !slices.Equal(cleaned.Removed, []string{plan.Entry}) || cleaned.After.SHA256 != old {
		t.Errorf("clean: %+v, want the entry %s removed and %s served", cleaned, plan.Entry, old)
	}

	runs := w.history(t)
	if want := []string{cleaned.Run + " cleaned", undone.Run + " verified", applied.Run + " verified"}; !slices.Equal(runs, want) {
		t.Errorf("history: %q, want %q", runs, want)
	}
	run := reads[struct {
		ID    string
		Steps []struct{ Kind, Outcome string }
	}](t, w.cartouche(t, "history", applied.Run).ends(t, 0))
	if len(run.Steps) == 0 || run.ID != applied.Run {
		t.Errorf("history %s: %+v", applied.Run, run)
	}
	for _, step := range run.Steps {
		if step.Outcome != "done" {
			t.Errorf("history %s: step %s is %s, want done", applied.Run, step.Kind, step.Outcome)
		}
	}
	checkNoSecretAtRest(t, w, saved)
}

// cartouche runs the program with --json.
func (w *world) cartouche(t *testing.T, args ...string) result {
	t.Helper()
	return w.run(t, program, append(args, "--json")...)
}

// applyArgs are the arguments of a renewal that asks nothing.
func (w *world) applyArgs() []string {
	return []string{"apply", w.domain(), "--pfx", w.pfx(), "--password-file", w.passwordFile(), "--yes", "--json"}
}

// history is each run's id and outcome, the newest first.
func (w *world) history(t *testing.T) []string {
	t.Helper()
	var runs []string
	for _, run := range reads[[]struct{ ID, Outcome string }](t, w.cartouche(t, "history").ends(t, 0)) {
		runs = append(runs, run.ID+" "+run.Outcome)
	}
	return runs
}

// checkNoSecretAtRest searches the journal and the saved plan.
func checkNoSecretAtRest(t *testing.T, w *world, saved string) {
	t.Helper()
	files := []string{saved}
	err := filepath.WalkDir(w.stateDir(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 2 {
		t.Fatalf("search the state directory: %d files, %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range w.secrets() {
			if strings.Contains(string(content), value) {
				t.Errorf("%s is in %s", name, file)
			}
		}
	}
}
