package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cli"
)

// heard tells when a text was written.
type heard struct {
	bytes.Buffer
	text string
	told func()
}

func (h *heard) Write(p []byte) (int, error) {
	n, err := h.Buffer.Write(p)
	if strings.Contains(h.String(), h.text) {
		h.told()
	}
	return n, err
}

// A private world is entered by its inside door, which is said and written.
func TestAPrivateWorldSaysBothDoors(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	dir := t.TempDir()
	files := map[string]string{}
	out := &heard{text: "cartouche apply", told: func() {
		for _, name := range []string{"env", "env-inside"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
			}
			files[name] = string(text)
		}
		stop()
	}}
	var stderr bytes.Buffer
	status := cli.Run(ctx, cli.Environment{Args: []string{"sim", "private", "--dir", dir}, Stdin: strings.NewReader(""), Stdout: out, Stderr: &stderr,
		Lookup: func(name string) string {
			return map[string]string{"CARTOUCHE_STATE_DIR": t.TempDir(), "LANG": "C.UTF-8"}[name]
		}})
	if status != 0 {
		t.Errorf("status %d: %s", status, stderr.String())
	}
	proxies := map[string]bool{}
	for name, text := range files {
		line, _, _ := strings.Cut(text, "\n")
		_, proxy, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(line, "HTTPS_PROXY=http://127.0.0.1:") || !strings.Contains(out.String(), proxy) {
			t.Errorf("%s begins with %q, which is not said:\n%s", name, line, out)
		}
		proxies[proxy] = true
		if _, err := os.Stat(filepath.Join(dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if len(proxies) != 2 {
		t.Errorf("doors %v", proxies)
	}
	if !strings.Contains(out.String(), "env-inside; set +a") || !strings.Contains(out.String(), "--assume-trusted") {
		t.Errorf("what to type next:\n%s", out)
	}
}
