package handshake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/egress/proxytest"
)

func TestLookRecordsWhatIsServed(t *testing.T) {
	w := newWorld(t)
	cert := w.good(name)
	port := serveTLS(t, with(cert))
	clock := noon
	looker := Looker{Now: func() time.Time { return clock }}

	seen := looker.Look(t.Context(), loopback(port))
	if len(seen) != 2 {
		t.Fatalf("%d observations, want one with SNI and one without", len(seen))
	}
	for i, sni := range []string{name, ""} {
		o := seen[i]
		if o.Failure != "" {
			t.Fatalf("observation %d failed: %s", i, o.Failure)
		}
		if o.ServerName != sni || o.Target != fmt.Sprintf("%s:%d", name, port) ||
			o.Address != fmt.Sprintf("127.0.0.1:%d", port) || o.Proxy != "" {
			t.Errorf("observation %d is of %q at %q with SNI %q by %q", i, o.Target, o.Address, o.ServerName, o.Proxy)
		}
		if o.Protocol != "TLS 1.3" || !strings.HasPrefix(o.CipherSuite, "TLS_AES") && !strings.HasPrefix(o.CipherSuite, "TLS_CHACHA") {
			t.Errorf("protocol %q, cipher suite %q", o.Protocol, o.CipherSuite)
		}
		if !o.At.Equal(noon) {
			t.Errorf("seen at %s", o.At)
		}
		if got := sentBytes(o); !slices.EqualFunc(got, cert.Certificate, slices.Equal) {
			t.Errorf("the chain is not the one that was sent")
		}
	}
}

func sentBytes(o Observation) (sent [][]byte) {
	for _, cert := range o.Chain {
		sent = append(sent, cert.Raw)
	}
	return sent
}

func TestLookSendsTheName(t *testing.T) {
	w := newWorld(t)
	mine, other := w.good(name), w.good("default.example.com")
	port := serveTLS(t, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == name {
			return &mine, nil
		}
		return &other, nil
	}})
	seen := (&Looker{}).Look(t.Context(), loopback(port))
	if !seen[0].Leaf().Equal(mine.Leaf) || !seen[1].Leaf().Equal(other.Leaf) {
		t.Errorf("with SNI %s, without %s", seen[0].Leaf().Subject, seen[1].Leaf().Subject)
	}
}

func TestAnAddressAsHostSendsNoName(t *testing.T) {
	port := serveTLS(t, with(newWorld(t).good(name)))
	seen := (&Looker{}).Look(t.Context(), Target{Host: "127.0.0.1", Port: port})
	if len(seen) != 1 || seen[0].ServerName != "" || seen[0].Failure != "" {
		t.Errorf("got %+v", seen)
	}
}

func TestOldServersAreSeen(t *testing.T) {
	cert := newWorld(t).good(name)
	for _, row := range []struct {
		version  uint16
		suite    uint16
		protocol string
	}{
		{tls.VersionTLS10, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "TLS 1.0"},
		{tls.VersionTLS11, tls.TLS_RSA_WITH_AES_256_CBC_SHA, "TLS 1.1"},
		{tls.VersionTLS12, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, "TLS 1.2"},
	} {
		config := with(cert)
		config.MinVersion, config.MaxVersion, config.CipherSuites = row.version, row.version, []uint16{row.suite}
		for _, o := range (&Looker{}).Look(t.Context(), loopback(serveTLS(t, config))) {
			if o.Failure != "" || o.Protocol != row.protocol || o.CipherSuite != tls.CipherSuiteName(row.suite) {
				t.Errorf("%s: got %q, %q, failure %q", row.protocol, o.Protocol, o.CipherSuite, o.Failure)
			}
		}
	}
}

func TestFailuresInWords(t *testing.T) {
	w := newWorld(t)
	hasty := Looker{Timeout: 100 * time.Millisecond}
	patient := Looker{Timeout: 20 * time.Second}
	for _, row := range []struct {
		name   string
		looker Looker
		port   int
		code   string
		words  string
	}{
		{"plain HTTP", patient, serve(t, func(c net.Conn) { c.Read(make([]byte, 999)); io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }),
			codeNotTLS, "speaks plain HTTP, not TLS"},
		{"SSH", patient, serve(t, func(c net.Conn) { io.WriteString(c, "SSH-2.0-x\r\n"); c.Read(make([]byte, 999)) }),
			codeNotTLS, "speaks SSH, not TLS"},
		{"noise", patient, serve(t, func(c net.Conn) { io.WriteString(c, "\x00\x01\x02\x03\x04\x05"); c.Read(make([]byte, 999)) }),
			codeNotTLS, "does not speak TLS"},
		{"silence", hasty, serve(t, func(c net.Conn) { io.Copy(io.Discard, c) }),
			codeHandshakeFailed, "connected, but the handshake did not end within 100ms"},
		{"reset", patient, serve(t, func(c net.Conn) { c.Read(make([]byte, 1)); c.(*net.TCPConn).SetLinger(0) }),
			codeHandshakeFailed, "reset during the handshake"},
		{"hang-up", patient, serve(t, func(c net.Conn) { c.Read(make([]byte, 9999)) }),
			codeHandshakeFailed, "closed the connection during the handshake"},
		{"alert", patient, serveTLS(t, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}),
			codeHandshakeFailed, "the alert \"unrecognized name\""},
		{"refused", patient, proxytest.Refusing(t).Port, codeUnreachable, "the connection was refused"},
		{"certificate, then a refusal", patient, serveTLS(t, &tls.Config{
			Certificates: []tls.Certificate{w.good(name)}, MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert}),
			codeHandshakeFailed, "alert"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, o := range row.looker.Look(t.Context(), loopback(row.port)) {
				if o.FailureCode != row.code || !strings.Contains(o.Failure, row.words) {
					t.Errorf("got %q, %q, want %q, %q", o.FailureCode, o.Failure, row.code, row.words)
				}
			}
		})
	}
}

func TestACertificateThatWasSentIsKeptWhenTheHandshakeFails(t *testing.T) {
	w := newWorld(t)
	cert := w.good(name)
	stranger := w.good("other.example.com")
	// The server proves the possession of another key than the certificate's.
	cert.PrivateKey, cert.Leaf = stranger.PrivateKey, nil
	config := with(cert)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config.MaxVersion = version
		config.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		o := (&Looker{}).Look(t.Context(), loopback(serveTLS(t, config)))[0]
		if o.FailureCode != codeHandshakeFailed || len(o.Chain) != 2 || o.Protocol != tls.VersionName(version) {
			t.Errorf("%s: %d certificates, %q, failure %q", tls.VersionName(version), len(o.Chain), o.Protocol, o.Failure)
		}
	}
}

func TestLookThroughAProxyByNameWithoutAskingDNS(t *testing.T) {
	w := newWorld(t)
	proxy := proxytest.Start(t, nil)
	proxy.Routes[name+":443"] = fmt.Sprintf("127.0.0.1:%d", serveTLS(t, with(w.good(name))))
	looker := Looker{Network: behind(t, proxy)}

	for _, o := range looker.Look(t.Context(), Target{Host: name}) {
		if o.Failure != "" || o.Address != "" || o.Proxy != proxy.Address() || len(o.Chain) != 2 {
			t.Errorf("got address %q by %q, failure %q", o.Address, o.Proxy, o.Failure)
		}
	}
}

func behind(t *testing.T, proxy *proxytest.Proxy, more ...string) *egress.Network {
	t.Helper()
	env := map[string]string{"HTTPS_PROXY": "http://amy:hunter2@" + proxy.Address()}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	network, err := egress.FromEnvironment(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	return network
}

func TestLookAtGivenAddressesThroughAProxyInTheirOrder(t *testing.T) {
	w := newWorld(t)
	old, renewed := w.good(name), w.good(name)
	proxy := proxytest.Start(t, nil)
	proxy.Routes["203.0.113.2:443"] = fmt.Sprintf("127.0.0.1:%d", serveTLS(t, with(renewed)))
	proxy.Routes["203.0.113.1:443"] = fmt.Sprintf("127.0.0.1:%d", serveTLS(t, with(old)))
	target := Target{Host: name, Addresses: []string{"203.0.113.2", "203.0.113.1", "203.0.113.2", "2001:db8::9"}}

	seen := (&Looker{Network: behind(t, proxy)}).Look(t.Context(), target)
	var got []string
	for _, o := range seen {
		got = append(got, fmt.Sprintf("%s %q %s", o.Address, o.ServerName, o.FailureCode))
	}
	want := []string{
		`203.0.113.2:443 "gis.example.com" `, `203.0.113.2:443 "" `,
		`203.0.113.1:443 "gis.example.com" `, `203.0.113.1:443 "" `,
		`[2001:db8::9]:443 "gis.example.com" unreachable`, `[2001:db8::9]:443 "" unreachable`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !seen[0].Leaf().Equal(renewed.Leaf) || !seen[2].Leaf().Equal(old.Leaf) {
		t.Error("the leaves are not those of their addresses")
	}
}

func TestNoProxyLeadsPastTheProxy(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	port := serveTLS(t, with(newWorld(t).good(name)))
	for _, row := range []struct{ noProxy, host string }{
		{"localhost.example.com", "localhost"}, // loopback is never proxied
		{".example.com", name},
	} {
		target := loopback(port)
		target.Host = row.host
		for _, o := range (&Looker{Network: behind(t, proxy, "NO_PROXY", row.noProxy)}).Look(t.Context(), target) {
			if o.Failure != "" || o.Proxy != "" {
				t.Errorf("%s: failure %q, proxy %q", row.host, o.Failure, o.Proxy)
			}
		}
	}
	if asked := proxy.Asked(); asked != nil {
		t.Errorf("proxy was asked for %q", asked)
	}
}

func TestProxyFailuresInWords(t *testing.T) {
	for _, row := range []struct {
		name  string
		set   func(*proxytest.Proxy)
		code  string
		words string
	}{
		{"credentials", func(p *proxytest.Proxy) { p.Credentials = "amy:other" }, codeProxyTrouble, "wants (other) credentials"},
		{"unknown there", func(*proxytest.Proxy) {}, codeUnreachable, "could not reach gis.example.com:443: 502 Bad Gateway"},
		{"garbage", func(p *proxytest.Proxy) { p.Reply = "what?\r\n\r\n" }, codeProxyTrouble, "its answer is not HTTP"},
		{"endless header", func(p *proxytest.Proxy) { p.Reply, p.Endless = "HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 999) },
			codeProxyTrouble, "longer than 16 KiB"},
		{"silence", func(p *proxytest.Proxy) { p.Silent = true }, codeProxyTrouble, "no answer in time"},
	} {
		t.Run(row.name, func(t *testing.T) {
			proxy := proxytest.Start(t, nil)
			row.set(proxy)
			looker := Looker{Network: behind(t, proxy), Timeout: 20 * time.Second}
			if proxy.Silent {
				looker.Timeout = 100 * time.Millisecond
			}
			for _, o := range looker.Look(t.Context(), Target{Host: name}) {
				if o.FailureCode != row.code || !strings.Contains(o.Failure, row.words) {
					t.Errorf("got %q, %q, want %q, %q", o.FailureCode, o.Failure, row.code, row.words)
				}
				if strings.Contains(o.Failure, "hunter2") {
					t.Errorf("failure shows credentials: %q", o.Failure)
				}
			}
		})
	}
}

func TestLookAtEveryAddressThatANameResolvesTo(t *testing.T) {
	port := serveTLS(t, with(newWorld(t).good(name)))
	seen := (&Looker{}).Look(t.Context(), Target{Host: "localhost", Port: port})
	// ::1 may be there as well, and nothing listens at it.
	i := slices.IndexFunc(seen, func(o Observation) bool { return o.Address == fmt.Sprintf("127.0.0.1:%d", port) })
	if i < 0 || seen[i].Failure != "" || seen[i].ServerName != "localhost" {
		t.Errorf("got %+v", seen)
	}
}

func TestLookupFailuresInWords(t *testing.T) {
	for _, row := range []struct {
		err         error
		code, words string
	}{
		{&net.DNSError{Err: "no such host", Name: name, IsNotFound: true}, codeNameNotFound, "is not known to DNS here"},
		{&net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}, codeNameNotFound, "could not be looked up"},
		{context.DeadlineExceeded, codeNameNotFound, "could not be looked up"},
		{errors.New("not an address"), codeInvalidTarget, "not an address"},
	} {
		if code, words := lookupFailure(t.Context(), name, row.err); code != row.code || !strings.Contains(words, row.words) {
			t.Errorf("%v: got %q, %q", row.err, code, words)
		}
	}
}

func TestInvalidTargetsGoNowhere(t *testing.T) {
	for _, target := range []Target{
		{}, {Host: "gis example.com"}, {Host: "gis\r\n"}, {Host: strings.Repeat("a", 300)}, {Host: name, Port: -1},
		{Host: name, Port: 70000}, {Host: name, Addresses: []string{"not-an-address"}}, {Host: name, Addresses: []string{"fe80::1%eth0"}},
	} {
		seen := (&Looker{}).Look(t.Context(), target)
		if len(seen) != 1 || seen[0].FailureCode != codeInvalidTarget || seen[0].Failure == "" {
			t.Errorf("%+v: %+v", target, seen)
		}
	}
}

func TestAnInterruptedLookSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	port := serve(t, func(c net.Conn) { c.Read(make([]byte, 1)); cancel(); io.Copy(io.Discard, c) })
	for _, o := range (&Looker{}).Look(ctx, loopback(port)) {
		if o.FailureCode != codeInterrupted {
			t.Errorf("got %q, %q", o.FailureCode, o.Failure)
		}
	}
}

func TestManyAddressesAreBounded(t *testing.T) {
	target := Target{Host: name, Port: proxytest.Refusing(t).Port}
	for i := range 40 {
		address := netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)})
		target.Addresses = append(target.Addresses, address.String())
	}
	seen := (&Looker{Timeout: 5 * time.Second}).Look(t.Context(), target)
	last := seen[len(seen)-1]
	if len(seen) != 2*maxAddresses+1 || last.FailureCode != codeNotLookedAt || !strings.HasPrefix(last.Failure, "8 more addresses") {
		t.Errorf("%d observations, the last %q", len(seen), last.Failure)
	}
}

// At most maxAtOnce handshakes are under way, and that many are.
func TestHandshakesAreMadeSideBySide(t *testing.T) {
	var now, most atomic.Int32
	var once sync.Once
	all := make(chan struct{})
	port := serve(t, func(c net.Conn) {
		running := now.Add(1)
		defer now.Add(-1)
		for seen := most.Load(); running > seen && !most.CompareAndSwap(seen, running); seen = most.Load() {
		}
		if running == maxAtOnce {
			once.Do(func() { close(all) })
		}
		select {
		case <-all:
			time.Sleep(20 * time.Millisecond) // time for one too many to come
		case <-time.After(10 * time.Second):
		}
	})
	proxy := proxytest.Start(t, nil)
	target := Target{Host: name}
	for i := range maxAtOnce { // two handshakes with each
		target.Addresses = append(target.Addresses, fmt.Sprintf("203.0.113.%d", i))
		proxy.Routes[target.Addresses[i]+":443"] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	(&Looker{Network: behind(t, proxy), Timeout: 20 * time.Second}).Look(t.Context(), target)
	if got := most.Load(); got != maxAtOnce {
		t.Errorf("%d handshakes at once, want %d", got, maxAtOnce)
	}
}

func BenchmarkLook(b *testing.B) {
	target := loopback(serveTLS(b, with(newWorld(b).good(name))))
	looker := Looker{}
	for b.Loop() {
		for _, o := range looker.Look(b.Context(), target) {
			if o.Failure != "" {
				b.Fatal(o.Failure)
			}
		}
	}
}
