package pki

import (
	"net"
	"net/url"
	"testing"
)

func TestGuardURL(t *testing.T) {
	for address, allowed := range map[string]bool{
		"http://r3.i.lencr.org/":             true,
		"https://cacerts.digicert.com/a.crt": true,
		"http://8.8.8.8/":                    true,
		"http://[2606:4700::1111]/":          true,
		"http://pki/ca.crt":                  true, // the dialer sees where it leads
		"ftp://example.com/":                 false,
		"file:///etc/passwd":                 false,
		"ldap://dc.example.com/":             false,
		"http:///ca.crt":                     false,
		"http://user:pass@example.com/":      false,
		"http://localhost/":                  false,
		"http://LOCALHOST./":                 false,
		"http://a.localhost/":                false,
		"http://metadata.google.internal/":   false,
		"http://127.0.0.1:8080/":             false,
		"http://127.1/":                      false,
		"http://2130706433/":                 false,
		"http://0x7f.0.0.1/":                 false,
		"http://0177.0.0.1/":                 false,
		"http://[::1]/":                      false,
		"http://[::]/":                       false,
		"http://[::ffff:10.0.0.1]/":          false,
		"http://[fe80::1%25eth0]/":           false,
		"http://[64:ff9b::7f00:1]/":          false,
		"http://[fd00:ec2::254]/":            false,
		"http://169.254.169.254/metadata":    false,
		"http://168.63.129.16/":              false,
		"http://10.1.2.3/":                   false,
		"http://172.16.0.1/":                 false,
		"http://192.168.1.1/":                false,
		"http://100.64.0.1/":                 false,
		"http://224.0.0.1/":                  false,
		"http://255.255.255.255/":            false,
		"http://0.0.0.0/":                    false,
	} {
		parsed, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := (guard{}).url(parsed); (got == nil) != allowed {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// The dialer is asked for the address that a name resolved to.
func TestGuardControl(t *testing.T) {
	for address, allowed := range map[string]bool{
		"8.8.8.8:80":            true,
		"[2606:4700::1111]:443": true,
		"127.0.0.1:80":          false,
		"10.0.0.4:443":          false,
		"169.254.169.254:80":    false,
		"[::1]:80":              false,
		"[fe80::1%eth0]:80":     false,
		"/run/docker.sock":      false,
		"":                      false,
	} {
		if got := (guard{}).control("tcp", address, nil); (got == nil) != allowed {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestGuardIsTheOnlyDialer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for allow, want := range map[bool]bool{false: false, true: true} {
		conn, err := AIA{AllowPrivate: allow}.transport().direct.DialContext(t.Context(), "tcp", listener.Addr().String())
		if (err == nil) != want {
			t.Errorf("allowed %v: %v", allow, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
}
