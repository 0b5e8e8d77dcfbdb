package pki

import (
	"crypto"
	"crypto/x509"
)

// Authority is a certificate of an authority and, unless it only stands for
// itself, its key.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer `json:"-"`
	// Chain leads from Certificate to a root, which is its last; empty when
	// Certificate is the root.
	Chain []*x509.Certificate
}
