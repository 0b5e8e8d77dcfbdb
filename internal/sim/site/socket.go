package site

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// socket is what one process of a machine has open: TLS on some ports, under
// all names of the machine, with the certificate that leaf gives.
type socket struct {
	site      *Site
	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	server    *http.Server
}

// leafOf chooses what a handshake shows, by the name that the client asks for.
type leafOf func(name string) (*entry, error)

// open begins to listen. What was open before must have been shut.
func (s *socket) open(handler http.Handler, names []string, ports []int, leaf leafOf) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("the site is closed")
	}
	server := &http.Server{
		Handler: s.site.ground.Seen(handler), ReadHeaderTimeout: 30 * time.Second,
		ErrorLog: slog.NewLogLogger(s.site.ground.Log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ground.WithConn(ctx, conn), connKey{}, conn)
		},
	}
	s.server = server
	configuration := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Java up to 21, which ArcGIS has, knows nothing against quantum computers.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			entry, err := leaf(hello.ServerName)
			if err != nil {
				return nil, err
			}
			return s.site.pair(entry)
		},
		SessionTicketsDisabled: true, // a resumed session would show no certificate
		NextProtos:             []string{"http/1.1"},
	}
	for _, name := range names {
		for _, port := range ports {
			listening, err := s.site.ground.Inside.Listen(name, port)
			if err != nil {
				return err
			}
			s.listeners = append(s.listeners, listening)
			s.site.background.Go(func() { _ = server.Serve(tls.NewListener(listening, configuration)) })
		}
	}
	return nil
}

// shut closes the ports and cuts the connections.
func (s *socket) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, listener := range s.listeners {
		_ = listener.Close()
	}
	s.listeners = nil
	if s.server != nil {
		_ = s.server.Close()
	}
}

// close shuts for good.
func (s *socket) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.shut()
}
