package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// policy is the Content-Security-Policy of every page: everything from here,
// nothing inline, nothing framed, forms to here.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// setHeaders sets what every answer has. A handler that needs another one (a
// stylesheet that may be kept, a page with a style of its own) sets it itself.
func setHeaders(h http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy":      policy,
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "same-origin", // with no-referrer the Origin of our own forms would be null
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"Cache-Control":                "no-store",
	} {
		h.Set(name, value)
	}
}

// Listen listens on the loopback addresses, on one port of both: whoever asks
// for a name under localhost may try either, and must not find somebody else.
// Port 0 is a free one.
func Listen(ctx context.Context, port int) ([]net.Listener, error) {
	const attempts = 16 // a port that is free on one may be taken on the other
	for attempt := 1; ; attempt++ {
		listeners, err := listenBoth(ctx, port)
		if err == nil || port != 0 || attempt == attempts {
			return listeners, err
		}
	}
}

func listenBoth(ctx context.Context, port int) ([]net.Listener, error) {
	var config net.ListenConfig
	first, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, listenError(port, err)
	}
	port = first.Addr().(*net.TCPAddr).Port
	second, err := config.Listen(ctx, "tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	switch {
	case err == nil:
		return []net.Listener{owned{first}, owned{second}}, nil
	case inUse(err):
		_ = first.Close()
		return nil, listenError(port, err)
	}
	return []net.Listener{owned{first}}, nil // no IPv6: then nobody listens there
}

// owned accepts connections of this computer's user, and hangs up on others.
type owned struct{ net.Listener }

// Accept waits for the next connection that may come in.
func (l owned) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || ownerAllowed(conn) {
			return conn, err
		}
		_ = conn.Close()
	}
}

// wsaInUse and wsaAccess are EADDRINUSE and EACCES as Windows tells them; the
// latter when somebody has the port for themselves.
const wsaInUse, wsaAccess = syscall.Errno(10048), syscall.Errno(10013)

func inUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaInUse) || errors.Is(err, wsaAccess)
}

func listenError(port int, err error) error {
	if inUse(err) {
		return fmt.Errorf("another program listens on port %d of this computer", port)
	}
	return fmt.Errorf("listen on port %d of this computer: %w", port, err)
}

// Server serves pages through the door. Its timeouts spare streams; these end
// when it is shut down.
func (d *Door) Server(pages http.Handler) *http.Server {
	server := &http.Server{
		Handler:           d.Guard(pages),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // it would quote what strangers send
	}
	server.RegisterOnShutdown(d.endStreams)
	return server
}
