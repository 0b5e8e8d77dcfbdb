package machine

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// identity is a certificate with its key, self-signed.
type identity struct {
	leaf *x509.Certificate
	tls  tls.Certificate
}

func newIdentity(t *testing.T, name string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return identity{leaf, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
}

func (i identity) task(t *testing.T, kind TaskKind, port int) Task {
	t.Helper()
	pfx, password, err := pki.WritePFX(&pki.Bundle{Leaf: i.leaf, Key: i.tls.PrivateKey.(*ecdsa.PrivateKey)}, pki.ForArcGIS)
	if err != nil {
		t.Fatal(err)
	}
	return Task{Kind: kind, Port: port, Alias: "tls-2026", PFX: secret.New(string(pfx)), PFXPassword: password, Expect: sha256Of(i.leaf)}
}

// listener is a TLS port whose certificate can be changed.
type listener struct {
	port int
	mu   sync.Mutex
	now  *tls.Certificate
}

func listen(t *testing.T, first identity) *listener {
	t.Helper()
	l := &listener{}
	l.serve(first)
	socket, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.now == nil {
			return nil, errors.New("down")
		}
		return l.now, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	l.port = socket.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.(*tls.Conn).Handshake()
			}()
		}
	}()
	return l
}

func (l *listener) serve(i identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = &i.tls
}

func (l *listener) down() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = nil
}

func (l *listener) job(product Product) Job {
	return Job{Format: Format, Host: "127.0.0.1", Interval: 5 * time.Millisecond, Patience: time.Second,
		Components: []Component{{Product: product, Port: l.port}}}
}

// fakeHost is a machine with the programs that a test gives it.
type fakeHost struct {
	t        *testing.T
	os       string
	env      map[string]string
	programs func(program string, args []string) (stdout, stderr string, code int, err error)
	imported func(pfx, password secret.Secret) error

	mu    sync.Mutex
	ran   []string
	files map[string]bool
}

func (h *fakeHost) OS() string                { return h.os }
func (h *fakeHost) Getenv(name string) string { return h.env[name] }

func (h *fakeHost) Run(_ context.Context, program string, args ...string) (string, string, int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ran = append(h.ran, strings.Join(append([]string{program}, args...), " "))
	return h.programs(program, args)
}

func (h *fakeHost) Lend(string, string) error { return nil }

func (h *fakeHost) ImportPFX(_ context.Context, pfx, password secret.Secret) error {
	if h.imported == nil {
		return errors.New("no store")
	}
	return h.imported(pfx, password)
}

func (h *fakeHost) TempFile(suffix string, content []byte) (string, func(), error) {
	path := filepath.Join(h.t.TempDir(), fmt.Sprintf("%d%s", time.Now().UnixNano(), suffix))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.files == nil {
		h.files = map[string]bool{}
	}
	h.files[path] = true
	return path, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.files, path)
		os.Remove(path)
	}, nil
}

func (h *fakeHost) leftNoFile(t *testing.T) {
	t.Helper()
	for path := range h.files {
		t.Errorf("%s was left behind", path)
	}
}

// ranWith tells whether a program was run with all of these words.
func (h *fakeHost) ranWith(words ...string) bool {
	return slices.ContainsFunc(h.ran, func(line string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) })
	})
}

func wantResult(t *testing.T, got TaskResult, state TaskState, code string) {
	t.Helper()
	if got.State != state || got.Code != code {
		t.Errorf("got %s %q (%s), want %s %q", got.State, got.Code, got.Detail, state, code)
	}
}
