package pki

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"strings"
)

// comparison judges the certificate against the one that is served now. A
// self-signed one (what an installation starts with, often for ten years) is
// no measure for dates and keys.
func (j *judging) comparison() {
	old := j.Serving
	if old == nil {
		return
	}
	if old.Equal(j.leaf) {
		j.findings.add(codeAlreadyServed, "", "this very certificate is served already")
		return
	}
	j.fewerNames(old)
	if string(old.RawIssuer) != string(j.leaf.RawIssuer) {
		j.findings.add(codeIssuerChanged, "", "the issuer changes from %s to %s", issuerOf(old), issuerOf(j.leaf))
	}
	if selfSigned(old) {
		return
	}
	switch {
	case j.leaf.NotAfter.Before(old.NotAfter):
		j.findings.add(codeExpiresEarlier, "See that this is the right file; if it is, say --allow-older.",
			"the certificate expires on %s, the one served now only on %s", onDay(j.leaf.NotAfter), onDay(old.NotAfter))
		j.soften(j.AllowOlder)
	case j.leaf.NotBefore.Before(old.NotBefore):
		j.findings.add(codeIssuedEarlier, "See that this is the right file.",
			"the certificate was issued on %s, the one served now later, on %s", onDay(j.leaf.NotBefore), onDay(old.NotBefore))
	}
	if bits, before := keyBits(j.leaf), keyBits(old); sameKind(j.leaf, old) && bits < before {
		j.findings.add(codeWeakerKey, mendReissue+" Or say --allow-weaker.",
			"the key (%s) is weaker than that of the certificate served now (%s)", keyName(j.leaf), keyName(old))
		j.soften(j.AllowWeaker)
	}
}

// fewerNames warns of names that are lost without being asked for: something
// may use them all the same. Required names have their own finding.
func (j *judging) fewerNames(old *x509.Certificate) {
	required := map[string]bool{}
	for _, name := range j.Names {
		required[canonicalName(name)] = true
	}
	var lost []string
	for _, name := range Names(old) {
		if !Covers(j.leaf, name) && !required[canonicalName(name)] {
			lost = append(lost, name)
		}
	}
	if len(lost) > 0 {
		j.findings.add(codeFewerNames, "See that nobody uses these names any more, or have the certificate issued with them.",
			"names that are served now are missing from the certificate: %s", strings.TrimSpace(list(lost)))
	}
}

// sameKind tells whether bits can be compared: 256 bits of an elliptic curve
// are more than 2048 of RSA.
func sameKind(a, b *x509.Certificate) bool {
	return a.PublicKeyAlgorithm == b.PublicKeyAlgorithm
}

func keyBits(cert *x509.Certificate) int {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen()
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize
	}
	return 0
}
