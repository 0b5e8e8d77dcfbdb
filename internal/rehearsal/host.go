package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// host is a simulated computer as the agent sees it. Its programs are those
// that the world emulates; none of this computer's is run.
type host struct {
	computer *computer.Computer
	env      map[string]string
	dir      string // for temporary files, removed at the end
}

func newHost(c *computer.Computer) (*host, error) {
	h := &host{computer: c, env: map[string]string{}}
	for _, variable := range c.Env() {
		name, value, _ := strings.Cut(variable, "=")
		h.env[name] = value
	}
	var err error
	h.dir, err = os.MkdirTemp(h.env["TEMP"], "cartouche.")
	return h, err
}

func (h *host) remove() { os.RemoveAll(h.dir) }

func (h *host) OS() string { return strings.ToLower(h.computer.OS()) }

func (h *host) Getenv(name string) string { return h.env[name] }

func (h *host) Run(ctx context.Context, program string, args ...string) (stdout, stderr string, code int, err error) {
	return h.computer.Exec(ctx, program, args...)
}

func (h *host) Lend(string, string) error { return nil }

// ImportPFX is done by certutil: the agent itself asks Windows for it in its own
// process, and the world has programs only.
func (h *host) ImportPFX(ctx context.Context, pfx, password secret.Secret) error {
	path, remove, err := h.TempFile(".pfx", []byte(pfx.Reveal()))
	if err != nil {
		return err
	}
	defer remove()
	stdout, stderr, code, err := h.computer.Exec(ctx, "certutil", "-f", "-p", password.Reveal(), "-importpfx", "My", path)
	if err != nil || code != 0 {
		return errors.Join(err, fmt.Errorf("exit code %d: %s%s", code, stdout, stderr))
	}
	return nil
}

func (h *host) TempFile(suffix string, content []byte) (path string, remove func(), err error) {
	file, err := os.CreateTemp(h.dir, "*"+suffix)
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.Remove(file.Name()) }
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		remove()
		return "", nil, err
	}
	return filepath.ToSlash(file.Name()), remove, nil
}
