package authority

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"time"
)

// Likeness describes a certificate of somebody's, for another to stand in for.
type Likeness struct {
	CommonName, Organization string
	Subject                  []byte   // the whole name in DER, instead of these
	Names                    []string // DNS names and IP addresses
	Key                      string   // as in Spec
	NotBefore, NotAfter      time.Time
	CA                       bool
	// Fetchable names where the issuer can be fetched, which the AIA server answers.
	Fetchable bool
}

// Like makes a certificate of a likeness, signed by issuer, or by itself when
// that is nil.
func (a *Authority) Like(l Likeness, issuer *Issuer) (*Issuer, error) {
	key, err := a.newKey(l.Key)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: l.CommonName}, NotBefore: l.NotBefore, NotAfter: l.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	template.RawSubject = l.Subject
	if l.Organization != "" {
		template.Subject.Organization = []string{l.Organization}
	}
	if l.CA {
		template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
		template.IsCA, template.BasicConstraintsValid = true, true
	}
	for _, name := range l.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	made := &Issuer{Parent: issuer, key: key, file: fmt.Sprintf("likeness-%p.cer", template)}
	signer, above := key, template
	if issuer != nil {
		signer, above = issuer.key, issuer.Certificate
		if l.Fetchable {
			template.IssuingCertificateURL = []string{"http://" + AIAHost + "/" + issuer.file}
		}
	}
	if made.Certificate, err = sign(template, above, key.Public(), signer); err != nil {
		return nil, fmt.Errorf("sign %s: %w", l.CommonName, err)
	}
	if l.CA {
		a.remember(made)
	}
	return made, nil
}

// Issued is the certificate with its key, and what a server sends with it.
func (i *Issuer) Issued(chain ...*x509.Certificate) *Issued {
	return &Issued{Leaf: i.Certificate, Key: i.key, Chain: chain}
}
