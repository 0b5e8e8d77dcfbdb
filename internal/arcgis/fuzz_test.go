package arcgis

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// password has no blank: those that a service adds or takes away would make it
// another word, or the same again.
const password = "c4n4ry-pa55w0rd"

// said is a service that answers everything with the same words.
type said struct {
	status int
	body   string
}

func (s said) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	body := s.body
	if strings.HasSuffix(r.URL.Path, "generateToken") {
		body = granted
	}
	status := s.status
	if status < 200 || status > 599 || body == granted {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {s.body}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// Every call of every product, whatever the service answers: an *Error of bounded
// plain text that has none of our secrets, or a result that can be sent as JSON.
func FuzzEveryAnswer(f *testing.F) {
	for _, seed := range []string{
		granted, done, `{"version":"11.4","fullVersion":"11.4.0"}`,
		`{"machines":[{"machineName":"M.CORP","machine":"M.CORP","adminURL":"https://m:6443/arcgis/admin","role":"primary"},null,{}],"role":"standby"}`,
		`{"certificates":["a","b"],"sslCertificates":["a",{"x":1}],"webServerCertificateAlias":"a","sslProtocols":"TLSv1.2","HSTSEnabled":"true","Protocol":7}`,
		`{"servers":[{"id":"x","name":"\u001b[2J","url":"javascript:","isHosted":true,"serverRole":"HOSTING_SERVER"}]}`,
		`{"items":[{"path":"/enterpriseDatabases/x","type":"egdb"}],"status":"success with warnings","messages":["` + password + `"],"validationResult":{}}`,
		`{"alias":"a","sha256Fingerprint":"00","validUntil":"Mon Dec 16 06:07:04 PST 9999","validFromEpoch":1e18}`,
		`{"error":{"code":498,"message":"Invalid token ` + password + `"}}`, `{"status":"error","messages":["` + password + `"],"code":500}`,
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "<html><title>", "[]", strings.Repeat(`{"a":`, 11000),
	} {
		f.Add(200, []byte(seed))
		f.Add(500, []byte(seed))
	}
	f.Add(302, []byte("https://elsewhere.example/?token="+password))
	kinds := []string{"portal", "server", "notebook", "mission", "video"}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		client := &http.Client{Transport: said{status, string(body)}}
		check := func(what any, err error) {
			if err == nil {
				if _, err := json.Marshal(what); err != nil {
					t.Errorf("%+v cannot be sent: %v", what, err)
				}
				return
			}
			known, ok := errors.AsType[*Error](err)
			if !ok {
				t.Errorf("%T: %v", err, err)
			}
			if text := err.Error(); len(text) > 10<<10 || strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, password) && known.Code != CodeUnhealthy { // health is asked by nobody in particular
				t.Errorf("an error says %q (%+v)", text, known)
			}
		}
		ctx, pfx := t.Context(), secret.New("pfx")
		for _, kind := range kinds {
			a := NewAdmin(kind, "https://m.example:6443/arcgis", client)
			if err := a.SignIn(ctx, "siteadmin", secret.New(password)); err != nil {
				t.Fatal(err)
			}
			check(nil, a.Health(ctx))
			version, err := a.Version(ctx)
			check(version, err)
			machines, err := a.Machines(ctx)
			check(machines, err)
			chosen, err := a.Choose(ctx, "m.example", machines)
			check(chosen, err)
			keystore, err := a.Keystore(ctx, "M")
			check(keystore, err)
			certificate, err := a.Certificate(ctx, "M", "a")
			check(certificate, err)
			exported, err := a.Export(ctx, "M", "a")
			check(exported != nil, err)
			config, err := a.SecurityConfig(ctx)
			check(config, err)
			stores, err := a.Stores(ctx)
			check(stores, err)
			valid, err := a.ValidateStore(ctx, "/x")
			check(valid, err)
			check(nil, a.ImportServer(ctx, "M", "a", pfx, secret.New(password), true))
			check(nil, a.ImportAuthority(ctx, "M", "a", []byte{0x30}))
			check(nil, a.Delete(ctx, "M", "a"))
			check(nil, a.Update(ctx, "M", "a", pfx, secret.New(password)))
			check(nil, a.Assign(ctx, "M", "a", keystore))
		}
		a := NewAdmin(kinds[0], "https://m.example:6443/arcgis", client)
		if err := a.SignIn(ctx, "siteadmin", secret.New(password)); err != nil {
			t.Fatal(err)
		}
		servers, err := a.Portal().FederatedServers(ctx)
		check(servers, err)
		for _, server := range slices.Concat(servers, []FederatedServer{{ID: "x"}})[:1] {
			valid, err := a.Portal().Validate(ctx, server)
			check(valid, err)
		}
		check(nil, ServerHealth(ctx, client, "https://m.example/server"))
	})
}

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
