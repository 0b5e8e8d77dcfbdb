package handshake

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/egress/proxytest"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// expected is what a good server of the world fulfils.
func (w *world) expected() Expectation {
	return Expectation{Name: name, Now: noon, Roots: pki.MozillaRoots().With(w.root.cert)}
}

// look makes real handshakes with a loopback server.
func look(t *testing.T, config *tls.Config) []Observation {
	t.Helper()
	return (&Looker{}).Look(t.Context(), loopback(serveTLS(t, config)))
}

// codesOf are the codes with their severities, in the order of the findings.
func codesOf(findings pki.Findings) []string {
	codes := []string{}
	for _, f := range findings {
		codes = append(codes, string(f.Severity)+" "+f.Code)
	}
	return codes
}

func wantCodes(t *testing.T, findings pki.Findings, want ...string) {
	t.Helper()
	if got := codesOf(findings); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
		for _, f := range findings {
			t.Log(f.Sentence)
		}
	}
}

func TestAGoodServerHasNoFindings(t *testing.T) {
	w := newWorld(t)
	cert := w.good(name)
	e := w.expected()
	e.Leaf = cert.Leaf
	wantCodes(t, Judge(look(t, with(cert)), e))
}

func TestJudgeWhatARealServerServes(t *testing.T) {
	w := newWorld(t)
	good := w.issue(w.intermediate, leaf(name))
	expired, soon := leaf(name), leaf(name)
	expired.NotAfter = noon.AddDate(0, 0, -3)
	soon.NotAfter = noon.AddDate(0, 0, 9).Add(1)
	deep := w.issue(w.intermediate, ca("Test Second Intermediate"))
	deepLeaf := w.issue(deep, leaf(name))

	for _, row := range []struct {
		name  string
		cert  tls.Certificate
		words string
		want  []string
	}{
		{"expired", w.served(w.issue(w.intermediate, expired), w.intermediate), "expired on 2026-05-29", []string{"refusal expired"}},
		{"expires soon", w.served(w.issue(w.intermediate, soon), w.intermediate), "in 9 days", []string{"warning expires-soon"}},
		{"another name", w.good("gis.example.org"), "gis.example.org", []string{"refusal name-not-covered"}},
		{"no intermediate", w.served(good), "Test Intermediate", []string{"refusal chain-incomplete"}},
		{"a gap in the chain", w.served(deepLeaf, w.intermediate), "Test Second Intermediate", []string{"refusal chain-incomplete", "note stranger-dropped"}},
		{"out of order", w.served(deepLeaf, w.intermediate, deep), "not sent in order", []string{"warning chain-out-of-order"}},
		{"with root", w.served(good, w.intermediate, w.root), "root", []string{"note root-included"}},
		{"with a stranger", w.served(good, w.intermediate, w.issue(issuer{}, ca("Stranger"))), "Stranger", []string{"note stranger-dropped"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			seen := look(t, with(row.cert))
			findings := Judge(seen, w.expected())
			wantCodes(t, findings, row.want...)
			if want := seen[0].Target + " at 127.0.0.1: "; !strings.HasPrefix(findings[0].Sentence, want) {
				t.Errorf("sentence %q does not begin with %q", findings[0].Sentence, want)
			}
			if !strings.Contains(findings[0].Sentence, row.words) {
				t.Errorf("sentence %q does not mention %q", findings[0].Sentence, row.words)
			}
		})
	}
}

func TestAnUnknownRootUnlessItIsAssumedTrusted(t *testing.T) {
	w := newWorld(t)
	cert := w.good(name)
	cert.Certificate = append(cert.Certificate, w.root.cert.Raw)
	seen := look(t, with(cert))
	e := w.expected()
	e.Roots = nil
	wantCodes(t, Judge(seen, e), "refusal root-not-known", "note root-included")
	e.AssumeTrusted = true
	wantCodes(t, Judge(seen, e), "warning root-not-known", "note root-included")
}

func TestExactlyTheExpectedLeaf(t *testing.T) {
	w := newWorld(t)
	served, wanted := w.good(name), w.good(name)
	seen := look(t, with(served))

	e := w.expected()
	e.Leaf = wanted.Leaf
	findings := Judge(seen, e)
	wantCodes(t, findings, "refusal wrong-leaf")
	for _, part := range []string{pki.Fingerprint(served.Leaf)[:16], pki.Fingerprint(wanted.Leaf)[:16]} {
		if !strings.Contains(findings[0].Sentence, part) {
			t.Errorf("sentence %q does not mention %s", findings[0].Sentence, part)
		}
	}

	e.Leaf, e.Fingerprint = nil, pki.Fingerprint(wanted.Leaf)
	wantCodes(t, Judge(seen, e), "refusal wrong-leaf")
	e.Fingerprint = withColons(strings.ToUpper(pki.Fingerprint(served.Leaf)))
	wantCodes(t, Judge(seen, e))
}

func withColons(hex string) string {
	var pairs []string
	for pair := range slices.Chunk([]byte(hex), 2) {
		pairs = append(pairs, string(pair))
	}
	return strings.Join(pairs, ":")
}

func TestOldProtocols(t *testing.T) {
	w := newWorld(t)
	cert := w.good(name)
	for _, row := range []struct {
		most  uint16
		words string
	}{
		{tls.VersionTLS10, "nothing newer than TLS 1.0"}, {tls.VersionTLS11, "nothing newer than TLS 1.1"}, {tls.VersionTLS12, ""},
	} {
		config := with(cert)
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, row.most
		findings := Judge(look(t, config), w.expected())
		if row.words == "" {
			wantCodes(t, findings)
			continue
		}
		wantCodes(t, findings, "warning old-protocol")
		if !strings.Contains(findings[0].Sentence, row.words) {
			t.Errorf("sentence %q", findings[0].Sentence)
		}
	}
}

func TestWithoutSNI(t *testing.T) {
	w := newWorld(t)
	mine, other := w.good(name), w.good("default.example.com")
	shorter := mine
	shorter.Certificate = mine.Certificate[:1]
	for _, row := range []struct {
		name  string
		bare  *tls.Certificate
		want  []string
		words string
	}{
		{"the same", &mine, []string{}, ""},
		{"another leaf", &other, []string{"warning no-sni-differs"}, `get "CN=default.example.com"`},
		{"another chain", &shorter, []string{"warning no-sni-differs"}, "the same leaf with another chain"},
		{"nothing", nil, []string{"note no-sni-fails"}, "unrecognized name"},
	} {
		t.Run(row.name, func(t *testing.T) {
			findings := Judge(look(t, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if hello.ServerName == name {
					return &mine, nil
				}
				return row.bare, nil
			}}), w.expected())
			wantCodes(t, findings, row.want...)
			if len(findings) > 0 && !strings.Contains(findings[0].Sentence, row.words) {
				t.Errorf("sentence %q does not mention %q", findings[0].Sentence, row.words)
			}
		})
	}
}

func TestAddressesOfOneName(t *testing.T) {
	w := newWorld(t)
	old, renewed := w.good(name), w.good(name)
	proxy := proxytest.Start(t, nil)
	for address, cert := range map[string]tls.Certificate{"203.0.113.1": renewed, "203.0.113.2": renewed, "2001:db8::3": old} {
		proxy.Routes[Target{Host: address}.String()] = fmt.Sprintf("127.0.0.1:%d", serveTLS(t, with(cert)))
	}
	looker := Looker{Network: behind(t, proxy)}
	e := w.expected()
	e.Leaf = renewed.Leaf

	all := Target{Host: name, Addresses: []string{"203.0.113.1", "203.0.113.2", "2001:db8::3", "203.0.113.4"}}
	findings := Judge(looker.Look(t.Context(), all), e)
	wantCodes(t, findings, "refusal unreachable", "refusal wrong-leaf", "refusal addresses-differ")
	for i, words := range []string{
		"at 203.0.113.4 through proxy " + proxy.Address() + ": proxy " + proxy.Address() + " could not reach 203.0.113.4:443",
		"at 2001:db8::3 through",
		"serves 2 different leaves",
	} {
		if !strings.Contains(findings[i].Sentence, words) {
			t.Errorf("sentence %q does not mention %q", findings[i].Sentence, words)
		}
	}

	good := Target{Host: name, Addresses: []string{"203.0.113.1", "203.0.113.2"}}
	wantCodes(t, Judge(looker.Look(t.Context(), good), e))
}

func TestTheWorstComesFirst(t *testing.T) {
	w := newWorld(t)
	soon := leaf(name)
	soon.NotAfter = noon.AddDate(0, 0, 9)
	seen := func(ip string, cert *x509.Certificate) Observation {
		return Observation{Target: name + ":443", Address: ip + ":443", ServerName: name, Chain: []*x509.Certificate{cert, w.intermediate.cert, w.root.cert}}
	}
	wantCodes(t, Judge([]Observation{
		seen("203.0.113.1", w.issue(w.intermediate, soon).cert),
		seen("203.0.113.2", w.issue(w.intermediate, leaf(name)).cert),
	}, w.expected()), "refusal addresses-differ", "warning expires-soon", "note root-included", "note root-included")
}

func TestFailuresAreFindings(t *testing.T) {
	e := newWorld(t).expected()
	failed := func(code, address, sni string) Observation {
		return Observation{Target: name + ":443", Address: address, ServerName: sni, Failure: "it failed", FailureCode: code}
	}
	for _, code := range []string{codeInvalidTarget, codeNameNotFound, codeUnreachable, codeProxyTrouble, codeNotTLS, codeHandshakeFailed, codeInterrupted} {
		wantCodes(t, Judge([]Observation{failed(code, "203.0.113.1:443", name), failed(code, "203.0.113.1:443", "")}, e), "refusal "+code)
	}
	wantCodes(t, Judge(nil, e), "refusal nothing-observed")
	wantCodes(t, Judge([]Observation{failed("from-the-future", "", name)}, e), "refusal handshake-failed")
}

func TestNoRouteIsARefusalOnlyWhenNothingAnswers(t *testing.T) {
	w := newWorld(t)
	routeless := Observation{Target: name + ":443", Address: "[2001:db8::1]:443", ServerName: name, Failure: "no route", FailureCode: codeNoRoute}
	wantCodes(t, Judge([]Observation{routeless}, w.expected()), "refusal no-route")

	served := Observation{Target: name + ":443", Address: "203.0.113.1:443", ServerName: name, Protocol: "TLS 1.3",
		Chain: []*x509.Certificate{w.issue(w.intermediate, leaf(name)).cert, w.intermediate.cert}}
	wantCodes(t, Judge([]Observation{served, routeless}, w.expected()), "warning no-route")
}

func TestSeveralTargetsAreJudgedEachByItself(t *testing.T) {
	w := newWorld(t)
	one, two := look(t, with(w.good(name))), look(t, with(w.good(name)))
	wantCodes(t, Judge(slices.Concat(one, two), w.expected()))
}

func TestAnAddressAsHostIsJudgedWithoutSNI(t *testing.T) {
	w := newWorld(t)
	seen := (&Looker{}).Look(t.Context(), Target{Host: "127.0.0.1", Port: serveTLS(t, with(w.good(name)))})
	e := w.expected()
	e.Name = "gis.example.org"
	findings := Judge(seen, e)
	wantCodes(t, findings, "refusal name-not-covered")
	if !strings.HasPrefix(findings[0].Sentence, seen[0].Target+": ") {
		t.Errorf("sentence %q names the address twice", findings[0].Sentence)
	}
}

func TestCodesAreATable(t *testing.T) {
	seen := map[string]bool{}
	for _, code := range Codes() {
		if seen[code.Name] || code.Meaning == "" || strings.Trim(code.Name, "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("row %+v", code)
		}
		seen[code.Name] = true
		if got := finding(code.Name, "x"); got.Code != code.Name || got.Severity != code.Severity {
			t.Errorf("finding of %s is %+v", code.Name, got)
		}
	}
}
