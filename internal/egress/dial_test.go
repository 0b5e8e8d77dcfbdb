package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/egress/proxytest"
)

const target = "gis.example.com:443"

// greeter is a loopback listener that sends "hello" to whoever connects.
func greeter(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "hello")
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func dialAndRead(t *testing.T, n *Network, address string) string {
	t.Helper()
	conn, err := n.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDialDirect(t *testing.T) {
	if got := dialAndRead(t, &Network{}, greeter(t)); got != "hello" {
		t.Errorf("read %q", got)
	}
}

func TestDialThroughProxyByName(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	proxy.Routes[target] = greeter(t)
	n := networkFrom(t, "HTTPS_PROXY", "http://"+proxy.Address())
	if got := dialAndRead(t, n, target); got != "hello" {
		t.Errorf("read %q", got)
	}
	if got := proxy.Asked(); !slices.Equal(got, []string{target}) {
		t.Errorf("proxy was asked for %q", got)
	}
}

func TestTheNameDecidesAboutTheProxyOfAnAddress(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	proxy.Routes["203.0.113.7:443"] = greeter(t)
	n := networkFrom(t, "HTTPS_PROXY", proxy.Address(), "NO_PROXY", "203.0.113.0/24,internal.example.com")

	conn, err := n.DialFor(t.Context(), "gis.example.com", "203.0.113.7:443")
	if err != nil {
		t.Fatalf("a proxied name whose address is in NO_PROXY: %v", err)
	}
	conn.Close()
	if got := proxy.Asked(); !slices.Equal(got, []string{"203.0.113.7:443"}) {
		t.Errorf("proxy was asked for %q", got)
	}

	conn, err = n.DialFor(t.Context(), "internal.example.com", greeter(t))
	if err != nil {
		t.Fatalf("a name in NO_PROXY: %v", err)
	}
	conn.Close()
	if got := len(proxy.Asked()); got != 1 {
		t.Errorf("proxy was asked %d times, the name in NO_PROXY included", got)
	}
}

func TestALoopbackAddressIsTheEndOfATunnel(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	n, address := networkFrom(t, "HTTPS_PROXY", proxy.Address()), greeter(t)
	conn, err := n.DialFor(t.Context(), "portal.example.com", address)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if proxy.Asked() != nil || n.ProxyForAddress("portal.example.com", address) != "" {
		t.Errorf("the proxy was asked for %q", proxy.Asked())
	}
	if got := n.ProxyForAddress("portal.example.com", "203.0.113.7:443"); got != proxy.Address() {
		t.Errorf("ProxyForAddress gives %q for another address", got)
	}
}

func TestBytesThatComeWithTheReplyAreNotLost(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	proxy.Routes[target], proxy.Early = greeter(t), "early, then "
	if got := dialAndRead(t, networkFrom(t, "HTTPS_PROXY", proxy.Address()), target); got != "early, then hello" {
		t.Errorf("read %q", got)
	}
}

func TestProxyCredentials(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	proxy.Routes[target], proxy.Credentials = greeter(t), "amy:hun:t/er2"
	n := networkFrom(t, "HTTPS_PROXY", "http://amy:hun%3At%2Fer2@"+proxy.Address())
	if got := dialAndRead(t, n, target); got != "hello" {
		t.Errorf("read %q", got)
	}

	n = networkFrom(t, "HTTPS_PROXY", "http://amy:false%20word@"+proxy.Address())
	_, err := n.DialContext(t.Context(), "tcp", target)
	wantProxyError(t, err, 407, "wants (other) credentials for the tunnel to gis.example.com:443: 407 Proxy Authentication Required")
	if strings.Contains(err.Error(), "false") || strings.Contains(err.Error(), "amy") {
		t.Errorf("error shows credentials: %v", err)
	}
}

func TestProxyTrouble(t *testing.T) {
	for _, row := range []struct {
		name     string
		set      func(*proxytest.Proxy)
		status   int
		sentence string
	}{
		{"unknown target", func(*proxytest.Proxy) {}, 502, "could not reach gis.example.com:443: 502 Bad Gateway"},
		{"forbidden", reply("HTTP/1.1 403 secret words of the proxy\r\n\r\n"), 403, "refused the tunnel to gis.example.com:443: 403 Forbidden"},
		{"status nobody knows", reply("HTTP/1.1 599 x\r\n\r\n"), 599, "refused the tunnel to gis.example.com:443: 599"},
		{"garbage", reply("220 smtp.example.com ESMTP\r\n\r\n"), 0, "its answer is not HTTP"},
		{"hang-up in the headers", reply("HTTP/1.1 200 OK\r\nX: y"), 0, "closed the connection instead of answering"},
		{"endless header", endless("\r\nX-Filler: " + strings.Repeat("x", 1000)), 0, "longer than 16 KiB"},
		{"endless status line", endless(strings.Repeat("x", 1000)), 0, "longer than 16 KiB"},
	} {
		t.Run(row.name, func(t *testing.T) {
			proxy := proxytest.Start(t, nil)
			row.set(proxy)
			_, err := networkFrom(t, "HTTPS_PROXY", proxy.Address()).DialContext(t.Context(), "tcp", target)
			failure := wantProxyError(t, err, row.status, row.sentence)
			if failure.Proxy != proxy.Address() || failure.Target != target {
				t.Errorf("error is about %q, %q", failure.Proxy, failure.Target)
			}
			if strings.Contains(err.Error(), "secret words") || strings.Contains(err.Error(), "smtp") {
				t.Errorf("error repeats what the proxy said: %v", err)
			}
			if got, want := failure.AboutTarget(), row.status == 502; got != want {
				t.Errorf("AboutTarget() = %v", got)
			}
		})
	}
}

func reply(text string) func(*proxytest.Proxy) {
	return func(p *proxytest.Proxy) { p.Reply = text }
}

func endless(text string) func(*proxytest.Proxy) {
	return func(p *proxytest.Proxy) { p.Reply, p.Endless = "HTTP/1.1 200 OK", text }
}

func wantProxyError(t *testing.T, err error, status int, sentence string) *ProxyError {
	t.Helper()
	var failure *ProxyError
	if !errors.As(err, &failure) {
		t.Fatalf("error %v is no *ProxyError", err)
	}
	if failure.Status != status || !strings.Contains(err.Error(), sentence) {
		t.Errorf("got status %d and %q, want %d and %q", failure.Status, err, status, sentence)
	}
	return failure
}

func TestSilentProxyIsLeftAtTheDeadline(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	proxy.Silent = true
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := networkFrom(t, "HTTPS_PROXY", proxy.Address()).DialContext(ctx, "tcp", target)
	wantProxyError(t, err, 0, "no answer in time")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v does not say that it was the deadline", err)
	}
}

func TestProxyThatIsNotThere(t *testing.T) {
	address := proxytest.Refusing(t).String()
	n := networkFrom(t, "HTTPS_PROXY", "http://amy:hunter2@"+address)
	_, err := n.DialContext(t.Context(), "tcp", target)
	wantProxyError(t, err, 0, "cannot be reached")

	_, err = n.HTTPClient(time.Second * 5).Get("https://gis.example.com/")
	wantProxyError(t, err, 0, "proxy "+address+": dial tcp")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error shows credentials: %v", err)
	}
}

func TestTargetTroubleIsNoProxyError(t *testing.T) {
	_, err := (&Network{}).DialContext(t.Context(), "tcp", proxytest.Refusing(t).String())
	var failure *ProxyError
	if err == nil || errors.As(err, &failure) {
		t.Errorf("got %v", err)
	}
}

func TestDialRefusesWhatIsNoAddress(t *testing.T) {
	n := networkFrom(t, "HTTPS_PROXY", "http://127.0.0.1:9")
	for _, address := range []string{"", "gis.example.com", "gis.example.com:", "gis.example.com:0", "gis.example.com:65536",
		"gis.example.com:443\r\nX: y", "a b:443", ":443", "gis.example.com\r\nProxy-Authorization: x:443"} {
		var failure *ProxyError
		if _, err := n.DialContext(t.Context(), "tcp", address); err == nil || errors.As(err, &failure) {
			t.Errorf("address %q went as far as the proxy: %v", address, err)
		}
	}
	if _, err := n.DialContext(t.Context(), "udp", target); err == nil {
		t.Error("udp was accepted")
	}
}

// tlsServer is a server whose certificate is good for example.com and 127.0.0.1.
func tlsServer(t *testing.T, http2 bool) (server *httptest.Server, caFile string) {
	t.Helper()
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that refuse the certificate are meant to
	server.StartTLS()
	t.Cleanup(server.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, caFile, server.Certificate())
	return server, caFile
}

func writePEM(t *testing.T, path string, certs ...*x509.Certificate) {
	t.Helper()
	var data []byte
	for _, cert := range certs {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestClientSpeaksHTTP2ThroughTheProxyToAServerOfANamedAuthority(t *testing.T) {
	server, caFile := tlsServer(t, true)
	proxy := proxytest.Start(t, nil)
	proxy.Routes["example.com:443"], proxy.Credentials = server.Listener.Addr().String(), "amy:hunter2"
	n := networkFrom(t, "HTTPS_PROXY", "http://amy:hunter2@"+proxy.Address(), "SSL_CERT_FILE", caFile)

	response, err := n.HTTPClient(10 * time.Second).Get("https://example.com/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "HTTP/2.0" {
		t.Errorf("spoke %s", body)
	}
}

func TestClientTrustsNobodyElse(t *testing.T) {
	server, _ := tlsServer(t, false)
	_, err := networkFrom(t).HTTPClient(10 * time.Second).Get(server.URL)
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
}

func TestClientReportsTheProxysRefusal(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	proxy.Reply = "HTTP/1.1 403 no\r\n\r\n"
	_, err := networkFrom(t, "HTTPS_PROXY", proxy.Address()).HTTPClient(10 * time.Second).Get("https://gis.example.com/x")
	wantProxyError(t, err, 403, "refused the tunnel to gis.example.com:443: 403 Forbidden")
}

func TestPlainHTTPGoesThroughItsOwnProxyOnly(t *testing.T) {
	proxy := proxytest.Start(t, nil)
	proxy.Credentials = "amy:hunter2"
	n := networkFrom(t, "HTTP_PROXY", "http://amy:hunter2@"+proxy.Address(), "HTTPS_PROXY", "http://127.0.0.1:9")
	response, err := n.HTTPClient(10 * time.Second).Get("http://aia.example.com/ca.cer")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "by proxy\n" {
		t.Errorf("got %q", body)
	}
	if got := proxy.Asked(); !slices.Equal(got, []string{"http://aia.example.com/ca.cer"}) {
		t.Errorf("proxy was asked for %q", got)
	}
}

func TestProxyThatIsSpokenToByTLS(t *testing.T) {
	server, caFile := tlsServer(t, false)
	proxy := proxytest.Start(t, func(inner net.Listener) net.Listener {
		return tls.NewListener(inner, &tls.Config{Certificates: server.TLS.Certificates})
	})
	proxy.Routes[target] = greeter(t)

	if got := dialAndRead(t, networkFrom(t, "HTTPS_PROXY", "https://"+proxy.Address(), "SSL_CERT_FILE", caFile), target); got != "hello" {
		t.Errorf("read %q", got)
	}
	_, err := networkFrom(t, "HTTPS_PROXY", "https://"+proxy.Address()).DialContext(t.Context(), "tcp", target)
	wantProxyError(t, err, 0, "TLS to the proxy itself: tls: failed to verify certificate")
}
