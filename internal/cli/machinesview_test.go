package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

var today = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// selfSigned is a certificate for a name, good for so many days from today.
func selfSigned(t *testing.T, name string, days int) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(days) + 10_000), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: today.AddDate(-1, 0, 0), NotAfter: today.AddDate(0, 0, days).Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func entryFor(alias string, c *x509.Certificate, trusted bool) machine.Entry {
	return machine.Entry{Alias: alias, Trusted: trusted, Subject: c.Subject.String(), NotAfter: c.NotAfter, SHA256: pki.Fingerprint(c)}
}

// at is a machine with one component.
func at(name string, seen machine.Seen) rotation.Machine {
	return rotation.Machine{
		Machine: reach.Machine{Name: name, Host: name + ".internal", Components: []machine.Component{seen.Component}},
		Report:  &machine.Report{Components: []machine.Seen{seen}},
	}
}

// TestWireAndConfigurationSideBySide has one machine for each thing that can be
// wrong with a machine.
func TestWireAndConfigurationSideBySide(t *testing.T) {
	t.Parallel()
	external, before := selfSigned(t, "gis.example.com", 60), selfSigned(t, "gis.example.com", -3)
	served, other := selfSigned(t, "srv.internal", 20), selfSigned(t, "srv.internal", 400)
	portal := func(change func(*machine.Seen)) machine.Seen {
		seen := machine.Seen{
			Component: machine.Component{Product: machine.Portal, Port: 7443}, Role: "primary", Alias: "portal",
			Chain: [][]byte{served.Raw}, Entries: []machine.Entry{entryFor("portal", served, false), entryFor("appgw-externaldnscercert", external, true)},
		}
		if change != nil {
			change(&seen)
		}
		return seen
	}
	for _, test := range []struct {
		what    string
		machine rotation.Machine
		want    []string
	}{
		{"all is well", at("srv", portal(nil)), []string{"Portal, primary", "7443", "20 days left, self-signed", "✓ portal", "✓ the one served"}},
		{"the certificate is of another machine", at("other", portal(nil)), []string{"srv.internal, 20 days left"}},
		{"a restart is pending", at("srv", portal(func(s *machine.Seen) { s.Alias, s.Entries = "new", append(s.Entries, entryFor("new", other, false)) })),
			[]string{"✗ new: another one, ", "400 days left"}},
		{"the active entry is gone", at("srv", portal(func(s *machine.Seen) { s.Alias = "lost" })), []string{"✗ lost, which is not in the keystore"}},
		{"nothing answers", at("srv", portal(func(s *machine.Seen) { s.Chain, s.WireTrouble = nil, "connection refused" })), []string{"no answer", "srv:7443: connection refused"}},
		{"no password was sent", at("srv", portal(func(s *machine.Seen) { s.Alias, s.Entries, s.Trouble = "", nil, "a stranger's certificate" })),
			[]string{"not read", "srv:7443: a stranger's certificate"}},
		{"the old leaf is pinned", at("srv", portal(func(s *machine.Seen) { s.Entries[1] = entryFor("AppGW-ExternalDNSCerCert", before, true) })),
			[]string{"another one, expired 3 days ago", "(until 2026-11-24)"}},
		{"DSC stopped halfway", at("srv", portal(func(s *machine.Seen) { s.Entries = append(s.Entries, entryFor("portal-temp", other, false)) })),
			[]string{"portal-temp (left over)"}},
		{"a machine is off", rotation.Machine{Machine: reach.Machine{Name: "srv", Roles: []string{"Server"}, Components: []machine.Component{{}}}, Trouble: "srv is not running"},
			[]string{"not seen", "srv: srv is not running"}},
		{"Data Store has no keystore", at("srv", machine.Seen{Component: machine.Component{Product: machine.DataStore, Port: 2443}, Chain: [][]byte{served.Raw}}),
			[]string{"Data Store", "2443", "by its tool"}},
		{"what a machine says is not believed to be text", at("srv", portal(func(s *machine.Seen) { s.Trouble = "a\x1b[2Jb" })), []string{`a\x1b[2Jb`}},
	} {
		state := rotation.State{At: today, Machines: []rotation.Machine{test.machine}, Wire: []handshake.Observation{{Target: "gis.example.com:443", Chain: []*x509.Certificate{external}}}}
		got := cli.Machines(0, state)
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in\n%s", test.what, want, got)
			}
		}
	}
}

func TestMachinesOfOneKindShareARow(t *testing.T) {
	t.Parallel()
	leaf := selfSigned(t, "srv.internal", 20)
	seen := machine.Seen{Component: machine.Component{Product: machine.Server, Port: 6443}, Alias: "a", Entries: []machine.Entry{entryFor("a", leaf, false)}}
	got := cli.Machines(0, rotation.State{At: today, Machines: []rotation.Machine{at("one", seen), at("two", seen)}})
	if !strings.Contains(got, "one, two") {
		t.Errorf("no row for both:\n%s", got)
	}
}

func TestInternalFlagsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                 "",
		"--internal issue": "",
		"--internal issue --valid-days 90 --ca-out a":        "",
		"--internal ca --ca a --ca-key b --valid-days 90":    "",
		"--internal pfx --internal-pfx a --internal-pfx b=c": "",
		"--internal magic":                                      "none of issue, ca and pfx",
		"--internal ca":                                         "say which authority",
		"--internal pfx":                                        "say which certificate",
		"--internal issue --ca a":                               "--ca belongs to --internal ca",
		"--internal ca --ca a --ca-out b":                       "--ca-out belongs to --internal issue",
		"--internal issue --ca-out-password-file a":             "belongs to --ca-out",
		"--internal pfx --internal-pfx a --valid-days 3":        "--valid-days belongs to",
		"--valid-days 3":                                        "--valid-days belongs to",
		"--internal-pfx a":                                      "belongs to --internal pfx",
		"--internal issue --valid-days -1":                      "a day at least",
		"--internal issue --internal-pfx-password-file a":       "belongs to --internal pfx",
		"--internal pfx --internal-pfx a --ca-password-file b ": "belongs to --internal ca",
	} {
		got := cli.InternalFlags(strings.Fields(args)...)
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}
