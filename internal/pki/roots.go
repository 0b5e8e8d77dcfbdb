package pki

import (
	"crypto/x509"
	"slices"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Roots are the authorities that a chain may end in. The computer's own store
// is deliberately not among them: the Java of Portal for ArcGIS and ArcGIS
// Server does not know it, so a root that an administrator's computer trusts
// is not thereby trusted where it matters.
//
// The zero Roots trusts nobody. Roots are not changed once made and may be
// used by several goroutines.
type Roots struct {
	roots []knownRoot
}

type knownRoot struct {
	cert *x509.Certificate
	// constraint refuses some chains, such as those issued after the day on
	// which Mozilla stopped to trust the authority. Nil allows all.
	constraint func(chain []*x509.Certificate) error
}

// mozilla is parsed at the first use and never changed.
var mozilla = sync.OnceValue(func() *Roots {
	parsed := &Roots{}
	for root := range bundle.Roots() {
		// A root that this version of Go cannot parse cannot be used by it either.
		if cert, err := x509.ParseCertificate(root.Certificate); err == nil {
			parsed.roots = append(parsed.roots, knownRoot{cert, root.Constraint})
		}
	}
	return parsed
})

// MozillaRoots is Mozilla's list as golang.org/x/crypto/x509roots carries it,
// with the limits that Mozilla puts on some authorities. Java's own list is
// made of nearly the same authorities.
func MozillaRoots() *Roots { return mozilla() }

// With gives these roots and some more, named explicitly by whoever is
// responsible. A certificate that is not self-signed may be among them: a
// chain may then end there.
func (r *Roots) With(certs ...*x509.Certificate) *Roots {
	more := &Roots{roots: slices.Clone(r.roots)}
	for _, cert := range certs {
		more.roots = append(more.roots, knownRoot{cert: cert})
	}
	return more
}

// Contains tells whether a root with the same name and key is known.
func (r *Roots) Contains(cert *x509.Certificate) bool {
	return slices.ContainsFunc(r.roots, func(known knownRoot) bool {
		return string(known.cert.RawSubject) == string(cert.RawSubject) && sameKey(known.cert.PublicKey, cert.PublicKey)
	})
}

// Issuer finds a known root that signed cert, nil when there is none.
func (r *Roots) Issuer(cert *x509.Certificate) *x509.Certificate {
	for _, known := range r.roots {
		if signedBy(cert, known.cert) {
			return known.cert
		}
	}
	return nil
}

func (r *Roots) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, known := range r.roots {
		if known.constraint == nil {
			pool.AddCert(known.cert)
		} else {
			pool.AddCertWithConstraint(known.cert, known.constraint)
		}
	}
	return pool
}
