package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// CheckHost tells whether host can be the name or the IP address of a computer.
// Names are ASCII (internationalised ones in their "xn--" form), without a
// final dot, at most 253 bytes (RFC 1035 §2.3.4); an underscore is allowed, as
// Windows machine names have it. Whatever passes is safe in a request line.
func CheckHost(host string) error {
	if host == "" {
		return errors.New("host name is empty")
	}
	if len(host) > 253 {
		return fmt.Errorf("host name of %d bytes is longer than the 253 that DNS allows", len(host))
	}
	if address, err := netip.ParseAddr(host); err == nil {
		if address.Zone() != "" {
			return fmt.Errorf("address %.60q has a zone, which is not supported", host)
		}
		return nil
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return fmt.Errorf("host name %.80q: %w", host, err)
		}
	}
	// Resolvers read "10.1" or "300.1.2.3" as addresses in forgotten notations.
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return fmt.Errorf("%.80q is neither a host name nor an IP address", host)
	}
	return nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("empty part between dots")
	case len(label) > 63:
		return errors.New("part of more than 63 bytes")
	}
	for _, c := range []byte(label) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && c != '-' && c != '_' {
			return fmt.Errorf("character %q is not allowed", rune(c))
		}
	}
	return nil
}
