package pki

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// An AIA address stands in a certificate, so whoever made the certificate
// chooses what this computer is asked to fetch. The guard keeps that away from
// everything that only this computer, or only this network, can reach: cloud
// metadata services, admin ports, intranets.
//
// It works at two points. A URL is refused for what is written in it. An
// address is refused when it is dialled, after the name was resolved, so that
// a name that resolves to 127.0.0.1 does not get through. Behind a proxy only
// the first is possible: the proxy resolves the name.
type guard struct {
	allowPrivate bool
}

// closedNetworks are all addresses that are not for everybody, from the
// special-purpose registries of IANA (RFC 6890), and one of Azure's.
var closedNetworks = networks(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // the Azure platform as virtual machines see it
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	"5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func networks(texts ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}

var errClosedAddress = errors.New("the address is not a public one")

func (g guard) address(ip netip.Addr) error {
	ip = ip.Unmap().WithZone("")
	for _, network := range closedNetworks {
		if !g.allowPrivate && network.Contains(ip) {
			return errClosedAddress
		}
	}
	return nil
}

// url refuses what can be refused before a name is resolved.
func (g guard) url(u *url.URL) error {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("the scheme %q is not http or https", printable(u.Scheme))
	case host == "" || u.User != nil:
		return errors.New("it is not a plain address")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return g.address(ip)
	}
	if g.allowPrivate {
		return nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case last == "localhost", last == "internal":
		// The latter is reserved for networks of their own (ICANN, 2024-07-29), and
		// the metadata services of clouds are under it. Behind a proxy only the name
		// can tell.
		return errClosedAddress
	case last != "" && last[0] >= '0' && last[0] <= '9':
		// 2130706433, 0x7f.1 and 127.1 are IP addresses to some resolvers and
		// proxies; no public name ends in a label that begins with a digit.
		return errClosedAddress
	}
	return nil
}

// control is for net.Dialer: it sees the address that is really dialled.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return errClosedAddress
	}
	return g.address(target.Addr())
}
