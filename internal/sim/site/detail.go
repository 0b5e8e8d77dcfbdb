package site

import (
	"crypto/ecdsa"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// certificateDetail is the modern layout of one certificate (S29).
func certificateDetail(c *call, m *machine) (any, error) {
	alias := strings.ToLower(c.r.PathValue("alias"))
	m.mu.Lock()
	found := m.keystore[alias]
	m.mu.Unlock()
	if found == nil {
		return nil, notFound(alias)
	}
	leaf := found.leaf
	algorithm, size := keyOf(leaf)
	md5Sum, sha1Sum, sha256Sum := md5.Sum(leaf.Raw), sha1.Sum(leaf.Raw), sha256.Sum256(leaf.Raw)
	names := []string{}
	for _, name := range leaf.DNSNames {
		names = append(names, "DNSName: "+name)
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, "IPAddress: "+ip.String())
	}
	detail := map[string]any{
		"aliasName":               alias,
		"issuer":                  javaName(leaf.RawIssuer),
		"subject":                 javaName(leaf.RawSubject),
		"subjectAlternativeNames": names,
		"validFrom":               c.site.javaDate(leaf.NotBefore),
		"validUntil":              c.site.javaDate(leaf.NotAfter),
		"keyAlgorithm":            algorithm,
		"keySize":                 size,
		"serialNumber":            leaf.SerialNumber.Text(16),
		"version":                 leaf.Version,
		"signatureAlgorithm":      javaSignature(leaf.SignatureAlgorithm),
		"keyUsage":                []string{},
		"md5Fingerprint":          hex.EncodeToString(md5Sum[:]),
		"sha1Fingerprint":         hex.EncodeToString(sha1Sum[:]),
		"sha256Fingerprint":       hex.EncodeToString(sha256Sum[:]),
	}
	if c.site.version.atLeast(10, 8) {
		detail["entryType"] = "trustedCertEntry"
		if found.key != nil {
			detail["entryType"] = "PrivateKeyEntry"
		}
	}
	if c.site.version.atLeast(11, 1) {
		detail["validFromEpoch"] = leaf.NotBefore.UnixMilli()
		detail["validUntilEpoch"] = leaf.NotAfter.UnixMilli()
	}
	switch options := c.site.spec.Options; {
	case options.KeytoolDetail && (c.site.spec.Product == Notebook || c.site.spec.Product == Mission):
		return c.site.keytool(alias, found), nil
	case options.DuplicateKeys:
		return twice(detail), nil
	}
	return detail, nil
}

// keytool is the layout that the documentation of Notebook and Mission shows.
// Source: notebook/ssl-certificate-notebook-server-.htm
func (s *Site) keytool(alias string, of *entry) map[string]any {
	leaf, kind := of.leaf, "trustedCertEntry"
	if of.key != nil {
		kind = "PrivateKeyEntry"
	}
	colons := func(sum []byte) string {
		var parts []string
		for _, b := range sum {
			parts = append(parts, fmt.Sprintf("%02X", b))
		}
		return strings.Join(parts, ":")
	}
	md5Sum, sha1Sum, sha256Sum := md5.Sum(leaf.Raw), sha1.Sum(leaf.Raw), sha256.Sum256(leaf.Raw)
	return map[string]any{
		"Alias name": alias, "Creation date": leaf.NotBefore.Format("Jan 2, 2006"), "Entry type": kind, "Certificate chain length": 1 + len(of.chain),
		"Certificate[1]": "", "Owner": javaName(leaf.RawSubject), "Issuer": javaName(leaf.RawIssuer), "Serial number": leaf.SerialNumber.Text(16),
		"Valid from":               s.javaDate(leaf.NotBefore) + " until: " + s.javaDate(leaf.NotAfter),
		"Certificate fingerprints": "", "MD5": colons(md5Sum[:]), "SHA1": colons(sha1Sum[:]), "SHA256": colons(sha256Sum[:]),
		"Signature algorithm name": javaSignature(leaf.SignatureAlgorithm), "Version": leaf.Version,
	}
}

// twice is an object in which every key stands twice.
func twice(detail map[string]any) json.RawMessage {
	text, err := json.Marshal(detail)
	if err != nil {
		return nil
	}
	inner := text[1 : len(text)-1]
	return slices.Concat([]byte("{"), inner, []byte(","), inner, []byte("}"))
}

// javaDate is java.util.Date.toString, in the machine's time zone.
func (s *Site) javaDate(at time.Time) string {
	zone := s.spec.Options.Zone
	if zone == nil {
		zone = time.UTC
	}
	return at.In(zone).Format("Mon Jan 02 15:04:05 MST 2006")
}

// javaName is X500Principal.toString: the parts last to first, ", " between.
func javaName(raw []byte) string {
	var sequence pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &sequence); err != nil {
		return ""
	}
	var parts []string
	for _, part := range sequence {
		parts = append([]string{pkix.RDNSequence{part}.String()}, parts...)
	}
	return strings.Join(parts, ", ")
}

// javaSignature writes SHA256-RSA as Java does, SHA256withRSA.
func javaSignature(algorithm x509.SignatureAlgorithm) string {
	digest, key, found := strings.Cut(algorithm.String(), "-")
	switch {
	case algorithm == x509.SHA256WithRSAPSS, algorithm == x509.SHA384WithRSAPSS, algorithm == x509.SHA512WithRSAPSS:
		return "RSASSA-PSS"
	case !found:
		return algorithm.String()
	case strings.HasPrefix(digest, "ECDSA"):
		return key + "withECDSA"
	}
	return digest + "with" + key
}

func keyOf(certificate *x509.Certificate) (algorithm string, size int) {
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA", key.Size() * 8
	case *ecdsa.PublicKey:
		return "EC", key.Params().BitSize
	}
	return certificate.PublicKeyAlgorithm.String(), 0
}
