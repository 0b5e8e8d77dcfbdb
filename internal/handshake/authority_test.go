package handshake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"
)

// noon is the time at which the tests happen.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const name = "gis.example.com"

// issuer is a certificate with its key: a root, an intermediate or a leaf.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// world has a root, an intermediate under it, and makes leaves.
type world struct {
	t                  testing.TB
	root, intermediate issuer
}

func newWorld(t testing.TB) *world {
	w := &world{t: t}
	w.root = w.issue(issuer{}, ca("Test Root"))
	w.intermediate = w.issue(w.root, ca("Test Intermediate"))
	return w
}

func ca(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: noon.AddDate(-2, 0, 0), NotAfter: noon.AddDate(8, 0, 0),
	}
}

// leaf is a template of a good leaf for name, for the test to change.
func leaf(names ...string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore:   noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(0, 5, 0),
	}
}

// issue makes a certificate from a template; without an issuer it is self-signed.
func (w *world) issue(by issuer, template *x509.Certificate) issuer {
	w.t.Helper()
	var key crypto.Signer
	var err error
	if template.IsCA {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		// RSA, as ArcGIS wants it.
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if by.cert == nil {
		by = issuer{template, key}
	}
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return issuer{cert, key}
}

// good is what a well-kept server has: a leaf and the intermediate.
func (w *world) good(names ...string) tls.Certificate {
	return w.served(w.issue(w.intermediate, leaf(names...)), w.intermediate)
}

// served is a chain as a server sends it, with the key of the first.
func (w *world) served(leaf issuer, others ...issuer) tls.Certificate {
	sent := tls.Certificate{PrivateKey: leaf.key, Leaf: leaf.cert, Certificate: [][]byte{leaf.cert.Raw}}
	for _, other := range others {
		sent.Certificate = append(sent.Certificate, other.cert.Raw)
	}
	return sent
}

// serveTLS runs a TLS server until the test ends and gives its port.
func serveTLS(t testing.TB, config *tls.Config) int {
	return serve(t, func(conn net.Conn) {
		server := tls.Server(conn, config)
		if server.Handshake() == nil {
			server.Read(make([]byte, 1)) // until the client goes away
		}
	})
}

func with(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// serve hands every connection to a loopback port to handle, then closes it.
func serve(t testing.TB, handle func(net.Conn)) (port int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				handle(conn)
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

// loopback is a target with our name at a loopback port.
func loopback(port int) Target {
	return Target{Host: name, Port: port, Addresses: []string{"127.0.0.1"}}
}
