package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Transport is a new http.Transport on this Network, for the caller to adjust:
// its TLSClientConfig is its own. It speaks HTTP/2 where the server does, and
// TLS 1.2 at least. How long an answer may take is left to the request's
// context, since an ArcGIS machine thinks for minutes before it restarts.
func (n *Network) Transport() *http.Transport {
	return &http.Transport{
		Proxy: func(request *http.Request) (*url.URL, error) {
			p := n.proxyFor(request.URL.Scheme, request.URL.Hostname(), portOf(request.URL))
			if p == nil {
				return nil, nil
			}
			return p.url(), nil
		},
		DialContext:            n.dialForTransport,
		OnProxyConnectResponse: refusal,
		TLSClientConfig:        &tls.Config{RootCAs: n.Roots(), MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true, // a custom dialer switches it off otherwise
		HTTP2: &http.HTTP2Config{
			// A connection that a firewall has forgotten is noticed by a ping,
			// instead of by a request that waits for its deadline.
			SendPingTimeout: 30 * time.Second,
			PingTimeout:     15 * time.Second,
		},
		TLSHandshakeTimeout:    20 * time.Second,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// HTTPClient is a new client on this Network. The timeout is for a whole
// request, redirects and the reading of the body included; zero is none.
func (n *Network) HTTPClient(timeout time.Duration) *http.Client {
	return &http.Client{Transport: n.Transport(), Timeout: timeout}
}

// dialForTransport is asked for targets and for proxies alike, since the
// transport makes the tunnels itself.
func (n *Network) dialForTransport(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.dialDirect(ctx, network, address)
	if err != nil && n.isProxy(address) {
		return nil, &ProxyError{Proxy: address, Err: err}
	}
	return conn, err
}

func (n *Network) isProxy(address string) bool {
	return n.https != nil && n.https.address == address || n.http != nil && n.http.address == address
}

// refusal turns a proxy's answer into a *ProxyError before the transport makes
// an error of the bare status line.
func refusal(_ context.Context, proxyURL *url.URL, request *http.Request, reply *http.Response) error {
	if reply.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{Proxy: proxyURL.Host, Target: request.Host, Status: reply.StatusCode}
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return defaultPorts[u.Scheme]
}
