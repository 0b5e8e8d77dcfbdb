package journal

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var full = flag.Bool("full", false, "cut the files at every byte instead of at some")

// A kill, a full disk or a power cut can end what is written at any byte. SQLite
// writes what is new to the end of a log (-wal), with a checksum over all that
// came before it in the log, and copies it into the file later, when the log is
// safe on disk. So there are three files to cut: the log while it grows, the file
// while the log is copied into it, and the file alone, which no kill does, but a
// broken disk or copy.

// recorded is a journal at each moment when a call had returned: how long its
// log was, and how many steps it has acknowledged.
type recorded struct {
	file, log []byte
	// acknowledged is how many calls had returned when the log was that long.
	acknowledged []struct{ bytes, calls int }
}

// record writes some steps and keeps the files as they are before SQLite tidies up.
func record(t *testing.T) recorded {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	must(t, j.Begin(t.Context(), run("r")))
	var r recorded
	note := func(calls int) {
		info, err := os.Stat(path + "-wal")
		must(t, err)
		r.acknowledged = append(r.acknowledged, struct{ bytes, calls int }{int(info.Size()), calls})
	}
	note(0)
	for i := range 6 {
		must(t, j.StepStarted(t.Context(), "r", Step{Index: i, Title: fmt.Sprint("step ", i)}, nine))
		note(2*i + 1)
		must(t, j.StepFinished(t.Context(), "r", i, "done", nil, "", nine))
		note(2*i + 2)
	}
	var err error
	r.file, err = os.ReadFile(path)
	must(t, err)
	r.log, err = os.ReadFile(path + "-wal")
	must(t, err)
	return r
}

// calls counts what a journal has of what record wrote, -1 when the run is not there.
func calls(t *testing.T, path string) (int, error) {
	t.Helper()
	j, err := Open(t.Context(), path)
	if err != nil {
		return 0, err
	}
	defer j.Close()
	got, err := j.Run(t.Context(), "r")
	if missing := (*NotFoundError)(nil); errors.As(err, &missing) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	n := 0
	for _, step := range got.Steps {
		n++
		if step.Outcome == "done" {
			n++
		}
	}
	return n, nil
}

// cuts are the places at which n bytes are cut: all of them, or those around the
// ends of pages and frames and some between.
func cuts(n, page int, ends ...int) []int {
	var list []int
	for at := range n + 1 {
		near := at%page < 2 || at%page > page-2 || at%509 == 0 || at < 64 && at%7 == 0
		for _, end := range ends {
			near = near || at >= end-1 && at <= end+1
		}
		if *full || near {
			list = append(list, at)
		}
	}
	return list
}

func put(t *testing.T, dir string, file, log []byte) string {
	t.Helper()
	path := filepath.Join(dir, "journal.db")
	for _, end := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(path + end)
	}
	must(t, os.WriteFile(path, file, 0o600))
	if log != nil {
		must(t, os.WriteFile(path+"-wal", log, 0o600))
	}
	return path
}

// Whatever was acknowledged when the log was that long is there, and the journal
// can be used.
func TestTheLogIsCutAtAnyByte(t *testing.T) {
	t.Parallel()
	r := record(t)
	var ends []int
	for _, a := range r.acknowledged {
		ends = append(ends, a.bytes)
	}
	dir, places := t.TempDir(), cuts(len(r.log), 4096, ends...)
	for _, at := range places {
		want := -1
		for _, a := range r.acknowledged {
			if a.bytes <= at {
				want = a.calls
			}
		}
		got, err := calls(t, put(t, dir, r.file, r.log[:at]))
		if err != nil || got < want {
			t.Fatalf("the log is cut at byte %d of %d: %d calls are there, want %d; %v", at, len(r.log), got, want, err)
		}
	}
	t.Logf("%d cuts of a log of %d bytes", len(places), len(r.log))
}

// The log is copied into the file page by page, and is there until that has ended.
func TestTheFileIsCutWhileTheLogIsCopiedIntoIt(t *testing.T) {
	t.Parallel()
	r := record(t)
	dir := t.TempDir()
	all := r.acknowledged[len(r.acknowledged)-1].calls
	copied := put(t, dir, r.file, r.log)
	if got, err := calls(t, copied); err != nil || got != all { // closing copies everything
		t.Fatalf("%d calls, %v; want %d", got, err, all)
	}
	after, err := os.ReadFile(copied)
	must(t, err)
	places := cuts(len(after), 4096)
	for _, at := range places {
		half := append([]byte{}, after[:at]...)
		if at < len(r.file) {
			half = append(half, r.file[at:]...)
		}
		got, err := calls(t, put(t, dir, half, r.log))
		if err != nil || got != all {
			t.Fatalf("cut at byte %d of %d: %d calls are there, want %d; %v", at, len(after), got, all, err)
		}
	}
	t.Logf("%d cuts of a file of %d bytes", len(places), len(after))
}

// A file that has lost its end says so, however much is left of it. No run is
// missing from it in silence.
func TestTheFileAloneIsCutAtAnyByte(t *testing.T) {
	t.Parallel()
	r := record(t)
	dir := t.TempDir()
	all := r.acknowledged[len(r.acknowledged)-1].calls
	whole := put(t, dir, r.file, r.log)
	_, err := calls(t, whole)
	must(t, err)
	file, err := os.ReadFile(whole)
	must(t, err)
	places := cuts(len(file)-1, 4096)
	for _, at := range places {
		got, err := calls(t, put(t, dir, file[:at], nil))
		switch code := codeOf(err); {
		case code == CodeDamaged, code == CodeForeign: // too little is left to tell whose it is
		case err == nil && got == all:
		default:
			t.Fatalf("cut at byte %d of %d: %d calls of %d and %v; want all of them, or to be told that it is damaged", at, len(file), got, all, err)
		}
	}
	t.Logf("%d cuts of a file of %d bytes", len(places), len(file))
}

// A file that is gone or empty while its log is there is no new beginning: SQLite
// would throw the log away.
func TestALogWithoutItsFileIsDamage(t *testing.T) {
	t.Parallel()
	r := record(t)
	for name, file := range map[string][]byte{"empty": {}, "gone": nil} {
		path := put(t, t.TempDir(), file, r.log)
		if file == nil {
			must(t, os.Remove(path))
		}
		_, err := Open(t.Context(), path)
		if codeOf(err) != CodeDamaged {
			t.Errorf("%s: %v, want code %s", name, err, CodeDamaged)
		}
		if log, err := os.ReadFile(path + "-wal"); err != nil || len(log) != len(r.log) {
			t.Errorf("%s: the log is no longer what it was: %d bytes, %v", name, len(log), err)
		}
	}
}
