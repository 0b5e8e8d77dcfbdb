package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// endpointKey is one address and port of the gateway, in one of the two nets.
type endpointKey struct {
	inside  bool
	address string
	port    int
	tls     bool
}

// endpoint is an open port. What is served there is decided per connection and
// request from the configuration of the instance that took it.
type endpoint struct {
	key      endpointKey
	listener net.Listener
	server   *http.Server
}

// instanceConn is a connection with the instance that took it: the balancer in
// front of a gateway gives every connection to one instance.
type instanceConn struct {
	net.Conn
	instance *instance
}

type instanceKey struct{}

// openEndpoints listens where the configuration wants it and nobody listens
// yet; nothing is accepted there before serve.
func (g *Gateway) openEndpoints(next *config) ([]*endpoint, error) {
	var opened []*endpoint
	for _, listener := range next.listeners {
		key := listener.endpoint
		if _, open := g.endpoints[key]; open {
			continue
		}
		cabling := g.ground.Outside
		if key.inside {
			cabling = g.ground.Inside
		}
		listening, err := cabling.Listen(key.address, key.port)
		if err != nil {
			for _, endpoint := range opened {
				_ = endpoint.listener.Close()
				delete(g.endpoints, endpoint.key)
			}
			return nil, err
		}
		opened = append(opened, g.newEndpoint(key, listening))
		g.endpoints[key] = opened[len(opened)-1]
	}
	return opened, nil
}

func (g *Gateway) newEndpoint(key endpointKey, listening net.Listener) *endpoint {
	return &endpoint{
		key:      key,
		listener: listening,
		server: &http.Server{
			Handler:           g.ground.Seen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.handle(key, w, r) })),
			ReadHeaderTimeout: 30 * time.Second,
			ErrorLog:          slog.NewLogLogger(g.ground.Log.Handler(), slog.LevelDebug),
			ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
				if secure, ok := conn.(*tls.Conn); ok {
					conn = secure.NetConn()
				}
				taken := conn.(*instanceConn)
				return context.WithValue(ground.WithConn(ctx, taken.Conn), instanceKey{}, taken.instance)
			},
		},
	}
}

func (g *Gateway) serve(endpoint *endpoint) {
	var listening net.Listener = &instanceListener{Listener: endpoint.listener, gateway: g}
	if endpoint.key.tls {
		listening = tls.NewListener(listening, &tls.Config{
			MinVersion: tls.VersionTLS12,
			GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				return g.tlsConfig(endpoint.key, hello)
			},
		})
	}
	g.background.Go(func() {
		if err := endpoint.server.Serve(listening); !errors.Is(err, http.ErrServerClosed) {
			g.ground.Log.Warn("gateway stopped serving", "gateway", g.name, "port", endpoint.key.port, "error", err)
		}
	})
}

// closeEndpointsExcept stops listening where the configuration no longer wants
// it; requests that run there are finished.
func (g *Gateway) closeEndpointsExcept(next *config) {
	for key, endpoint := range g.endpoints {
		if len(next.at(key)) > 0 {
			continue
		}
		delete(g.endpoints, key)
		g.background.Go(func() {
			_ = endpoint.server.Shutdown(g.ctx)
			_ = endpoint.server.Close()
		})
	}
}

type instanceListener struct {
	net.Listener
	gateway *Gateway
}

func (l *instanceListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	number := l.gateway.next.Add(1) % uint64(len(l.gateway.instances))
	return &instanceConn{Conn: conn, instance: l.gateway.instances[number]}, nil
}

// tlsConfig answers a ClientHello with the certificate that the instance has
// for the name asked for.
func (g *Gateway) tlsConfig(key endpointKey, hello *tls.ClientHelloInfo) (*tls.Config, error) {
	conn := hello.Conn.(*instanceConn)
	if g.takeFault("edge-reset") {
		reset(conn.Conn)
		return nil, errors.New("reset on purpose")
	}
	chosen := forTLS(conn.instance.config.Load().at(key), hello.ServerName)
	if chosen == nil {
		return nil, fmt.Errorf("no listener at %s:%d", key.address, key.port)
	}
	return &tls.Config{
		MinVersion:       tls.VersionTLS12,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}, // none against quantum computers: it costs more than the rest
		Certificates:     []tls.Certificate{*chosen.certificate},
		NextProtos:       []string{"http/1.1"},
		// guess: whether a resumed session may outlive a new certificate is
		// not documented; without tickets every handshake shows the leaf.
		SessionTicketsDisabled: true,
	}, nil
}

func (c *config) at(key endpointKey) []*listener {
	var found []*listener
	for _, listener := range c.listeners {
		if listener.endpoint == key {
			found = append(found, listener)
		}
	}
	return found
}

// forTLS chooses the listener whose certificate is shown: by name, else the
// basic listener, else the first in the order of the rules. Source:
// learn.microsoft.com/azure/application-gateway/ssl-overview (v2 column).
func forTLS(listeners []*listener, serverName string) *listener {
	if serverName != "" {
		if found := forHost(listeners, serverName); found != nil {
			return found
		}
	}
	for _, listener := range listeners {
		if len(listener.hosts) == 0 {
			return listener
		}
	}
	if len(listeners) == 0 {
		return nil
	}
	return listeners[0]
}

// forHost chooses the first listener, in the order of the rules, that takes
// requests for a host. A multi-site listener may use * and ?.
func forHost(listeners []*listener, host string) *listener {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, listener := range listeners {
		if len(listener.hosts) == 0 {
			return listener
		}
		for _, pattern := range listener.hosts {
			if matched, err := path.Match(pattern, host); err == nil && matched {
				return listener
			}
		}
	}
	return nil
}

func (g *Gateway) handle(key endpointKey, w http.ResponseWriter, r *http.Request) {
	config := r.Context().Value(instanceKey{}).(*instance).config.Load()
	w.Header().Set("Server", serverHeader)
	chosen := forHost(config.at(key), r.Host)
	if chosen == nil {
		// guess: the answer to a host that no listener takes is not documented.
		errorPage(w, http.StatusNotFound)
		return
	}
	to, prefix := chosen.route(r.URL.Path)
	if to.redirect != nil {
		to.redirect.answer(w, r)
		return
	}
	g.forward(to, prefix, w, r)
}
