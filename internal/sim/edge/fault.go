package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// faultStep is where the faults of this package strike: "wrong-leaf@edge".
const faultStep = "edge"

func (g *Gateway) takeFault(name string) bool {
	if !g.ground.Faults.Take(name, faultStep) {
		return false
	}
	g.ground.Ledger.Record(ground.FaultHappened, g.name, name+"@"+faultStep)
	return true
}

// disturb is what the instances really get when a leaf changes: usually just
// what was asked, with fault wrong-leaf some other self-signed leaf, with
// broken-chain the leaf alone.
func (g *Gateway) disturb(asked *config) *config {
	wrong, broken := g.takeFault("wrong-leaf"), g.takeFault("broken-chain")
	if !wrong && !broken {
		return asked
	}
	disturbed := asked.withCertificates(func(certificate *tls.Certificate) *tls.Certificate {
		if wrong {
			return selfSignedLike(certificate)
		}
		alone := *certificate
		alone.Certificate = alone.Certificate[:1]
		return &alone
	})
	return disturbed
}

// withCertificates copies the configuration with other certificates on its
// listeners. Routes and connections to backends stay shared.
func (c *config) withCertificates(change func(*tls.Certificate) *tls.Certificate) *config {
	changed := *c
	changed.listeners, changed.disturbed = nil, true
	for _, original := range c.listeners {
		listener := *original
		if listener.certificate != nil {
			listener.certificate = change(listener.certificate)
		}
		changed.listeners = append(changed.listeners, &listener)
	}
	return &changed
}

// selfSignedLike makes a leaf that names what the right one names, so that only
// somebody who looks at the chain or the fingerprint notices.
func selfSignedLike(right *tls.Certificate) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return right
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "wrong.example"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if leaf, err := x509.ParseCertificate(right.Certificate[0]); err == nil {
		template.DNSNames = leaf.DNSNames
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return right
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// reset makes the peer see a TCP reset instead of an orderly end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
