package handshake

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/egress"
)

const (
	defaultTimeout = 10 * time.Second
	maxAtOnce      = 8
	maxAddresses   = 32
)

// Looker makes handshakes. The zero Looker goes out directly.
type Looker struct {
	// Network is the way out; nil is a direct one.
	Network *egress.Network
	// Timeout is for one handshake, from the dialling on; 10 s when zero.
	Timeout time.Duration
	// Now is the clock of the record; time.Now when nil.
	Now func() time.Time
}

// Look makes two handshakes with every address of the target, one with SNI and
// one without, side by side. The result has an observation for each, by
// address in the order given (or IPv4 before IPv6 when resolved), with SNI
// before without; failures are observations too, so it is never empty.
//
// Everything that Go's TLS knows is offered, TLS 1.0 and RSA key exchange
// included, because an old server is to be seen, not refused. What Go does not
// know (SSL 3, DHE key exchange, keys that it cannot parse) is recorded as a
// failed handshake.
func (l *Looker) Look(ctx context.Context, target Target) []Observation {
	if err := target.check(); err != nil {
		return []Observation{l.failed(target, codeInvalidTarget, err.Error())}
	}
	addresses, err := l.addresses(ctx, target)
	if err != nil {
		code, words := lookupFailure(ctx, target.Host, err)
		return []Observation{l.failed(target, code, words)}
	}
	left := max(0, len(addresses)-maxAddresses)
	addresses = addresses[:len(addresses)-left]

	var planned []Observation
	for _, address := range addresses {
		o := Observation{Target: target.String(), Address: address, Proxy: l.proxy(target, address)}
		if !target.isAddress() {
			withSNI := o
			withSNI.ServerName = target.Host
			planned = append(planned, withSNI)
		}
		planned = append(planned, o)
	}
	var group errgroup.Group
	group.SetLimit(maxAtOnce)
	for i := range planned {
		group.Go(func() error {
			l.shake(ctx, target.Host, &planned[i])
			return nil
		})
	}
	group.Wait()
	if left > 0 {
		words := fmt.Sprintf("%d more addresses were not looked at, only the first %d were", left, maxAddresses)
		planned = append(planned, l.failed(target, codeNotLookedAt, words))
	}
	return planned
}

// addresses are the ip:port to dial, one empty string when a proxy resolves the name.
func (l *Looker) addresses(ctx context.Context, target Target) ([]string, error) {
	hosts := target.Addresses
	switch {
	case len(hosts) > 0:
	case target.isAddress():
		hosts = []string{target.Host}
	case l.network().ProxyFor(target.String()) != "":
		return []string{""}, nil
	default:
		ctx, cancel := context.WithTimeout(ctx, l.timeout())
		defer cancel()
		var err error
		if hosts, err = l.network().LookupHost(ctx, target.Host); err != nil {
			return nil, err
		}
	}
	var addresses []string
	for _, host := range hosts {
		ip, err := netip.ParseAddr(host)
		if err != nil || ip.Zone() != "" {
			return nil, fmt.Errorf("%.60q is not an IP address", host)
		}
		address := net.JoinHostPort(ip.Unmap().String(), strconv.Itoa(target.port()))
		if !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	return addresses, nil
}

// shake makes the handshake that o describes and writes into o what happened.
func (l *Looker) shake(ctx context.Context, host string, o *Observation) {
	o.At = l.now()
	defer func() { o.Took = l.now().Sub(o.At) }()
	limited, cancel := context.WithTimeout(ctx, l.timeout())
	defer cancel()

	conn, err := l.dial(limited, host, o)
	if err != nil {
		o.FailureCode, o.Failure = l.dialFailure(ctx, err)
		return
	}
	defer conn.Close()
	client := tls.Client(conn, &tls.Config{
		ServerName:         o.ServerName,
		InsecureSkipVerify: true, // recorded here, judged by Judge
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       everyCipherSuite(),
		// Called as soon as the certificates are there, so that they are kept
		// when the handshake fails later.
		VerifyPeerCertificate: func(sent [][]byte, _ [][]*x509.Certificate) error {
			o.Chain = parse(sent)
			return nil
		},
	})
	err = client.HandshakeContext(limited)
	if state := client.ConnectionState(); state.Version != 0 {
		o.Protocol, o.CipherSuite = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	}
	if err != nil {
		o.FailureCode, o.Failure = l.handshakeFailure(ctx, err)
		return
	}
	client.Close()
}

func (l *Looker) dial(ctx context.Context, host string, o *Observation) (net.Conn, error) {
	if o.Address == "" {
		return l.network().DialContext(ctx, "tcp", o.Target)
	}
	return l.network().DialFor(ctx, host, o.Address)
}

func (l *Looker) proxy(target Target, address string) string {
	if address == "" {
		return l.network().ProxyFor(target.String())
	}
	return l.network().ProxyForAddress(target.Host, address)
}

// parse cannot fail: crypto/tls has parsed the same bytes just before.
func parse(sent [][]byte) []*x509.Certificate {
	var chain []*x509.Certificate
	for _, der := range sent {
		if cert, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, cert)
		}
	}
	return chain
}

func everyCipherSuite() []uint16 {
	var ids []uint16
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, suite.ID)
	}
	return ids
}

// failed is an observation that stands for the whole target.
func (l *Looker) failed(target Target, code, words string) Observation {
	return Observation{Target: target.String(), At: l.now(), Failure: words, FailureCode: code}
}

func (l *Looker) network() *egress.Network {
	if l.Network == nil {
		return &egress.Network{}
	}
	return l.Network
}

func (l *Looker) timeout() time.Duration {
	if l.Timeout == 0 {
		return defaultTimeout
	}
	return l.Timeout
}

func (l *Looker) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}
