package handshake

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/cartouche-gis/cartouche/internal/egress"
)

const defaultPort = 443

// String is host:port, with the default port written out.
func (t Target) String() string {
	return net.JoinHostPort(t.Host, strconv.Itoa(t.port()))
}

func (t Target) port() int {
	if t.Port == 0 {
		return defaultPort
	}
	return t.Port
}

func (t Target) check() error {
	if err := egress.CheckHost(t.Host); err != nil {
		return err
	}
	if port := t.port(); port < 1 || port > 65535 {
		return fmt.Errorf("port %d is not a number from 1 to 65535", port)
	}
	return nil
}

// isAddress tells whether the host is an IP address, for which no SNI is sent.
func (t Target) isAddress() bool {
	_, err := netip.ParseAddr(t.Host)
	return err == nil
}

// ParseTarget reads what a person types for an endpoint: HOST, HOST:PORT,
// [IPv6]:PORT, a bare IPv6 address, or a URL https://HOST[:PORT]/…, of which
// only host and port are kept. Names come out in lower case, without a final
// dot, internationalised ones in their "xn--" form.
func ParseTarget(text string) (Target, error) {
	text = strings.TrimSpace(text)
	if len(text) > 2048 {
		return Target{}, fmt.Errorf("a host of %d characters", len(text))
	}
	host, port, err := split(text)
	if err != nil {
		return Target{}, err
	}
	target := Target{Port: defaultPort}
	if target.Host, err = plainHost(host); err != nil {
		return Target{}, err
	}
	if port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return Target{}, fmt.Errorf("port %.20q is not a number from 1 to 65535", port)
		}
		target.Port = int(number)
	}
	return target, target.check()
}

func split(text string) (host, port string, err error) {
	if strings.Contains(text, "://") {
		return splitURL(text)
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return strings.Trim(text, "[]"), "", nil
	}
	if !strings.Contains(text, ":") {
		return text, "", nil
	}
	host, port, err = net.SplitHostPort(text)
	_, notIP := netip.ParseAddr(host)
	if err != nil || port == "" || strings.HasPrefix(text, "[") && notIP != nil {
		return "", "", fmt.Errorf("%.80q is not of the form HOST, HOST:PORT or [IPv6]:PORT", text)
	}
	return host, port, nil
}

func splitURL(text string) (host, port string, err error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		// Not quoted: a URL that somebody pasted can hold a password or a token.
		return "", "", errors.New("malformed URL; the host alone is enough")
	case u.Scheme != "https":
		return "", "", fmt.Errorf("only https is served with a certificate, not %.20q", u.Scheme)
	case u.User != nil:
		return "", "", errors.New("a URL with credentials is not accepted; the host alone is enough")
	}
	return u.Hostname(), u.Port(), nil
}

// plainHost gives the one spelling of host that DNS, SNI and comparison need.
func plainHost(host string) (string, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().String(), nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if strings.IndexFunc(host, func(r rune) bool { return r > 0x7e }) >= 0 {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", fmt.Errorf("%.80q is not a host name", host)
		}
		host = ascii
	}
	return host, nil
}
