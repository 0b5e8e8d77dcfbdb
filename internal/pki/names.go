package pki

import (
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Covers tells whether a certificate is valid for a host name or an IP
// address, as RFC 6125 has it and browsers do it: only the subject alternative
// name counts, and a wildcard stands for exactly one whole label, the first. A
// name may be given in Unicode.
func Covers(cert *x509.Certificate, name string) bool {
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return slices.ContainsFunc(cert.IPAddresses, func(listed net.IP) bool {
			address, ok := netip.AddrFromSlice(listed)
			return ok && address.Unmap() == ip.Unmap()
		})
	}
	wanted := canonicalName(name)
	return wanted != "" && slices.ContainsFunc(cert.DNSNames, func(listed string) bool {
		return matches(canonicalName(listed), wanted)
	})
}

// matches compares two canonical names; pattern may be a wildcard. A wanted
// wildcard (a listener can have one) is only covered by the same wildcard.
func matches(pattern, wanted string) bool {
	if pattern == wanted {
		return true
	}
	parent, isWildcard := strings.CutPrefix(pattern, "*.")
	first, rest, _ := strings.Cut(wanted, ".")
	return isWildcard && first != "" && rest == parent && strings.Contains(parent, ".")
}

// canonicalName is lower-case A-label form without a final dot, "" for what is no host name.
func canonicalName(name string) string {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	prefix := ""
	if parent, isWildcard := strings.CutPrefix(name, "*."); isWildcard {
		prefix, name = "*.", parent
	}
	for i := range len(name) {
		if name[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(name)
			if err != nil {
				return ""
			}
			name = ascii
			break
		}
	}
	if name == "" {
		return ""
	}
	return prefix + name
}
