package door_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/door"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func open(t *testing.T, world *ground.Net) *door.Door {
	t.Helper()
	d, err := door.Open(world, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func through(d *door.Door, config *tls.Config) *http.Client {
	proxy, _ := url.Parse(d.URL())
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: config}}
}

func serve(t *testing.T, world *ground.Net, host string, port int, config *tls.Config, handler http.Handler) {
	t.Helper()
	listener, err := world.Listen(host, port)
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
}

func TestConnectReachesTLSUnderItsProductionName(t *testing.T) {
	world := ground.NewNet(nil)
	ca, err := authority.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, world, "management.azure.com", 443, ca.ServerConfig(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello from ", r.Host)
	}))
	answer, err := through(open(t, world), &tls.Config{RootCAs: ca.Roots()}).Get("https://management.azure.com/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	if got, want := string(body), "hello from management.azure.com"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPlainHTTPInAbsoluteForm(t *testing.T) {
	world := ground.NewNet(nil)
	serve(t, world, "aia.example", 80, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, r.URL.Path)
	}))
	answer, err := through(open(t, world), nil).Get("http://aia.example/ca.cer")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	if got, want := string(body), "aia.example/ca.cer"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatCannotBeReachedIsSaidWithASentence(t *testing.T) {
	world := ground.NewNet(nil)
	world.Name("known.example", "192.0.2.1")
	d := open(t, world)
	for _, row := range []struct{ target, want string }{
		{"unknown.example:443", "not a name"},
		{"known.example:443", "refused"},
		{"no-port", "host:port"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", row.target, row.target)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", row.target, err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = conn.Close()
		if answer.StatusCode < 400 || !strings.Contains(string(body), row.want) {
			t.Errorf("%s: %d %q, want an error that says %q", row.target, answer.StatusCode, body, row.want)
		}
	}
	answer, err := through(d, nil).Get("http://unknown.example/")
	if err != nil || answer.StatusCode != http.StatusBadGateway {
		t.Errorf("plain request to an unknown name: %v, %v; want 502", answer, err)
	}
}

func TestAResetInTheWorldIsAResetForTheClient(t *testing.T) {
	world := ground.NewNet(nil)
	listener, err := world.Listen("cut.example", 443)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1))
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}()
	conn, err := net.Dial("tcp", strings.TrimPrefix(open(t, world).URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "CONNECT cut.example:443 HTTP/1.1\r\nHost: cut.example:443\r\n\r\n")
	reader := bufio.NewReader(conn)
	if _, err := http.ReadResponse(reader, nil); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "x")
	if _, err := reader.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read after the reset: %v, want ECONNRESET", err)
	}
}

func TestCloseCutsTunnels(t *testing.T) {
	world := ground.NewNet(nil)
	listener, err := world.Listen("quiet.example", 443)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d := open(t, world)
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "CONNECT quiet.example:443 HTTP/1.1\r\nHost: quiet.example:443\r\n\r\n")
	reader := bufio.NewReader(conn)
	if _, err := http.ReadResponse(reader, nil); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- d.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatal("Close waits for a tunnel that nobody ends")
	}
	if _, err := reader.ReadByte(); err == nil {
		t.Error("the tunnel still delivers after Close")
	}
}

func TestHugeHeadersAreRefused(t *testing.T) {
	d := open(t, ground.NewNet(nil))
	request, _ := http.NewRequest(http.MethodGet, "http://a.example/", nil)
	request.Header.Set("X-Big", strings.Repeat("x", 1<<20))
	answer, err := through(d, nil).Do(request)
	if err == nil && answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s, want 431 or a closed connection", answer.Status)
	}
}
