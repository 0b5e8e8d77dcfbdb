package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// smallestPage is that of any file of SQLite
// (https://www.sqlite.org/fileformat2.html §1.3.2).
const smallestPage = 512

// present tells whether there is a journal. A file comes into being whole, see
// create: so an empty one has lost what was in it, and so has a log of SQLite
// whose file is gone. To begin a new journal there would hide that, and SQLite,
// which takes a few bytes for an empty file, too, would even throw the log away.
func (j *Journal) present() (bool, error) {
	info, err := os.Stat(j.path)
	switch {
	case err == nil && info.Mode().IsRegular() && info.Size() < smallestPage:
		return false, &Error{Code: CodeDamaged, Path: j.path, Err: fmt.Errorf("only %d bytes of it are left", info.Size())}
	case err == nil:
		return true, nil
	case !errors.Is(err, fs.ErrNotExist):
		return false, &Error{Code: CodeReadOnly, Path: j.path, Err: err}
	}
	log, err := os.Stat(j.path + "-wal")
	if err == nil && log.Size() > 0 {
		return false, &Error{Code: CodeDamaged, Path: j.path, Err: errors.New("it is gone, and what was written last is still in " + j.path + "-wal")}
	}
	return false, nil
}

// create makes the directory and a new journal, which only the user may read,
// before anything is written into it. It is made under another name and appears
// whole: a process that is killed meanwhile leaves no half of one. Who comes
// second finds the first one's.
func (j *Journal) create(ctx context.Context) error {
	dir := filepath.Dir(j.path)
	refused := func(err error) error { return &Error{Code: CodeReadOnly, Path: j.path, Err: err} }
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return refused(err)
	}
	file, err := os.CreateTemp(dir, filepath.Base(j.path)+".new-*") // of mode 0600
	if err != nil {
		return refused(err)
	}
	name := file.Name()
	defer func() {
		for _, end := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(name + end)
		}
	}()
	if err := file.Close(); err != nil {
		return refused(err)
	}
	db, _, err := connect(ctx, name)
	if err == nil {
		err = db.Close() // which brings everything into the one file
	}
	if err != nil {
		return j.wrap(err)
	}
	if err := os.Link(name, j.path); err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	// A file system without links: it is made in its place. Who is killed at this
	// instant leaves an empty file, which the next one says.
	file, err = os.OpenFile(j.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return refused(err)
	}
	return file.Close()
}
