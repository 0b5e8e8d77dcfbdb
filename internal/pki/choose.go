package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"
	"strings"
)

const mendSeveralKeys = "Export the one key and certificate again: openssl pkcs12 -in FILE.pfx -out all.pem, " +
	"keep the one PRIVATE KEY and its certificates in all.pem, then: openssl pkcs12 -export -in all.pem -out new.pfx"

// pair is a key and the certificate that belongs to it (nil if none does).
type pair struct {
	key  crypto.Signer
	cert *x509.Certificate
	also int // further certificates for the same key that were passed over
}

// bundle chooses the key and its leaf, and arranges the other certificates
// around them. The position in the file plays no part.
func (c *contents) bundle() (*Bundle, error) {
	if len(c.keys) == 0 && len(c.unsupported) > 0 {
		return nil, defect(codeUnsupportedKey, "Request a certificate for a new key: openssl req -new -newkey rsa:2048 -keyout key.pem -out request.csr",
			"the private key (%s) is of a kind that cannot be used", strings.Join(c.unsupported, ", "))
	}
	if len(c.keys) == 0 {
		return nil, defect(codeNoKey, mendFindKey, "the file holds no private key")
	}
	if len(c.certificates) == 0 {
		return nil, defect(codeNoCertificate, mendExport, "the file holds a private key and no certificate")
	}
	chosen, err := c.choose()
	if err != nil {
		return nil, err
	}
	if !chosen.cert.Equal(c.certificates[0]) {
		c.repairs.add(codeLeafNotFirst, "", "the certificate of the private key is not the first one in the file")
	}
	others := slices.DeleteFunc(slices.Clone(c.certificates), chosen.cert.Equal)
	arranged := arrange(chosen.cert, c.certificates)
	c.repairs = append(c.repairs, arranged.repairs(others)...)
	return &Bundle{
		Leaf:          chosen.cert,
		Key:           chosen.key,
		Intermediates: arranged.intermediates,
		Root:          arranged.root,
		Repairs:       c.repairs.WorstFirst(),
	}, nil
}

// choose takes the one key that has a certificate; of several such keys the
// one whose certificate is no authority's. It never guesses.
func (c *contents) choose() (pair, error) {
	var pairs []pair
	for _, key := range c.keys {
		if slices.ContainsFunc(pairs, func(p pair) bool { return sameKey(p.key.Public(), key.Public()) }) {
			continue
		}
		pairs = append(pairs, c.pairFor(key))
	}
	usable := slices.DeleteFunc(slices.Clone(pairs), func(p pair) bool { return p.cert == nil })
	if len(usable) > 1 {
		usable = slices.DeleteFunc(usable, func(p pair) bool { return p.cert.IsCA })
	}
	switch {
	case len(usable) == 1:
	case len(pairs) == 1:
		return pair{}, defect(codeKeyMismatch, mendFindKey,
			"the private key belongs to none of the %d certificates in the file", len(c.certificates))
	default:
		return pair{}, defect(codeSeveralKeys, mendSeveralKeys,
			"the file holds %d private keys and it is not clear which is meant: %s", len(pairs), describePairs(pairs))
	}
	chosen := usable[0]
	if surplus := len(pairs) - 1 + len(c.unsupported); surplus > 0 {
		c.repairs.add(codeOtherKeyIgnored, mendSeveralKeys,
			"the file holds %d private keys; the one of %s is used, the others are ignored", surplus+1, nameOf(chosen.cert))
	}
	if chosen.also > 0 {
		c.repairs.add(codeSeveralCertificates, mendSeveralKeys,
			"the file holds %d certificates for the private key; the one that expires last is used", chosen.also+1)
	}
	return chosen, nil
}

// pairFor finds the certificate of a key: one that is no authority's before
// one that is, then the one that expires last.
func (c *contents) pairFor(key crypto.Signer) pair {
	found := pair{key: key}
	for _, cert := range distinct(c.certificates) {
		if !sameKey(cert.PublicKey, key.Public()) {
			continue
		}
		if found.cert == nil {
			found.cert = cert
			continue
		}
		found.also++
		if preferLeaf(cert, found.cert) {
			found.cert = cert
		}
	}
	return found
}

func preferLeaf(a, b *x509.Certificate) bool {
	if a.IsCA != b.IsCA {
		return b.IsCA
	}
	if !a.NotAfter.Equal(b.NotAfter) {
		return a.NotAfter.After(b.NotAfter)
	}
	return bytes.Compare(a.Raw, b.Raw) < 0
}

func describePairs(pairs []pair) string {
	var texts []string
	for _, p := range pairs {
		text := "one without a certificate"
		if p.cert != nil {
			text = "one for " + nameOf(p.cert) + " (until " + p.cert.NotAfter.UTC().Format("2006-01-02") + ")"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// sameKey compares public keys of any kind.
func sameKey(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}

// distinct drops repetitions and keeps the order.
func distinct(certificates []*x509.Certificate) []*x509.Certificate {
	var kept []*x509.Certificate
	for _, cert := range certificates {
		if !slices.ContainsFunc(kept, cert.Equal) {
			kept = append(kept, cert)
		}
	}
	return kept
}
