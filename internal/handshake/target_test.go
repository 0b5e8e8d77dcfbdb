package handshake

import (
	"slices"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"gis.example.com", "gis.example.com:443"},
		{"  GIS.Example.com. \n", "gis.example.com:443"},
		{"gis.example.com:6443", "gis.example.com:6443"},
		{"machine_1:7443", "machine_1:7443"},
		{"10.0.0.4", "10.0.0.4:443"},
		{"10.0.0.4:8443", "10.0.0.4:8443"},
		{"2001:db8::1", "[2001:db8::1]:443"},
		{"[2001:db8::1]", "[2001:db8::1]:443"},
		{"[2001:DB8:0::1]:6443", "[2001:db8::1]:6443"},
		{"::ffff:10.0.0.4", "10.0.0.4:443"},
		{"https://gis.example.com", "gis.example.com:443"},
		{"HTTPS://gis.example.com:7443/arcgis/home?f=json#top", "gis.example.com:7443"},
		{"https://[2001:db8::1]/portal", "[2001:db8::1]:443"},
		{"münchen.example", "xn--mnchen-3ya.example:443"},
	} {
		got, err := ParseTarget(row.text)
		if err != nil || got.String() != row.want {
			t.Errorf("ParseTarget(%q) = %s, %v, want %s", row.text, got, err, row.want)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", ".", ":443", "gis.example.com:", "gis.example.com:https", "gis.example.com:0", "gis.example.com:65536",
		"gis.example.com:-1", "gis example.com", "gis\x00.example.com", "gis\r\nHost: x", "gis.example.com/portal", "a:b:c",
		"http://gis.example.com", "ftp://gis.example.com", "https://", "https:///portal", "https://amy:hunter2@gis.example.com",
		"https://amy:hun/ter2@gis.example.com", "[gis.example.com]:443", "[fe80::1%eth0]:443", "fe80::1%eth0",
		strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 5000), "300.300.300.300", "-\u202e.example", "*.example.com",
	} {
		target, err := ParseTarget(text)
		if err == nil {
			t.Errorf("ParseTarget(%q) = %s", text, target)
			continue
		}
		if strings.Contains(err.Error(), "ter2") || len(err.Error()) > 500 {
			t.Errorf("ParseTarget(%q): error %q", text, err)
		}
	}
}

// FuzzParseTarget: whatever is accepted is a target that Look would accept, and
// its written form is read as the same target.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"gis.example.com", "gis:6443", "[2001:db8::1]:443", "https://gis.example.com/x", "2001:db8::1", "xn--a", "münchen.de:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := ParseTarget(text)
		if err != nil {
			return
		}
		if err := target.check(); err != nil {
			t.Fatalf("accepted %q, which is not valid: %v", text, err)
		}
		again, err := ParseTarget(target.String())
		if err != nil || again.Host != target.Host || again.Port != target.Port || !slices.Equal(again.Addresses, target.Addresses) {
			t.Fatalf("%q is %s, which is read as %s, %v", text, target, again, err)
		}
	})
}
