package egress

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// authority makes a root that is called name.
func authority(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func names(certs []*x509.Certificate) []string {
	var names []string
	for _, cert := range certs {
		names = append(names, cert.Subject.CommonName)
	}
	return names
}

func TestNamedRootsOfFileAndDirectories(t *testing.T) {
	one, two, three := authority(t, "one"), authority(t, "two"), authority(t, "three")
	file := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, file, one, two)
	first, second := t.TempDir(), t.TempDir()
	writePEM(t, filepath.Join(first, "a.pem"), two)
	writePEM(t, filepath.Join(second, "3.0"), three)
	os.WriteFile(filepath.Join(second, "notes.txt"), []byte("not a certificate"), 0o600)
	os.Mkdir(filepath.Join(second, "java"), 0o700)
	dirs := strings.Join([]string{first, filepath.Join(first, "absent"), second}, string(os.PathListSeparator))

	n := networkFrom(t, "SSL_CERT_FILE", file, "SSL_CERT_DIR", dirs)
	if got, want := names(n.NamedRoots()), []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("named roots are %q, want %q", got, want)
	}
	for _, cert := range n.NamedRoots() {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: n.Roots()}); err != nil {
			t.Errorf("%s is not in the pool: %v", cert.Subject, err)
		}
	}
	if networkFrom(t).NamedRoots() != nil {
		t.Error("roots without variables")
	}
}

func TestRelicsInTheFileAreLeftOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, file, authority(t, "one"), &x509.Certificate{Raw: []byte("relic")}, authority(t, "two"))
	if got := names(networkFrom(t, "SSL_CERT_FILE", file).NamedRoots()); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("named roots are %q", got)
	}
}

func TestUnusableAuthoritiesNameTheirVariable(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	os.WriteFile(empty, nil, 0o600)
	huge := filepath.Join(dir, "huge.pem")
	os.WriteFile(huge, bytes.Repeat([]byte("x"), maxRootsFile+1), 0o600)
	for _, row := range []struct{ variable, value, words string }{
		{"SSL_CERT_FILE", filepath.Join(dir, "absent.pem"), "absent.pem"},
		{"SSL_CERT_FILE", dir, dir},
		{"SSL_CERT_FILE", empty, "holds no certificate"},
		{"SSL_CERT_FILE", huge, "larger than 8 MiB"},
		{"SSL_CERT_DIR", filepath.Join(dir, "absent"), "no certificate in PEM form"},
		{"SSL_CERT_DIR", t.TempDir(), "no certificate in PEM form"},
		{"SSL_CERT_DIR", empty, "empty.pem"},
	} {
		_, err := FromEnvironment(environment(row.variable, row.value))
		if err == nil || !strings.HasPrefix(err.Error(), row.variable+": ") || !strings.Contains(err.Error(), row.words) {
			t.Errorf("%s=%s: error is %v", row.variable, row.value, err)
		}
	}
}

// An absent SSL_CERT_DIR beside an SSL_CERT_FILE is how one says "only the file".
func TestAbsentDirectoryBesideAFileIsNoError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, file, authority(t, "one"))
	n := networkFrom(t, "SSL_CERT_FILE", file, "SSL_CERT_DIR", filepath.Join(t.TempDir(), "nowhere"))
	if got := names(n.NamedRoots()); !slices.Equal(got, []string{"one"}) {
		t.Errorf("named roots are %q", got)
	}
}

func TestLookupHost(t *testing.T) {
	got, err := (&Network{}).LookupHost(t.Context(), "127.0.0.1")
	if err != nil || !slices.Equal(got, []string{"127.0.0.1"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := (&Network{}).LookupHost(t.Context(), "no such host"); err == nil {
		t.Error("a name with spaces was looked up")
	}
}
