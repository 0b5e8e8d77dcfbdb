// Package authority holds the certificate authorities of a simulated world:
// a private one for the names of Azure (as behind a corporate proxy that
// opens TLS), and one shaped like a public CA for the external names of the
// deployments: a root, an intermediate, leafs, and a server that hands the
// intermediate out under the AIA address that the leafs name.
package authority

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// AIAHost serves the CA certificates of the world over plain HTTP, as public
// CAs do (RFC 5280 §4.2.2.1: plain HTTP, DER).
const AIAHost = "aia.world-ca.example"

// Issuer is one certificate authority with its key.
type Issuer struct {
	Certificate *x509.Certificate
	// Parent signed this issuer; nil for a root.
	Parent *Issuer
	key    crypto.Signer
	file   string // name under which the AIA server hands it out
}

// Authority is all certificate authorities of one world.
type Authority struct {
	cloud        *Issuer
	root         *Issuer
	intermediate *Issuer
	now          func() time.Time
	keys         *ground.Keys

	mu      sync.Mutex
	private []*Issuer
	leafs   map[string]*Issued // Azure names by SNI
}

// New makes the authorities of a world. The CAs have been valid for five
// years before now, which leaves room for certificates of the past.
func New(now func() time.Time) (*Authority, error) { return NewWith(now, &ground.Keys{}) }

// NewWith is New with keys that are the world's.
func NewWith(now func() time.Time, keys *ground.Keys) (*Authority, error) {
	a := &Authority{now: now, keys: keys, leafs: map[string]*Issued{}}
	var work errgroup.Group
	work.Go(func() (err error) {
		a.cloud, err = a.newIssuer("World Private CA for Azure Names", "p256", nil)
		return err
	})
	work.Go(func() (err error) {
		a.root, err = a.newIssuer("World CA Root R1", "rsa2048", nil)
		return err
	})
	intermediateKey := make(chan crypto.Signer, 1)
	work.Go(func() error {
		key, err := a.newKey("rsa2048")
		intermediateKey <- key
		return err
	})
	if err := work.Wait(); err != nil {
		return nil, fmt.Errorf("make the world's authorities: %w", err)
	}
	var err error
	a.intermediate, err = a.signIssuer("World CA TLS Intermediate I1", <-intermediateKey, a.root)
	if err != nil {
		return nil, fmt.Errorf("make the world's intermediate: %w", err)
	}
	return a, nil
}

// PublicRoot is the root of the CA that stands for a public one.
func (a *Authority) PublicRoot() *x509.Certificate { return a.root.Certificate }

// Root is the root of the public-like CA, to issue with.
func (a *Authority) Root() *Issuer { return a.root }

// Intermediate is the issuing CA of the public-like CA.
func (a *Authority) Intermediate() *Issuer { return a.intermediate }

// NewPrivate makes a further root that nothing in the world trusts: the CA of
// a company that was not told to its machines.
func (a *Authority) NewPrivate(name string) (*Issuer, error) {
	issuer, err := a.newIssuer(name, "p256", nil)
	if err != nil {
		return nil, err
	}
	a.remember(issuer)
	return issuer, nil
}

// NewIntermediate makes a further CA below parent.
func (a *Authority) NewIntermediate(name string, parent *Issuer) (*Issuer, error) {
	issuer, err := a.newIssuer(name, "p256", parent)
	if err != nil {
		return nil, err
	}
	a.remember(issuer)
	return issuer, nil
}

// NewInternal makes a root as Terraform's tls provider does, for the backends
// of one gateway: nobody hands it out.
func (a *Authority) NewInternal(name, organization string, years int) (*Issuer, error) {
	key, err := a.newKey("rsa2048")
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: name, Organization: []string{organization}},
		NotBefore: a.now().AddDate(-1, 0, 0), NotAfter: a.now().AddDate(years-1, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: true,
	}
	certificate, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign %s of %s: %w", name, organization, err)
	}
	return &Issuer{Certificate: certificate, key: key}, nil
}

// PEM is the authority's certificate.
func (i *Issuer) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate.Raw})
}

// KeyPEM is its key as Terraform's tls provider writes one; nil unless it is RSA.
func (i *Issuer) KeyPEM() []byte {
	key, ok := i.key.(*rsa.PrivateKey)
	if !ok {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

func (a *Authority) remember(issuer *Issuer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.private = append(a.private, issuer)
}

// PEM is what the clients of the world must trust: both roots.
func (a *Authority) PEM() []byte {
	var out bytes.Buffer
	for _, root := range []*x509.Certificate{a.cloud.Certificate, a.root.Certificate} {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
	}
	return out.Bytes()
}

// Roots is PEM as a pool.
func (a *Authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cloud.Certificate)
	pool.AddCert(a.root.Certificate)
	return pool
}

// ServeHTTP is the AIA server: GET /<file>.cer answers the CA as DER.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	issuers := append([]*Issuer{a.root, a.intermediate}, a.private...)
	a.mu.Unlock()
	asked := strings.TrimPrefix(r.URL.Path, "/")
	for _, issuer := range issuers {
		if issuer.file == asked {
			w.Header().Set("Content-Type", "application/pkix-cert")
			_, _ = w.Write(issuer.Certificate.Raw)
			return
		}
	}
	http.NotFound(w, r)
}
