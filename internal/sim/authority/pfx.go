package authority

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// ReadPFX opens a PKCS#12 file as the world's servers do.
func ReadPFX(file []byte, password string) (*Issued, error) {
	key, first, rest, err := pkcs12.DecodeChain(file, password)
	if err != nil {
		return nil, err
	}
	return Assemble(key, append([]*x509.Certificate{first}, rest...))
}

// Assemble takes the certificate of the key as the leaf, wherever it stands,
// and the others in their order as its chain.
func Assemble(key any, certificates []*x509.Certificate) (*Issued, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key is a %T", key)
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, fmt.Errorf("public key is a %T", signer.Public())
	}
	issued := &Issued{Key: signer}
	for _, certificate := range certificates {
		if issued.Leaf == nil && public.Equal(certificate.PublicKey) {
			issued.Leaf = certificate
			continue
		}
		issued.Chain = append(issued.Chain, certificate)
	}
	if issued.Leaf == nil {
		return nil, errors.New("no certificate belongs to the key")
	}
	return issued, nil
}
