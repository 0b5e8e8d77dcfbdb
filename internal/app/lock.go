package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/cartouche-gis/cartouche/internal/journal"
)

// LockedError says that another run of this user works on the gateway.
type LockedError struct{ name string }

func (e *LockedError) Error() string {
	return "another run works on " + e.name + " at this moment"
}

// errHeld is what tryLock gives when somebody else has the lock.
var errHeld = errors.New("held")

// Lock keeps two runs of one user on this computer from changing one gateway at
// the same time. It is a lock of the operating system, so it ends with the
// process, however that ends. Others, on other computers, are kept away by the
// gateway itself: it takes one change at a time, and If-Match.
func (a *App) Lock(gatewayID, name string) (unlock func(), err error) {
	memory, err := journal.DefaultPath(a.Lookup, runtime.GOOS)
	if err != nil {
		return nil, Usage("set CARTOUCHE_STATE_DIR to a directory of yours", "%s", err)
	}
	dir := filepath.Join(filepath.Dir(memory), "locks")
	err = os.MkdirAll(dir, 0o700)
	if err != nil {
		return nil, unwritable(dir, err)
	}
	sum := sha256.Sum256([]byte(strings.ToLower(gatewayID)))
	file, err := os.OpenFile(filepath.Join(dir, hex.EncodeToString(sum[:8])), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unwritable(dir, err)
	}
	err = tryLock(file)
	if errors.Is(err, errHeld) {
		err = &LockedError{name}
	} else if err != nil {
		err = fmt.Errorf("lock %s: %w", name, err)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil // closing ends the lock
}

// unwritable says why something beside the journal could not be written.
func unwritable(path string, err error) error {
	code := journal.CodeReadOnly
	if errors.Is(err, syscall.ENOSPC) {
		code = journal.CodeFull
	}
	return &journal.Error{Code: code, Path: path, Err: err}
}
