package shape

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// collection gathers certificates, each once.
type collection struct {
	roots *pki.Roots
	certs []*x509.Certificate // nil where only described
	list  []Certificate
}

// add gives the id of a certificate, with its issuers as far as roots have them.
func (c *collection) add(cert *x509.Certificate) string {
	for i, known := range c.certs {
		if known != nil && known.Equal(cert) {
			return c.list[i].ID
		}
	}
	d := pki.Describe(cert)
	entry := Certificate{
		ID: c.nextID(), DER: cert.Raw, SHA256: d.SHA256, SHA1: strings.ToLower(d.Thumbprint),
		CommonName: cert.Subject.CommonName, Organization: first(cert.Subject.Organization), Names: pki.Names(cert), Key: d.KeyAlgorithm,
		NotBefore: pki.UTC(cert.NotBefore), NotAfter: pki.UTC(cert.NotAfter), CA: cert.BasicConstraintsValid && cert.IsCA,
		Fetchable: len(cert.IssuingCertificateURL) > 0,
	}
	if selfSigned(cert) {
		entry.Issuer, entry.Known = entry.ID, c.roots.Contains(cert)
	}
	c.list, c.certs = append(c.list, entry), append(c.certs, cert)
	return entry.ID
}

func (c *collection) nextID() string { return fmt.Sprintf("certificate-%d", len(c.list)+1) }

func (c *collection) chain(certs []*x509.Certificate) []string {
	ids := []string{}
	for _, cert := range certs {
		ids = append(ids, c.add(cert))
	}
	return ids
}

func (c *collection) parsed(ders [][]byte) []string {
	ids := []string{}
	for _, der := range ders {
		if cert, err := x509.ParseCertificate(der); err == nil {
			ids = append(ids, c.add(cert))
		}
	}
	return ids
}

// held is a keystore's entry: one of the certificates that were seen, or one
// that is only told of.
func (c *collection) held(entry machine.Entry) string {
	for _, known := range c.list {
		if entry.SHA256 != "" && strings.EqualFold(known.SHA256, entry.SHA256) || entry.SHA1 != "" && strings.EqualFold(known.SHA1, entry.SHA1) {
			return known.ID
		}
	}
	if entry.Trouble != "" || entry.NotAfter.IsZero() {
		return ""
	}
	told := Certificate{
		ID: c.nextID(), SHA256: strings.ToLower(entry.SHA256), SHA1: strings.ToLower(entry.SHA1),
		CommonName: commonName(entry.Subject), Names: entry.Names, Key: "RSA 2048", NotBefore: pki.UTC(entry.NotBefore), NotAfter: pki.UTC(entry.NotAfter),
		CA: entry.Trusted && len(entry.Names) == 0,
	}
	told.Issuer = told.ID // whoever issued it, nobody showed
	c.list, c.certs = append(c.list, told), append(c.certs, nil)
	return told.ID
}

// link finds the issuer of every certificate: among those that were seen, among
// the roots, or one that nobody showed.
func (c *collection) link() {
	unseen := map[string]string{}
	for i := 0; i < len(c.list); i++ { // it grows
		cert := c.certs[i]
		if cert == nil || c.list[i].Issuer != "" {
			continue
		}
		j := slices.IndexFunc(c.certs, func(other *x509.Certificate) bool { return other != nil && issued(other, cert) })
		switch root := c.roots.Issuer(cert); {
		case root != nil && (j < 0 || selfSigned(c.certs[j])):
			c.list[i].Issuer = c.add(root)
		case j >= 0:
			c.list[i].Issuer = c.list[j].ID
		default:
			key := string(cert.RawIssuer)
			if unseen[key] == "" {
				unseen[key] = c.unseen(cert.Issuer, cert)
			}
			c.list[i].Issuer = unseen[key]
		}
	}
}

// unseen describes an issuer that nobody showed as a root of its own.
func (c *collection) unseen(name pkix.Name, of *x509.Certificate) string {
	entry := Certificate{
		ID: c.nextID(), Subject: of.RawIssuer, CommonName: name.CommonName, Organization: first(name.Organization), Key: pki.Describe(of).KeyAlgorithm, CA: true,
		NotBefore: pki.UTC(of.NotBefore.AddDate(-2, 0, 0)), NotAfter: pki.UTC(of.NotAfter.AddDate(5, 0, 0)),
	}
	entry.Issuer = entry.ID
	c.list, c.certs = append(c.list, entry), append(c.certs, nil)
	return entry.ID
}

func selfSigned(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, cert.RawSubject) && cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}

func issued(issuer, cert *x509.Certificate) bool {
	return bytes.Equal(issuer.RawSubject, cert.RawIssuer) && issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// commonName is that of a distinguished name as Java writes it.
func commonName(subject string) string {
	for part := range strings.SplitSeq(subject, ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok && strings.EqualFold(name, "CN") {
			return strings.Trim(value, `"`)
		}
	}
	return subject
}

// DaysLeft is how many days a certificate was good for when the shape was taken.
func (c Certificate) DaysLeft(at time.Time) int { return int(c.NotAfter.Sub(at).Hours() / 24) }
