package egress

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// proxy is one HTTP proxy. The user and password stand apart from the rest, so
// that printing a proxy shows nothing.
type proxy struct {
	scheme  string // "http" or "https": how one speaks to the proxy itself
	address string // host:port

	named    bool // whether the URL had a user
	user     secret.Secret
	password secret.Secret
}

// String is the proxy's URL without credentials, empty for none at all.
func (p *proxy) String() string {
	if p == nil {
		return ""
	}
	return p.scheme + "://" + p.address
}

// hostPort is the proxy's address, empty for none at all.
func (p *proxy) hostPort() string {
	if p == nil {
		return ""
	}
	return p.address
}

// url is the proxy's URL with credentials, as http.Transport wants it.
func (p *proxy) url() *url.URL {
	u := &url.URL{Scheme: p.scheme, Host: p.address}
	if p.named {
		u.User = url.UserPassword(p.user.Reveal(), p.password.Reveal())
	}
	return u
}

// authorization is the value of Proxy-Authorization, empty without credentials.
func (p *proxy) authorization() secret.Secret {
	if !p.named {
		return secret.Secret{}
	}
	pair := p.user.Reveal() + ":" + p.password.Reveal()
	return secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(pair)))
}

// proxyFrom reads the proxy that the variable called name (in lower case, or
// else in upper case) holds; nil when it is not set.
func proxyFrom(lookup func(string) string, name string) (*proxy, error) {
	name, text := eitherCase(lookup, name)
	if text == "" {
		return nil, nil
	}
	p, err := parseProxy(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// eitherCase prefers the lower-case spelling, as Go and curl do. It gives the
// spelling that was found, for the message, and the value.
func eitherCase(lookup func(string) string, lower string) (name, value string) {
	if value := strings.TrimSpace(lookup(lower)); value != "" {
		return lower, value
	}
	upper := strings.ToUpper(lower)
	return upper, strings.TrimSpace(lookup(upper))
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// errProxyForm is all that is said about a malformed value: the errors of
// net/url quote parts of it, and a password with an unescaped "/", "#" or "@"
// ends up in the host, the port or the path.
var errProxyForm = errors.New("is not a proxy address of the form http://[user:password@]host:port " +
	"(special characters in user and password must be percent-encoded)")

// parseProxy reads "host:port" (http is meant) or a URL with scheme http or https.
func parseProxy(text string) (*proxy, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errProxyForm
	}
	defaultPort, ok := defaultPorts[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("proxies of the kind %q are not supported, only http and https", u.Scheme)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errProxyForm
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	if CheckHost(u.Hostname()) != nil || checkPort(port) != nil {
		return nil, errProxyForm
	}
	p := &proxy{scheme: u.Scheme, address: net.JoinHostPort(u.Hostname(), port)}
	if u.User != nil {
		password, _ := u.User.Password()
		p.named, p.user, p.password = true, secret.New(u.User.Username()), secret.New(password)
	}
	return p, nil
}

func checkPort(text string) error {
	if port, err := strconv.ParseUint(text, 10, 16); err != nil || port == 0 {
		return fmt.Errorf("port %.10q is not a number from 1 to 65535", text)
	}
	return nil
}
