package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"testing"
)

func TestCovers(t *testing.T) {
	tests := []struct {
		listed string
		name   string
		want   bool
	}{
		{"gis.example.com", "gis.example.com", true},
		{"gis.example.com", "GIS.example.com", true},
		{"GIS.Example.com", "gis.example.com.", true},
		{"gis.example.com", "maps.example.com", false},
		{"gis.example.com", "example.com", false},
		{"gis.example.com", "a.gis.example.com", false},
		{"*.example.com", "gis.example.com", true},
		{"*.example.com", "a.gis.example.com", false},
		{"*.example.com", "example.com", false},
		{"*.example.com", ".example.com", false},
		{"*.example.com", "*.example.com", true},
		{"gis.example.com", "*.example.com", false},
		{"*.gis.example.com", "*.example.com", false},
		{"*.com", "example.com", false},
		{"g*.example.com", "gis.example.com", false},
		{"a.*.example.com", "a.b.example.com", false},
		{"*", "localhost", false},
		{"localhost", "localhost", true},
		{"xn--mnchen-3ya.example.com", "münchen.example.com", true},
		{"xn--mnchen-3ya.example.com", "MÜNCHEN.example.com", true},
		{"xn--mnchen-3ya.example.com", "xn--mnchen-3ya.example.com", true},
		{"*.xn--mnchen-3ya.de", "gis.münchen.de", true},
		{"*.example.com", "münchen.example.com", true},
		{"gis.example.com", "", false},
		{"10.0.0.4", "10.0.0.4", false}, // an address listed as a name does not count
	}
	for _, test := range tests {
		cert := &x509.Certificate{DNSNames: []string{"other.example.net", test.listed}}
		if got := Covers(cert, test.name); got != test.want {
			t.Errorf("%s covers %s: %v, want %v", test.listed, test.name, got, test.want)
		}
	}
}

func TestCoversAddresses(t *testing.T) {
	cert := &x509.Certificate{IPAddresses: []net.IP{net.ParseIP("10.0.0.4"), net.ParseIP("2001:db8::1")}}
	for name, want := range map[string]bool{
		"10.0.0.4": true, "10.0.0.5": false, "2001:db8::1": true, "[2001:DB8:0::1]": true, "::ffff:10.0.0.4": true, "2001:db8::2": false,
	} {
		if got := Covers(cert, name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestTheCommonNameDoesNotCount(t *testing.T) {
	if Covers(&x509.Certificate{Subject: pkix.Name{CommonName: "gis.example.com"}}, "gis.example.com") {
		t.Error("a common name was taken for a name")
	}
}
