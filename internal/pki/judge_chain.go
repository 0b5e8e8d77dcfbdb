package pki

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"
)

const mendRoots = "Give Portal and Server the chain first and name the root with --roots FILE, or say --assume-trusted if that is done."

// trust follows the chain up to a known root and says why that fails.
func (j *judging) trust() {
	j.chain = append([]*x509.Certificate{j.leaf}, j.intermediates...)
	before := len(j.findings)
	j.signatures()

	verified, err := j.verify(j.Roots)
	if err == nil {
		j.chain, j.rootKnown = verified, true
		if selfSigned(j.leaf) {
			j.findings.add(codeSelfSigned, "", "the certificate is self-signed, and it is one of the roots that were given")
			j.findings[len(j.findings)-1].Severity = Note
		}
		j.intermediateDates(verified[1:max(1, len(verified)-1)])
		return
	}
	j.intermediateDates(j.intermediates)
	explained := j.findings[before:].Refused()
	if j.root != nil {
		j.chain = append(j.chain, j.root)
	}
	if !j.endKnown() {
		j.end()
		// The end is unknown; below it the chain must be right all the same,
		// also where the end is only worth a warning.
		_, err = j.verify(j.Roots.With(j.chain[len(j.chain)-1]))
	}
	if err != nil && !explained {
		j.findings.add(codeChainInvalid, mendReissue, "the chain does not verify: %s", printable(strings.TrimPrefix(err.Error(), "x509: ")))
	}
}

// endKnown tells whether the chain at hand leads to a known root, whatever
// else may be wrong with it.
func (j *judging) endKnown() bool {
	last := j.chain[len(j.chain)-1]
	return j.Roots.Contains(last) || j.Roots.Issuer(last) != nil
}

// verify asks crypto/x509 for a chain. Dates of the leaf have findings of
// their own, so the moment is moved into its lifetime, and so has a missing
// server authentication.
func (j *judging) verify(roots *Roots) ([]*x509.Certificate, error) {
	options := x509.VerifyOptions{
		Roots:         roots.pool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   clamp(j.Now, j.leaf.NotBefore, j.leaf.NotAfter),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if !allowsServers(j.leaf) {
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	}
	for _, cert := range j.intermediates {
		options.Intermediates.AddCert(cert)
	}
	chains, err := j.leaf.Verify(options)
	if err != nil {
		return nil, err
	}
	return slices.MinFunc(chains, func(a, b []*x509.Certificate) int { return len(a) - len(b) }), nil
}

func clamp(t, first, last time.Time) time.Time {
	switch {
	case t.Before(first):
		return first
	case t.After(last):
		return last
	}
	return t
}

// signatures looks at how the leaf and the intermediates are signed. What
// signs a root is nobody's concern: it is trusted by itself.
func (j *judging) signatures() {
	for _, cert := range j.chain {
		switch cert.SignatureAlgorithm {
		case x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
			j.findings.add(codePSSSignature, "Have the chain issued with sha256WithRSAEncryption.",
				"the certificate %s is signed with RSASSA-PSS, with which ArcGIS cannot federate or publish (Esri 000016630)", nameOf(cert))
		case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
			j.findings.add(codeWeakSignature, "Have the chain issued with sha256WithRSAEncryption.",
				"the certificate %s is signed with %s, which clients refuse", nameOf(cert), signatureName(cert))
		}
	}
}

func (j *judging) intermediateDates(intermediates []*x509.Certificate) {
	for _, cert := range intermediates {
		switch {
		case cert.NotAfter.Before(j.Now):
			j.findings.add(codeIntermediateExpired, "Take the intermediate's successor from the authority's web site into the .pfx: "+mendExport,
				"the intermediate %s expired on %s", nameOf(cert), onDay(cert.NotAfter))
		case cert.NotAfter.Before(j.leaf.NotAfter):
			j.findings.add(codeIntermediateSooner, "Renew the chain before then.",
				"the intermediate %s expires on %s, before the certificate itself", nameOf(cert), onDay(cert.NotAfter))
		}
	}
}

// end says where a chain ends that leads to no known root.
func (j *judging) end() {
	last := j.chain[len(j.chain)-1]
	switch {
	case selfSigned(j.leaf):
		j.findings.add(codeSelfSigned, mendReissue, "the certificate is self-signed, not issued by an authority")
	case j.root != nil:
		j.findings.add(codeRootNotKnown, mendRoots,
			"the chain ends in the root %s, which the Java of Portal and Server does not know: it is neither in Mozilla's list nor among the roots given", nameOf(j.root))
		j.soften(j.AssumeTrusted)
	default:
		j.findings.add(codeChainIncomplete, mendMissing(last),
			"the chain ends at %s: its issuer %s is missing, and is no known root either", nameOf(last), issuerOf(last))
		j.soften(j.chainUnseen)
	}
}

// mendMissing says how to get the issuer that is missing above cert.
func mendMissing(cert *x509.Certificate) string {
	mend := "Put the issuer into the .pfx, or name it with --roots FILE if it is a root of your own: " + mendExport
	for _, url := range cert.IssuingCertificateURL {
		if plainURL(url) {
			return "curl -o issuer.crt " + url + "   # then: " + mend
		}
	}
	return mend
}

// plainURL tells whether a URL from a certificate can stand in a command that
// somebody will paste into a shell.
func plainURL(url string) bool {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/._-%"
	return strings.HasPrefix(url, "http") && len(url) < 300 && strings.Trim(url, safe) == ""
}
