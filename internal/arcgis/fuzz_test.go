package arcgis

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// No answer makes the readers panic, and nothing they return can steer a
// terminal.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		granted,
		`{"error":{"code":"498","message":"Invalid Token","details":null}}`,
		`{"status":"error","messages":"one","code":1e400}`,
		`{"error":[1,{"a":"\u0007"}]}`,
		`{"servers":[{"id":5,"isHosted":"TRUE"},null]}`,
		"<html><title>x</title><script>y</script>",
		"\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		said := show([]string{excerpt(string(body))})
		if isObject(body) {
			if failure := readFailure(body); failure != nil {
				said = append(said, show(failure.messages)...)
			}
			var all struct {
				Token    text   `json:"token"`
				Expires  number `json:"expires"`
				Success  truth  `json:"success"`
				Messages texts  `json:"messages"`
			}
			_ = json.Unmarshal(body, &all)
			_ = moment(all.Expires)
			said = append(said, readValidation(string(all.Token), all.Messages).Messages...)
		}
		for _, line := range said {
			for _, r := range line {
				if unicode.IsControl(r) {
					t.Fatalf("control character %q in %q", r, line)
				}
			}
		}
	})
}

// No description of a certificate makes its reader panic, or give what is no
// fingerprint, a name that steers a terminal, or more names than are shown.
func FuzzCertificates(f *testing.F) {
	for _, seed := range []string{
		`{"entryType":"PrivateKeyEntry","sha1Fingerprint":"6f36513757c28ad43c2df5e4c7cee581ad18dd1e","validUntil":"Mon Dec 16 06:07:04 PST 2024","subjectAlternativeNames":["DNSName: a\u001b[2J"]}`,
		`{"Entry type":"trustedCertEntry","Certificate[1]":{"Certificate fingerprints":{"SHA1":"6F:36:51:37:57:C2:8A:D4:3C:2D:F5:E4:C7:CE:E5:81:AD:18:DD:1E"}},"Valid from":"a until: b until: c"}`,
		`{"sha256Fingerprint":"::::::::::::::::::::::::::::::::::::::::",}`,
		`{"validFromEpoch":9e99,"validUntilEpoch":"-1","subject":[],"issuer":{}}`,
		`{"validFromEpoch":"9223372036854775807","validUntil":"9999-12-31T23:59:59-12:00"}`,
		`{"a":{"a":{"a":{"a":{"a":{"sha1":"x"}}}}}}`,
		`[`, ``, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := readCertificate(body)
		if _, err := json.Marshal(c); err != nil {
			t.Fatalf("a report of it cannot be sent: %v", err)
		}
		for length, hex := range map[int]string{40: c.SHA1, 64: c.SHA256} {
			if hex != "" && (len(hex) != length || strings.Trim(hex, "0123456789abcdef") != "") {
				t.Fatalf("fingerprint %q", hex)
			}
		}
		if len(c.Names) > maxNames {
			t.Fatalf("%d names", len(c.Names))
		}
		for _, line := range append([]string{c.Subject, c.Issuer}, c.Names...) {
			if plain(line) != line && !strings.HasSuffix(line, " ...") {
				t.Fatalf("%q is shown as it is", line)
			}
		}
		if c.Type != "" && c.Type != PrivateKey && c.Type != Trusted {
			t.Fatalf("type %q", c.Type)
		}
		if said := unfloat(plain(string(body))); parseVersion(said).major < 0 && !strings.HasPrefix(said, "-") {
			t.Fatalf("version %q", said)
		}
	})
}
