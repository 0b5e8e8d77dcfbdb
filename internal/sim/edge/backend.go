package edge

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// backendGroup is a backend pool together with the HTTP settings it is reached
// with: what the gateway probes and forwards to.
type backendGroup struct {
	poolID, settingsID string
	pool, settings     string
	addresses          []string // FQDNs or IP addresses
	port               int
	tls                bool
	path               string // override, empty for none
	hostName           string // sent instead of the client's, empty for none
	pickHost           bool   // send the backend's own name
	timeout            time.Duration
	roots              *x509.CertPool // nil for the well-known CAs
	probe              *healthCheck
	next               atomic.Uint64
	transport          *http.Transport
	gateway            *Gateway
}

func (c *compiler) backendGroup(poolRef, settingsRef *reference) (*backendGroup, error) {
	pool, err := find("backendAddressPools", c.document.Properties.BackendAddressPools, poolRef)
	if err != nil {
		return nil, err
	}
	settings, err := find("backendHttpSettingsCollection", c.document.Properties.BackendHTTPSettingsCollection, settingsRef)
	if err != nil {
		return nil, err
	}
	for _, known := range c.config.backends {
		if known.pool == pool.Name && known.settings == settings.Name {
			return known, nil
		}
	}
	properties := settings.Properties
	group := &backendGroup{
		poolID: cmp.Or(pool.ID, c.document.ID+"/backendAddressPools/"+pool.Name), pool: pool.Name,
		settingsID: cmp.Or(settings.ID, c.document.ID+"/backendHttpSettingsCollection/"+settings.Name), settings: settings.Name,
		port: properties.Port, tls: strings.EqualFold(properties.Protocol, "Https"),
		path: properties.Path, hostName: properties.HostName, pickHost: properties.PickHostNameFromBackendAddress,
		gateway: c.gateway,
		// The wait is the world's, but the work is done at our pace: hence the floor.
		timeout: max(c.gateway.ground.Clock.Short(time.Duration(cmp.Or(properties.RequestTimeout, 20))*time.Second), 10*time.Second),
	}
	for _, backend := range pool.Properties.BackendAddresses {
		group.addresses = append(group.addresses, cmp.Or(backend.FQDN, backend.IPAddress))
	}
	if group.roots, err = c.trusted(properties.TrustedRootCertificates); err != nil {
		return nil, fmt.Errorf("HTTP settings %s: %w", settings.Name, err)
	}
	if group.probe, err = c.healthCheck(properties); err != nil {
		return nil, fmt.Errorf("HTTP settings %s: %w", settings.Name, err)
	}
	group.transport = group.newTransport()
	c.config.backends = append(c.config.backends, group)
	return group, nil
}

// trusted are the roots that an HTTP setting names; nil without any.
func (c *compiler) trusted(references []reference) (*x509.CertPool, error) {
	if len(references) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	for _, reference := range references {
		entry, err := find("trustedRootCertificates", c.document.Properties.TrustedRootCertificates, &reference)
		if err != nil {
			return nil, err
		}
		certificate, err := parseCER(entry.Properties.Data)
		if err != nil {
			return nil, fmt.Errorf("trusted root %s: %w", entry.Name, err)
		}
		pool.AddCert(certificate)
	}
	return pool, nil
}

// parseCER reads base64 of a CER file, which is DER or itself PEM.
func parseCER(data string) (*x509.Certificate, error) {
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	return x509.ParseCertificate(raw)
}

// unreachedError says that a backend was not reached: nothing was sent to it.
type unreachedError struct{ error }

func (e unreachedError) Unwrap() error { return e.error }

func (b *backendGroup) newTransport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := b.gateway.ground.Inside.DialContext(ctx, network, address)
			if err != nil {
				return nil, unreachedError{err}
			}
			return conn, nil
		},
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, err := b.dialTLS(ctx, address, b.nameFor(address))
			if err != nil {
				return nil, unreachedError{err}
			}
			return conn, nil
		},
		ResponseHeaderTimeout: b.timeout,
		IdleConnTimeout:       10 * time.Second,
		MaxIdleConnsPerHost:   16,
		DisableCompression:    true,
	}
}

// nameFor is the name that a backend must prove: the host name of the HTTP
// settings, else the backend's own. Source: "Backend TLS connection" in
// learn.microsoft.com/azure/application-gateway/ssl-overview
func (b *backendGroup) nameFor(address string) string {
	host, _, _ := net.SplitHostPort(address)
	return cmp.Or(b.hostName, host)
}

func (b *backendGroup) dialTLS(ctx context.Context, address, name string) (net.Conn, error) {
	raw, err := b.gateway.ground.Inside.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(raw, &tls.Config{
		ServerName: name,
		MinVersion: tls.VersionTLS12,
		// Probes are most handshakes of a world, and this is the cheapest exchange.
		CurvePreferences: []tls.CurveID{tls.CurveP256},
		// The check is ours, because a v2 gateway has its own rules.
		InsecureSkipVerify: true,
		VerifyConnection:   func(state tls.ConnectionState) error { return b.verify(state.PeerCertificates, name) },
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return secure, nil
}

func (b *backendGroup) target(address string) string {
	return net.JoinHostPort(address, strconv.Itoa(b.port))
}

func (b *backendGroup) scheme() string {
	if b.tls {
		return "https"
	}
	return "http"
}

func (c *config) closeIdle() {
	for _, backend := range c.backends {
		backend.transport.CloseIdleConnections()
	}
}
