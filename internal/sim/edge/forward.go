package edge

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
)

// maxBody bounds what passes through in one request: v2 takes 4 GB with the
// firewall off, which no test needs.
const maxBody = 64 << 20

// forward sends a request to a healthy backend and its answer back, rewriting
// what the destination's rewrite set asks for.
func (g *Gateway) forward(to *destination, prefix int, w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	passing := &exchange{original: r}
	proxy := &httputil.ReverseProxy{
		Transport: to.backend,
		ErrorLog:  slog.NewLogLogger(g.ground.Log.Handler(), slog.LevelDebug),
		Rewrite: func(p *httputil.ProxyRequest) {
			out := p.Out
			out.URL.Path, out.URL.RawPath = overridden(to.backend.path, p.In.URL.Path, prefix), ""
			out.Host = p.In.Host
			addForwarded(p)
			passing.request = out.Header
			passing.apply(to.rewrites)
		},
		ModifyResponse: func(response *http.Response) error {
			passing.response = response.Header
			passing.apply(to.rewrites)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			g.ground.Log.Debug("gateway answers for a backend", "gateway", g.name, "path", r.URL.Path, "error", err)
			status := http.StatusBadGateway
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				// v2 says 504 where v1 said 502:
				// learn.microsoft.com/azure/application-gateway/http-response-codes
				status = http.StatusGatewayTimeout
			}
			errorPage(w, status)
		},
	}
	proxy.ServeHTTP(w, r)
}

// addForwarded adds the headers that every request to a backend gets. Source:
// learn.microsoft.com/azure/application-gateway/how-application-gateway-works
func addForwarded(p *httputil.ProxyRequest) {
	scheme, port := "http", 80
	if p.In.TLS != nil {
		scheme, port = "https", 443
	}
	header := p.Out.Header
	client := p.In.RemoteAddr
	if before := p.In.Header.Get("X-Forwarded-For"); before != "" {
		client = before + ", " + client
	}
	header.Set("X-Forwarded-For", client)
	header.Set("X-Forwarded-Proto", scheme)
	header.Set("X-Forwarded-Port", strconv.Itoa(port))
	header.Set("X-Original-Host", p.In.Host)
	header.Set("X-AppGW-Trace-Id", rand.Text())
}

var errNoBackend = errors.New("no healthy backend")

// RoundTrip sends the request to a healthy server of the pool, and, if that was
// not reached at all, to the next one.
func (b *backendGroup) RoundTrip(request *http.Request) (*http.Response, error) {
	failure := errNoBackend
	for _, address := range b.healthy() {
		attempt := request.Clone(request.Context())
		attempt.URL.Scheme, attempt.URL.Host = b.scheme(), b.target(address)
		switch {
		case b.hostName != "":
			attempt.Host = b.hostName
		case b.pickHost:
			attempt.Host = address
		}
		if request.Body != nil && request.Body != http.NoBody {
			// A transport closes the body even when nothing was sent.
			attempt.Body = io.NopCloser(request.Body)
		}
		response, err := b.transport.RoundTrip(attempt)
		if err == nil {
			return response, nil
		}
		failure = err
		var unreached unreachedError
		if !errors.As(err, &unreached) || b.gateway.Options.NoRetry || errors.Is(err, context.Canceled) {
			return nil, err
		}
	}
	return nil, failure
}

// healthy lists the servers that may be asked, the next in turn first. A
// server that was not probed yet counts as healthy (guess).
func (b *backendGroup) healthy() []string {
	var usable []string
	for _, address := range b.addresses {
		if !b.gateway.health.isDown(b, address) {
			usable = append(usable, address)
		}
	}
	if len(usable) == 0 {
		return nil
	}
	turn := int(b.next.Add(1) % uint64(len(usable)))
	return append(usable[turn:len(usable):len(usable)], usable[:turn]...)
}

// probeURL is where a health check asks.
func (b *backendGroup) probeURL(check *healthCheck, address string) *url.URL {
	port := b.port
	if check.port != 0 {
		port = check.port
	}
	return &url.URL{Scheme: b.scheme(), Host: net.JoinHostPort(address, strconv.Itoa(port)), Path: check.path}
}
