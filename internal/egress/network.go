package egress

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Network is a way out. The zero Network knows no proxy and only the
// authorities of the operating system. It is safe for concurrent use.
type Network struct {
	// http and https are the proxies for URLs of the two schemes, nil when
	// there is none. Go's rule holds: HTTP_PROXY is not used for https.
	http, https *proxy
	// proxied applies NO_PROXY; nil when there is no proxy at all.
	proxied func(*url.URL) (*url.URL, error)
	// roots is the system's pool and the named authorities; nil for the former alone.
	roots *x509.CertPool
	named []*x509.Certificate
	// dialer makes the connections of the operating system; nil is net.Dialer.
	dialer Dialer
}

// Dialer connects to an address, "host:port", by itself.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// WithDialer is the same Network with another way to connect, to a proxy as to
// what is reached directly. It is for networks that are no sockets.
func (n *Network) WithDialer(dialer Dialer) *Network {
	other := *n
	other.dialer = dialer
	return &other
}

// FromEnvironment makes the Network that the environment asks for; lookup is
// os.Getenv outside tests. An error names the variable that is wrong and never
// shows its content, which may hold a password.
//
// On Unix, Go lets SSL_CERT_FILE and SSL_CERT_DIR of the process replace the
// files of the operating system (crypto/x509, root_unix.go); that is left so,
// as other programs on the computer do the same.
func FromEnvironment(lookup func(string) string) (*Network, error) {
	n := &Network{}
	var err error
	if n.https, err = proxyFrom(lookup, "https_proxy"); err != nil {
		return nil, err
	}
	if n.http, err = proxyFrom(lookup, "http_proxy"); err != nil {
		return nil, err
	}
	_, noProxy := eitherCase(lookup, "no_proxy")
	n.proxied = (&httpproxy.Config{
		HTTPSProxy: n.https.String(),
		HTTPProxy:  n.http.String(),
		NoProxy:    noProxy,
	}).ProxyFunc()

	if n.named, err = namedRoots(lookup); err != nil {
		return nil, err
	}
	if n.roots, err = x509.SystemCertPool(); err != nil {
		return nil, fmt.Errorf("read the authorities of this computer: %w", err)
	}
	for _, cert := range n.named {
		n.roots.AddCert(cert)
	}
	return n, nil
}

// Roots is a new pool of every authority that a connection may rely on: those
// of the operating system and those that the environment names. It is nil, as
// crypto/tls wants it for "the system's own", when nothing was read.
func (n *Network) Roots() *x509.CertPool {
	if n.roots == nil {
		return nil
	}
	return n.roots.Clone()
}

// NamedRoots are the authorities that SSL_CERT_FILE and SSL_CERT_DIR name, each
// once, in the order in which they were read.
func (n *Network) NamedRoots() []*x509.Certificate {
	return slices.Clone(n.named)
}

// ProxyFor gives the host:port of the proxy through which TLS connections to
// host ("name", "name:port", "[v6]:port"; port 443 when there is none) are
// made, empty when they are direct. Credentials are not part of it.
func (n *Network) ProxyFor(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "443"
	}
	return n.proxyFor("https", name, port).hostPort()
}

// ProxyForAddress gives the host:port of the proxy that [Network.DialFor] uses
// for address, "ip:port", on behalf of name; empty when it uses none.
func (n *Network) ProxyForAddress(name, address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return n.proxyForAddress(name, host, port).hostPort()
}

func (n *Network) proxyForAddress(name, host, port string) *proxy {
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return nil
	}
	return n.proxyFor("https", name, port)
}

// proxyFor is the proxy for a URL of this scheme, nil for a direct connection.
func (n *Network) proxyFor(scheme, host, port string) *proxy {
	if n.proxied == nil {
		return nil
	}
	// The error is for CGI programs only.
	chosen, _ := n.proxied(&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)})
	switch {
	case chosen == nil:
		return nil
	case scheme == "http":
		return n.http
	default:
		return n.https
	}
}

// LookupHost resolves host on this computer, IPv4 first, then IPv6, each in
// ascending order, so that two runs read alike. An address resolves to itself.
// The error is a *net.DNSError when the name is not known.
func (n *Network) LookupHost(ctx context.Context, host string) ([]string, error) {
	if err := CheckHost(host); err != nil {
		return nil, err
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	slices.SortFunc(found, netip.Addr.Compare)
	var addresses []string
	for _, address := range slices.Compact(found) {
		addresses = append(addresses, address.String())
	}
	return addresses, nil
}
