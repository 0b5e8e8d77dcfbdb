package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"strings"
	"time"
)

const (
	mendReissue = "Have the certificate issued again by the authority, for a new RSA key of 2048 bits or more: " +
		"openssl req -new -newkey rsa:2048 -keyout key.pem -out request.csr"
	mendRollOut = "Roll out a certificate with its full chain: cartouche apply DEPLOYMENT --pfx FILE.pfx"
)

const day = 24 * time.Hour

func (j *judging) dates() {
	left := j.leaf.NotAfter.Sub(j.Now)
	switch {
	case left < 0:
		j.findings.add(codeExpired, mendReissue, "the certificate expired on %s", onDay(j.leaf.NotAfter))
	case j.Now.Before(j.leaf.NotBefore):
		j.findings.add(codeNotYetValid, "Wait until then, and see that the clock of this computer is right.",
			"the certificate is not valid before %s", j.leaf.NotBefore.UTC().Format(time.RFC3339))
	case left < j.soon():
		j.findings.add(codeExpiresSoon, "Ask the authority for its successor.",
			"the certificate expires on %s, in %d days", onDay(j.leaf.NotAfter), DaysLeft(j.leaf, j.Now))
	}
	if limit := lifetimeLimit(j.leaf.NotBefore); lifetime(j.leaf) > limit && !selfSigned(j.leaf) {
		j.findings.add(codeLongLifetime, "",
			"the certificate is valid for %d days; browsers accept at most %d from a public authority for its date of issue",
			int(lifetime(j.leaf)/day), int(limit/day))
	}
}

func (j *judging) soon() time.Duration {
	if j.Soon > 0 {
		return j.Soon
	}
	return min(30*day, lifetime(j.leaf)/3)
}

// lifetime counts the last second as well (RFC 5280 section 4.1.2.5).
func lifetime(cert *x509.Certificate) time.Duration {
	return cert.NotAfter.Sub(cert.NotBefore) + time.Second
}

// lifetimeLimit follows the CA/Browser Forum's Baseline Requirements, section
// 6.3.2, with ballot SC-081 of April 2025.
func lifetimeLimit(issued time.Time) time.Duration {
	limits := []struct {
		from string
		days time.Duration
	}{
		{"2029-03-15", 47},
		{"2027-03-15", 100},
		{"2026-03-15", 200},
		{"2020-09-01", 398},
		{"2018-03-01", 825},
	}
	for _, limit := range limits {
		if onDay(issued) >= limit.from {
			return limit.days * day
		}
	}
	return 1187 * day // 39 months
}

func onDay(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func (j *judging) names() {
	for _, name := range j.Names {
		if Covers(j.leaf, name) {
			continue
		}
		because := "its names are " + list(Names(j.leaf))
		switch {
		case len(j.leaf.DNSNames)+len(j.leaf.IPAddresses) == 0:
			because = "it has no subject alternative names at all"
		case canonicalName(j.leaf.Subject.CommonName) == canonicalName(name):
			because += "; the common name does not count"
		}
		j.findings.add(codeNameNotCovered, "Have the certificate issued again with the name "+printable(name)+" among its subject alternative names.",
			"the certificate does not cover the name %s: %s", printable(name), because)
	}
}

// list shows the first few of many.
func list(names []string) string {
	const most = 8
	if len(names) > most {
		names = append(slices.Clone(names[:most]), "...")
	}
	return strings.Join(names, ", ")
}

func (j *judging) usage() {
	if !allowsServers(j.leaf) {
		j.findings.add(codeNoServerAuth, "Have the certificate issued again from a template for web servers.",
			"the certificate is not meant for servers: its extended key usage lacks server authentication")
	}
	if j.leaf.KeyUsage != 0 && j.leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		j.findings.add(codeNoDigitalSign, "Have the certificate issued again from a template for web servers.",
			"the key usage of the certificate lacks digital signature, which TLS 1.3 and every ECDHE suite need")
	}
	if j.leaf.BasicConstraintsValid && j.leaf.IsCA {
		j.findings.add(codeCALeaf, mendReissue, "the certificate is one of an authority; ArcGIS cannot use it for a web server")
	}
}

// allowsServers tells whether the extended key usage, if there is one, has
// server authentication.
func allowsServers(cert *x509.Certificate) bool {
	if len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// minRSABits is what every authority and browser has asked for since 2014.
const minRSABits = 2048

func (j *judging) key() {
	switch key := j.leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		switch bits := key.N.BitLen(); {
		case bits < minRSABits:
			j.findings.add(codeWeakKey, mendReissue, "the RSA key has %d bits; fewer than %d are not safe", bits, minRSABits)
		case bits > maxRSABits:
			j.findings.add(codeKeyNotAccepted, mendReissue, "the RSA key has %d bits, which no server accepts", bits)
		}
	case *ecdsa.PublicKey:
		if !slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, key.Curve) {
			j.findings.add(codeKeyNotAccepted, mendReissue, "Application Gateway accepts no keys of the curve %s", key.Curve.Params().Name)
			return
		}
		// Portal's and Server's documented cipher suites for TLS 1.2 are RSA
		// only, for their own ports as well as for calls to the external name.
		j.findings.add(codeECKey, "Prefer a certificate for an RSA key; otherwise validate the federation after the switch.",
			"the key is %s: Application Gateway accepts it, but the cipher suites that ArcGIS documents are for RSA keys only", keyName(j.leaf))
	default:
		j.findings.add(codeKeyNotAccepted, mendReissue, "Application Gateway does not accept keys of the kind %s", keyName(j.leaf))
	}
}

// gatewayLimit is the most that Application Gateway v2 takes for one
// certificate ("Maximum SSL certificate size" in its table of limits).
const gatewayLimit = 16 << 10

func (j *judging) gatewayFit(b *Bundle) {
	if size := sizeForGateway(b); size > gatewayLimit {
		j.findings.add(codeTooLargeGateway, "Leave out what is no intermediate of this chain, or have the certificate issued with fewer names.",
			"the .pfx for the gateway would have about %d bytes; Application Gateway accepts at most %d", size, gatewayLimit)
	}
}
