package journal

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// used is a journal with one run, closed.
func used(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	must(t, j.Begin(t.Context(), run("r")))
	must(t, j.Close())
	return path
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	_, err = db.Exec(statement)
	must(t, err)
}

func TestAForeignDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	execute(t, path, "CREATE TABLE theirs (x)")
	before, err := os.ReadFile(path)
	must(t, err)
	_, err = Open(t.Context(), path)
	if codeOf(err) != CodeForeign {
		t.Errorf("Open = %v, want code %s", err, CodeForeign)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if string(before) != string(after) {
		t.Error("the foreign file was changed")
	}
}

func TestDamagedFiles(t *testing.T) {
	text := filepath.Join(t.TempDir(), "journal.db")
	must(t, os.WriteFile(text, []byte(strings.Repeat("not a database ", 500)), 0o600))
	_, err := Open(t.Context(), text)
	if codeOf(err) != CodeForeign {
		t.Errorf("a text file: %v, want code %s", err, CodeForeign)
	}

	// Everything behind the header is overwritten.
	path := used(t)
	content, err := os.ReadFile(path)
	must(t, err)
	for i := 100; i < len(content); i++ {
		content[i] = 0x5a
	}
	must(t, os.WriteFile(path, content, 0o600))
	_, err = Open(t.Context(), path)
	if codeOf(err) != CodeDamaged {
		t.Errorf("an overwritten file: %v, want code %s", err, CodeDamaged)
	}
}

func TestPathsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	j, err := Open(t.Context(), filepath.Join(file, "journal.db")) // a file for a directory
	if err == nil {
		err = j.Begin(t.Context(), run("r"))
	}
	if codeOf(err) != CodeReadOnly {
		t.Errorf("below a file: %v, want code %s", err, CodeReadOnly)
	}
	_, err = Open(t.Context(), dir)
	if codeOf(err) != CodeReadOnly {
		t.Errorf("a directory for a file: %v, want code %s", err, CodeReadOnly)
	}
}

func TestReadOnlyAndFull(t *testing.T) {
	for pragma, want := range map[string]string{
		// What SQLite answers on a read-only file and on a full disk.
		"PRAGMA query_only = ON":    CodeReadOnly,
		"PRAGMA max_page_count = 1": CodeFull,
	} {
		j := open(t, used(t))
		_, err := j.db.Exec(pragma)
		must(t, err)
		large := json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)
		err = j.Evidence(t.Context(), "r", "k", large, nine)
		if codeOf(err) != want {
			t.Errorf("%s: %v, want code %s", pragma, err, want)
		}
		got, err := j.Run(t.Context(), "r")
		if err != nil || len(got.Evidence) != 0 {
			t.Errorf("%s: afterwards %d pieces of evidence, %v; want a readable journal without the failed one", pragma, len(got.Evidence), err)
		}
	}
}

// A full disk has several codes; the one below was seen on a disk without room for
// what lies beside the file.
func TestCodesOfSQLite(t *testing.T) {
	for code, want := range map[int]string{4874: CodeFull, 13: CodeFull, 778: CodeFailed, 261: CodeBusy, 1288: CodeReadOnly, 0: CodeFailed} {
		if got := coded(code); got != want {
			t.Errorf("%d is %s, want %s", code, got, want)
		}
	}
}

// A transaction that was never committed leaves nothing.
func TestAnUncommittedTransactionLeavesNothing(t *testing.T) {
	path := used(t)
	j := open(t, path)
	tx, err := j.db.Begin()
	must(t, err)
	_, err = tx.Exec(`UPDATE runs SET outcome = 'verified', finished_at = 'x'`)
	must(t, err)
	must(t, tx.Rollback())
	must(t, j.Close())
	got, err := open(t, path).Run(t.Context(), "r")
	if err != nil || got.Outcome != InDoubt {
		t.Errorf("outcome %q, %v; want %q", got.Outcome, err, InDoubt)
	}
}

// A process that is killed at any instant leaves a journal that holds every
// call that had returned. The test runs itself as that process.
func TestKilledProcess(t *testing.T) {
	path := os.Getenv("JOURNAL_TO_WRITE")
	if path != "" {
		writeForEver(path)
	}
	path = filepath.Join(t.TempDir(), "journal.db")
	child := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$")
	child.Env = append(os.Environ(), "JOURNAL_TO_WRITE="+path)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	returned := -1
	lines := bufio.NewScanner(out)
	for returned < 25 && lines.Scan() {
		_, err := fmt.Sscanf(lines.Text(), "started %d", &returned)
		must(t, err)
	}
	must(t, child.Process.Kill())
	for lines.Scan() { // what had returned before the kill arrived
		_, _ = fmt.Sscanf(lines.Text(), "started %d", &returned)
	}
	_ = child.Wait()

	got, err := open(t, path).Run(t.Context(), "r")
	must(t, err)
	if returned < 25 || len(got.Steps) <= returned || got.Outcome != InDoubt {
		t.Errorf("%d steps, outcome %q; want more than %d (at least 25) and %q", len(got.Steps), got.Outcome, returned, InDoubt)
	}
	for i, s := range got.Steps[:returned] {
		if s.Outcome != "done" {
			t.Errorf("step %d is %q, want done: the next one had begun", i, s.Outcome)
		}
	}
}

func writeForEver(path string) {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	j, err := Open(ctx, path)
	fail(err)
	fail(j.Begin(ctx, run("r")))
	for i := 0; ; i++ {
		fail(j.StepStarted(ctx, "r", Step{Index: i}, nine))
		fmt.Printf("started %d\n", i)
		fail(j.StepFinished(ctx, "r", i, "done", nil, "", nine))
	}
}
