package portrait_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
)

// TestAPageOfThirtyMachinesStaysSmall is issue 6's bound of 100 kB, with every
// machine looked at and each of its ports with a certificate of its own.
func TestAPageOfThirtyMachinesStaysSmall(t *testing.T) {
	t.Parallel()
	seen := look(t, "ha")[0]
	seen.State.Machines = many(t, seen.State.Machines, 30)
	page := portrait.Of(seen, "abcdefghijklmnop", time.Time{})
	body := write(t, "deployment", "thirty", page)
	t.Logf("%d machines, %d certificates: %d bytes, %d and %d of them the pictures", len(page.Machines), len(page.Certificates), len(body), len(page.Wide), len(page.Narrow))
	if len(body) > 100_000 {
		t.Errorf("the page has %d bytes", len(body))
	}
	links(t, seen, body)
	if !strings.Contains(body, "30 more are served by one machine each") {
		t.Error("the page does not say where the certificates of machines are")
	}
	for _, m := range seen.State.Machines {
		leaf, _ := x509.ParseCertificate(m.Report.Components[0].Chain[0])
		if !strings.Contains(body, m.Name+"</text>") || !strings.Contains(body, pki.Fingerprint(leaf)[:16]+`">`+m.Host) {
			t.Errorf("%s is not on it, or its certificate is not", m.Name)
		}
	}
}

// many makes more machines of some, each with certificates of its own.
func many(t *testing.T, some []rotation.Machine, n int) []rotation.Machine {
	t.Helper()
	some = slices.DeleteFunc(slices.Clone(some), func(m rotation.Machine) bool { return m.Report == nil || len(m.Report.Components) == 0 })
	if len(some) == 0 {
		t.Fatal("no machine was looked at")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var list []rotation.Machine
	for i := range n {
		m := some[i%len(some)]
		m.Name = fmt.Sprintf("gis-worker-%02d", i)
		m.Host = m.Name + ".gis.internal.example.com"
		report := *m.Report
		report.Components = slices.Clone(report.Components)
		for j := range report.Components {
			c := &report.Components[j]
			leaf := x509.Certificate{
				SerialNumber: big.NewInt(int64(100*i + j + 1)), Subject: pkix.Name{CommonName: m.Host}, DNSNames: []string{m.Host},
				NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: time.Now().AddDate(0, 3+i%9, i+j),
			}
			der, err := x509.CreateCertificate(rand.Reader, &leaf, &leaf, &key.PublicKey, key)
			if err != nil {
				t.Fatal(err)
			}
			parsed, _ := x509.ParseCertificate(der)
			c.Chain = append([][]byte{der}, c.Chain[min(1, len(c.Chain)):]...)
			c.Entries = slices.Clone(c.Entries)
			for k, e := range c.Entries {
				if strings.EqualFold(e.Alias, c.Alias) {
					c.Entries[k] = machine.Entry{Alias: e.Alias, Subject: leaf.Subject.String(), NotAfter: leaf.NotAfter, SHA256: pki.Fingerprint(parsed)}
				}
			}
		}
		m.Report = &report
		list = append(list, m)
	}
	return list
}
