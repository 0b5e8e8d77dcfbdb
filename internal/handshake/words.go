package handshake

import (
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// mostListed is how many addresses or leaves a sentence names.
const mostListed = 4

// where says of which target and addresses a sentence speaks:
// "gis.example.com:443 at 203.0.113.1 and 203.0.113.2".
func where(places ...place) string {
	var addresses []string
	for _, p := range places {
		ip, _, err := net.SplitHostPort(p.main.Address)
		if err == nil && !slices.Contains(addresses, ip) {
			addresses = append(addresses, ip)
		}
	}
	first := places[0].main
	text := first.Target
	host, _, _ := net.SplitHostPort(first.Target)
	if len(addresses) > 0 && !slices.Equal(addresses, []string{host}) {
		text += " at " + list(addresses)
	}
	if first.Proxy != "" {
		text += " through proxy " + first.Proxy
	}
	return text
}

// summary is a leaf in a sentence: what a person recognises it by.
func summary(cert *x509.Certificate) string {
	d := pki.Describe(cert)
	return fmt.Sprintf("%q (valid to %s, SHA-256 %.16s)", d.Subject, d.NotAfter.Format("2006-01-02"), d.SHA256)
}

// list is "a", "a and b", "a, b and c", "a, b, c, d and 3 more".
func list(items []string) string {
	if more := len(items) - mostListed; more > 0 {
		items = append(slices.Clone(items[:mostListed]), fmt.Sprintf("%d more", more))
	}
	if len(items) == 1 {
		return items[0]
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " and " + items[last]
}
