package egress

import (
	"fmt"
	"strings"
	"testing"
)

// environment makes a lookup function of name, value, name, value, …
func environment(pairs ...string) func(string) string {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

func networkFrom(t testing.TB, pairs ...string) *Network {
	t.Helper()
	n, err := FromEnvironment(environment(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestProxyForFollowsTheEnvironment(t *testing.T) {
	for _, row := range []struct {
		name string
		env  []string
		host string
		want string
	}{
		{"nothing set", nil, "gis.example.com", ""},
		{"upper case", []string{"HTTPS_PROXY", "http://10.0.0.1:3128"}, "gis.example.com", "10.0.0.1:3128"},
		{"lower case wins", []string{"HTTPS_PROXY", "http://upper:1", "https_proxy", "http://lower:2"}, "gis.example.com", "lower:2"},
		{"without scheme", []string{"HTTPS_PROXY", "proxy.corp:3128"}, "gis.example.com", "proxy.corp:3128"},
		{"default port of http", []string{"HTTPS_PROXY", "http://proxy.corp"}, "gis.example.com", "proxy.corp:80"},
		{"default port of https", []string{"HTTPS_PROXY", "https://proxy.corp/"}, "gis.example.com", "proxy.corp:443"},
		{"IPv6", []string{"HTTPS_PROXY", "http://[2001:db8::1]:3128"}, "gis.example.com", "[2001:db8::1]:3128"},
		{"surrounding spaces", []string{"HTTPS_PROXY", " http://proxy.corp:8080\n"}, "gis.example.com", "proxy.corp:8080"},
		{"credentials are not shown", []string{"HTTPS_PROXY", "http://amy:hunter2@proxy.corp:8080"}, "gis.example.com", "proxy.corp:8080"},
		{"HTTP_PROXY is not for TLS", []string{"HTTP_PROXY", "http://proxy.corp:8080"}, "gis.example.com", ""},
		{"NO_PROXY name", []string{"HTTPS_PROXY", "http://p:1", "NO_PROXY", "example.com"}, "gis.example.com", ""},
		{"NO_PROXY other name", []string{"HTTPS_PROXY", "http://p:1", "NO_PROXY", "example.org"}, "gis.example.com", "p:1"},
		{"NO_PROXY subdomains only", []string{"HTTPS_PROXY", "http://p:1", "no_proxy", ".example.com"}, "example.com", "p:1"},
		{"NO_PROXY network", []string{"HTTPS_PROXY", "http://p:1", "NO_PROXY", "10.0.0.0/8"}, "10.1.2.3:443", ""},
		{"NO_PROXY port", []string{"HTTPS_PROXY", "http://p:1", "NO_PROXY", "gis.example.com:6443"}, "gis.example.com:6443", ""},
		{"NO_PROXY another port", []string{"HTTPS_PROXY", "http://p:1", "NO_PROXY", "gis.example.com:6443"}, "gis.example.com", "p:1"},
		{"NO_PROXY star", []string{"HTTPS_PROXY", "http://p:1", "NO_PROXY", "*"}, "gis.example.com", ""},
		{"loopback is never proxied", []string{"HTTPS_PROXY", "http://p:1"}, "127.0.0.1:8443", ""},
		{"IPv6 loopback is never proxied", []string{"HTTPS_PROXY", "http://p:1"}, "[::1]:8443", ""},
		{"bare IPv6", []string{"HTTPS_PROXY", "http://p:1"}, "2001:db8::2", "p:1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := networkFrom(t, row.env...).ProxyFor(row.host); got != row.want {
				t.Errorf("ProxyFor(%q) = %q, want %q", row.host, got, row.want)
			}
		})
	}
}

func TestMalformedProxyNamesTheVariableAndNeverThePassword(t *testing.T) {
	for _, value := range []string{
		"socks5://amy:hunter2@proxy.corp:1080",
		"ftp://proxy.corp",
		"http://",
		"http://amy:hunter2@",
		"http://amy:hun/ter2@proxy.corp:3128",
		"http://amy:12/hunter2@proxy.corp:3128",
		"http://amy:12#hunter2@proxy.corp:3128",
		"http://amy:12?hunter2@proxy.corp:3128",
		"http://amy:hunter2%zz@proxy.corp:3128",
		"http://proxy.corp:hunter2",
		"http://proxy.corp:0",
		"http://proxy.corp:70000",
		"http://proxy corp:3128",
		"http://proxy.corp:3128/hunter2",
		"amy:hunter2@proxy.corp:port",
		"http://a:hunter2\x00@proxy.corp",
		"http://pro\r\nxy.corp:3128",
	} {
		for _, variable := range []string{"https_proxy", "HTTPS_PROXY", "HTTP_PROXY"} {
			_, err := FromEnvironment(environment(variable, value))
			if err == nil {
				t.Errorf("%s=%q was accepted", variable, value)
				continue
			}
			if !strings.HasPrefix(err.Error(), variable+": ") {
				t.Errorf("%s=%q: error %q does not begin with the variable", variable, value, err)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "amy") {
				t.Errorf("%s: error %q shows credentials", variable, err)
			}
		}
	}
}

func TestPrintingANetworkShowsNoCredentials(t *testing.T) {
	n := networkFrom(t, "HTTPS_PROXY", "http://amy:hunter2@proxy.corp:3128", "HTTP_PROXY", "http://amy:hunter2@proxy.corp:3128")
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		text := fmt.Sprintf(format, n) + fmt.Sprintf(format, *n.https)
		if strings.Contains(text, "hunter2") || strings.Contains(text, "amy") {
			t.Errorf("%s shows credentials: %s", format, text)
		}
	}
}

func TestCheckHost(t *testing.T) {
	for _, good := range []string{"gis.example.com", "GIS-1", "my_machine", "10.0.0.1", "2001:db8::1", "xn--mnchen-3ya.example", "a.b1"} {
		if err := CheckHost(good); err != nil {
			t.Errorf("CheckHost(%q) = %v", good, err)
		}
	}
	for _, bad := range []string{
		"", " ", "gis example.com", "gis.example.com\r\nX: y", "gis\x00", "gis..com", ".gis", "gis.", "münchen.example",
		"fe80::1%eth0", "300.1.2.3", "10.1", "[2001:db8::1]", "gis.example.com:443", "https://gis.example.com",
		strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com", "a/b", "a@b",
	} {
		if err := CheckHost(bad); err == nil {
			t.Errorf("CheckHost(%q) accepted it", bad)
		}
	}
}
