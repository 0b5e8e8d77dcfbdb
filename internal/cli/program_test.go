package cli_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// run runs the program without a world.
func run(t *testing.T, change func(*cli.Environment), args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	env := cli.Environment{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errors,
		Lookup: func(name string) string {
			return map[string]string{"CARTOUCHE_STATE_DIR": t.TempDir(), "LANG": "C.UTF-8"}[name]
		},
	}
	if change != nil {
		change(&env)
	}
	status = cli.Run(t.Context(), env)
	return status, out.String(), errors.String()
}

func TestColoursAreForTerminals(t *testing.T) {
	terminal := func(env *cli.Environment) { env.StdoutIsTerminal = true }
	if _, out, _ := run(t, terminal, "version"); !strings.Contains(out, "\x1b[") {
		t.Errorf("no colour on a terminal: %q", out)
	}
	for name, change := range map[string]func(*cli.Environment){
		"a pipe":     nil,
		"NO_COLOR":   func(env *cli.Environment) { terminal(env); env.Lookup = only("NO_COLOR", "1") },
		"TERM=dumb":  func(env *cli.Environment) { terminal(env); env.Lookup = only("TERM", "dumb") },
		"--no-color": func(env *cli.Environment) { terminal(env); env.Args = append(env.Args, "--no-color") },
	} {
		if _, out, _ := run(t, change, "version"); strings.Contains(out, "\x1b") {
			t.Errorf("%s: colours in %q", name, out)
		}
	}
}

func TestASCIIWhereTheLocaleHasNoMore(t *testing.T) {
	pfx := filepath.Join(t.TempDir(), "Zürich.pfx")
	for locale, want := range map[string]string{"C": `Z\u00fcrich.pfx`, "de_CH.UTF-8": "Zürich.pfx"} {
		_, _, stderr := run(t, func(env *cli.Environment) { env.Lookup = only("LC_ALL", locale) }, "check", pfx)
		if !strings.Contains(stderr, want) {
			t.Errorf("locale %s: %q, want %q in it", locale, stderr, want)
		}
	}
}

func only(name, value string) func(string) string {
	return func(asked string) string {
		if asked == name {
			return value
		}
		return ""
	}
}

// lockedPFX writes a self-signed certificate with its key into a file.
func lockedPFX(t *testing.T, password string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gis.example.com"}, DNSNames: []string{"gis.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 90),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file, err := pkcs12.Modern.Encode(key, leaf, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "locked.pfx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// blocked is a standard input where nobody types anything.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

func TestCtrlCEndsAPasswordPrompt(t *testing.T) {
	pfx := lockedPFX(t, "secret")
	interrupts := make(chan os.Signal, 1)
	began := time.Now()
	status, _, stderr := run(t, func(env *cli.Environment) {
		env.Stdin, env.StdinIsTerminal, env.Interrupts = blocked{}, true, interrupts
		env.ReadPassword = func(ctx context.Context, _ string) (secret.Secret, error) {
			interrupts <- os.Interrupt
			<-ctx.Done()
			return secret.Secret{}, ctx.Err()
		}
	}, "check", pfx)
	if status != 130 || time.Since(began) > 10*time.Second {
		t.Errorf("status %d after %s, want 130:\n%s", status, time.Since(began), stderr)
	}
}

func TestPasswordFilesAsTheyComeInTheWorld(t *testing.T) {
	const password = "pässword 1 "
	pfx := lockedPFX(t, password) // self-signed: read with success, it has findings
	for name, content := range map[string]struct {
		text string
		want int
	}{
		"as it is":                  {password, 7},
		"with a line end":           {password + "\n", 7},
		"with a line end of DOS":    {password + "\r\n", 7},
		"with the mark of Notepad":  {"\xef\xbb\xbf" + password + "\r\n", 7},
		"with two line ends":        {password + "\n\n", 3},
		"without the space":         {strings.TrimSpace(password), 3},
		"in UTF-16":                 {"\xff\xfep\x00", 2},
		"larger than any password":  {strings.Repeat("x", 5000), 2},
		"of another file, by error": {"not it", 3},
	} {
		file := filepath.Join(t.TempDir(), "password.txt")
		if err := os.WriteFile(file, []byte(content.text), 0o600); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := run(t, nil, "check", pfx, "--password-file", file)
		if status != content.want {
			t.Errorf("%s: status %d, want %d\n%s%s", name, status, content.want, stdout, stderr)
		}
		status, _, _ = run(t, func(env *cli.Environment) { env.Stdin = io.MultiReader(strings.NewReader(content.text)) }, "check", pfx, "--password-file", "-")
		if status != content.want {
			t.Errorf("%s, from standard input: status %d, want %d", name, status, content.want)
		}
	}
}
