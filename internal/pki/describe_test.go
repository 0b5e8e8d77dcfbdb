package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	root := newRoot(t, "root")
	leaf := newLeaf(t, root, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "gis.example.com", Organization: []string{"City\x1b[31m"}}
		c.IPAddresses = []net.IP{net.ParseIP("10.0.0.4")}
	})
	got := Describe(leaf.Certificate)
	want := Description{
		Subject:            "CN=gis.example.com,O=City\uFFFD[31m",
		Issuer:             "CN=root",
		SerialNumber:       leaf.SerialNumber.Text(16),
		NotBefore:          leaf.NotBefore.UTC(),
		NotAfter:           leaf.NotAfter.UTC(),
		Names:              []string{"gis.example.com", "maps.example.com", "10.0.0.4"},
		KeyAlgorithm:       "RSA 2048",
		SignatureAlgorithm: "ECDSA-SHA256",
		SHA256:             Fingerprint(leaf.Certificate),
		Thumbprint:         Thumbprint(leaf.Certificate),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := Describe(root.Certificate); !got.SelfSigned || got.KeyAlgorithm != "ECDSA P-256" {
		t.Errorf("root: %+v", got)
	}
	text, err := json.Marshal(Describe(nil))
	if err != nil || !strings.Contains(string(text), `"names":[]`) {
		t.Errorf("nil: %s, %v", text, err)
	}
}

// Both spellings are what other programs print; OpenSSL is asked for them.
func TestFingerprintsAreTheUsualOnes(t *testing.T) {
	openssl := tool(t, "openssl")
	certs, err := ParseCertificates(readFile(t, "root.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for option, got := range map[string]string{"-sha256": Fingerprint(certs[0]), "-sha1": Thumbprint(certs[0])} {
		output, err := exec.Command(openssl, "x509", "-in", "testdata/root.pem", "-noout", "-fingerprint", option).Output()
		if err != nil {
			t.Fatal(err)
		}
		_, printed, _ := strings.Cut(strings.TrimSpace(string(output)), "=")
		want := strings.ReplaceAll(printed, ":", "")
		if option == "-sha256" {
			want = strings.ToLower(want)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", option, got, want)
		}
	}
}

func TestDaysLeft(t *testing.T) {
	cert := &x509.Certificate{NotAfter: today}
	for before, want := range map[time.Duration]int{0: 0, time.Second: 0, day - 1: 0, day: 1, 30 * day: 30, -time.Second: -1, -day: -1, -25 * time.Hour: -2} {
		if got := DaysLeft(cert, today.Add(-before)); got != want {
			t.Errorf("%v before: %d, want %d", before, got, want)
		}
	}
}
