package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// dialTimeout bounds a connection attempt, a proxy's TLS and its answer, each
// by itself, also when the caller's context has no deadline.
const dialTimeout = 30 * time.Second

// DialContext connects to address, "host:port", through the proxy if the
// environment says so for that host. The network must be tcp, tcp4 or tcp6.
// Errors are *net.OpError for the target and *ProxyError for the proxy.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial %.80q: not of the form host:port", address)
	}
	return n.dial(ctx, network, name, address)
}

// DialFor connects to address, "ip:port", which stands for name: whether there
// is a proxy is decided by the name, because that is how the environment
// speaks of it, and what a rehearsal's proxy answers for a name must never be
// looked for at the real address. Only a loopback address is always dialled
// directly: it is the near end of somebody's tunnel, and means another
// computer at the proxy.
func (n *Network) DialFor(ctx context.Context, name, address string) (net.Conn, error) {
	return n.dial(ctx, "tcp", name, address)
}

func (n *Network) dial(ctx context.Context, network, name, address string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, fmt.Errorf("dial %s: network %.20q is not tcp", address, network)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial %.80q: not of the form host:port", address)
	}
	for _, err := range []error{CheckHost(name), CheckHost(host), checkPort(port)} {
		if err != nil {
			return nil, fmt.Errorf("dial: %w", err)
		}
	}
	if p := n.proxyForAddress(name, host, port); p != nil {
		return n.tunnel(ctx, p, address)
	}
	return n.dialDirect(ctx, network, address)
}

func (n *Network) dialDirect(ctx context.Context, network, address string) (net.Conn, error) {
	if n.dialer != nil {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return n.dialer(ctx, network, address)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(ctx, network, address)
}

// dialProxy connects to the proxy itself, by TLS if it is an https one.
func (n *Network) dialProxy(ctx context.Context, p *proxy) (net.Conn, error) {
	conn, err := n.dialDirect(ctx, "tcp", p.address)
	if err != nil {
		return nil, fmt.Errorf("cannot be reached: %w", err)
	}
	if p.scheme != "https" {
		return conn, nil
	}
	host, _, _ := net.SplitHostPort(p.address)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	secured := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: n.roots, MinVersion: tls.VersionTLS12})
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS to the proxy itself: %w", err)
	}
	return secured, nil
}
