package edge

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// What a gateway says about a backend's certificate. The sentences follow
// learn.microsoft.com/azure/application-gateway/application-gateway-backend-health-troubleshooting
const (
	rootMismatch = "The root certificate of the server certificate used by the backend does not match the trusted root certificate added to the application gateway. Ensure that you add the correct root certificate to whitelist the backend."
	nameMismatch = "The Common Name (CN) of the backend certificate does not match the host header entered in the health probe configuration (v2 SKU) or the FQDN in the backend pool (v1 SKU)."
	outOfDate    = "Backend certificate is invalid. Current date is not within the \"Valid from\" and \"Valid to\" date range on the certificate."
)

// verify is what a v2 gateway demands of a backend's certificate: a chain, as
// sent, to a trusted root, the right name, and today's date. A self-signed
// certificate is trusted when it is itself the trusted root.
func (b *backendGroup) verify(chain []*x509.Certificate, name string) error {
	if len(chain) == 0 {
		return errors.New("the backend sent no certificate")
	}
	leaf := chain[0]
	now := b.gateway.ground.Clock.Now()
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		//lint:ignore ST1005 the words are the gateway's
		return errors.New(outOfDate)
	}
	roots := b.roots
	if roots == nil {
		roots = b.gateway.public()
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, CurrentTime: now}); err != nil {
		return fmt.Errorf("%s (%w)", rootMismatch, err)
	}
	// guess: alternative names are looked at first, and the common name only
	// in their absence; the documentation speaks of the common name alone.
	if leaf.VerifyHostname(name) != nil && !(len(leaf.DNSNames) == 0 && strings.EqualFold(leaf.Subject.CommonName, name)) {
		//lint:ignore ST1005 the words are the gateway's
		return errors.New(nameMismatch)
	}
	return nil
}

// publicRoots are the well-known CAs of the world.
func (g *Gateway) publicRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			continue
		}
		if root.Constraint == nil {
			pool.AddCert(certificate)
			continue
		}
		pool.AddCertWithConstraint(certificate, root.Constraint)
	}
	for _, certificate := range g.Options.WellKnown {
		pool.AddCert(certificate)
	}
	return pool
}
