// Package door is how clients enter a simulated world: a forward proxy, as in
// front of any company network. CONNECT tunnels lead to the world's listeners
// byte by byte, so TLS is between the client and the world alone; plain HTTP
// is asked for in absolute form (RFC 9110 §9.3.6, RFC 9112 §3.2.2).
package door

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"syscall"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Door is an open proxy into one net of a world.
type Door struct {
	net      *ground.Net
	listener net.Listener
	server   *http.Server
	plain    *httputil.ReverseProxy

	mu      sync.Mutex
	tunnels map[net.Conn]struct{}
	closed  bool
	running sync.WaitGroup
}

// Open opens a door on address; "" is a free port of 127.0.0.1. Everything
// behind the door is reached by names of net. The door of a net in memory is
// in memory too.
func Open(world *ground.Net, address string, log *slog.Logger) (*Door, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := world.Open(address)
	if err != nil {
		return nil, fmt.Errorf("open a door on %s: %w", address, err)
	}
	d := &Door{net: world, listener: listener, tunnels: map[net.Conn]struct{}{}}
	d.plain = &httputil.ReverseProxy{
		// Nothing is added: Azure's metadata service refuses what a proxy
		// forwarded for somebody. What the client sent itself goes through.
		Rewrite: func(r *httputil.ProxyRequest) {
			if forwarded := r.In.Header["X-Forwarded-For"]; forwarded != nil {
				r.Out.Header["X-Forwarded-For"] = forwarded
			}
		},
		Transport: &http.Transport{
			Proxy:             nil,
			DialContext:       world.DialForVisitor,
			DisableKeepAlives: true,
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			http.Error(w, sentence(r.URL.Host, err), http.StatusBadGateway)
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	d.server = &http.Server{
		Handler:           d,
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	d.running.Go(func() { _ = d.server.Serve(listener) })
	return d, nil
}

// URL is what HTTPS_PROXY and HTTP_PROXY are set to.
func (d *Door) URL() string { return "http://" + d.listener.Addr().String() }

// Close shuts the door: no new connections, plain requests may end, tunnels
// are cut. It returns when all of the door's goroutines are gone.
func (d *Door) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := d.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = d.server.Close()
	}
	d.mu.Lock()
	d.closed = true
	for conn := range d.tunnels {
		_ = conn.Close()
	}
	d.mu.Unlock()
	d.running.Wait()
	return err
}

// ServeHTTP takes a request to the proxy.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		d.connect(w, r)
	case r.URL.IsAbs() && r.URL.Scheme == "http":
		d.plain.ServeHTTP(w, r)
	default:
		http.Error(w, "this is a forward proxy: ask with CONNECT host:port or with an absolute http:// address", http.StatusBadRequest)
	}
}

func (d *Door) connect(w http.ResponseWriter, r *http.Request) {
	target := r.Host
	if _, _, err := net.SplitHostPort(target); err != nil {
		http.Error(w, fmt.Sprintf("CONNECT wants host:port, not %q", target), http.StatusBadRequest)
		return
	}
	world, err := d.net.DialForVisitor(r.Context(), "tcp", target)
	if err != nil {
		http.Error(w, sentence(target, err), http.StatusBadGateway)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = world.Close()
		http.Error(w, "this connection cannot become a tunnel", http.StatusInternalServerError)
		return
	}
	if _, err := client.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		_, _ = world.Close(), client.Close()
		return
	}
	if !d.keep(client, world) {
		return
	}
	defer d.forget(client, world)
	tunnel(client, world, buffered)
}

// keep remembers a tunnel so that Close can cut and await it.
func (d *Door) keep(ends ...net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, end := range ends {
		if d.closed {
			_ = end.Close()
			continue
		}
		d.tunnels[end] = struct{}{}
	}
	if !d.closed {
		d.running.Add(1)
	}
	return !d.closed
}

func (d *Door) forget(ends ...net.Conn) {
	d.mu.Lock()
	for _, end := range ends {
		delete(d.tunnels, end)
	}
	d.mu.Unlock()
	d.running.Done()
}

// sentence says for a person why a target cannot be reached.
func sentence(target string, err error) string {
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("%s is not a name that can be reached through this door of the world", target)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refused the connection: nothing listens there now", target)
	}
	return fmt.Sprintf("%s could not be reached: %v", target, err)
}
