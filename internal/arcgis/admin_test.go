package arcgis

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	serverToken = "/arcgis/admin/generateToken"
	serverRoot  = "/arcgis/admin"
	machineM    = "/arcgis/admin/machines/M"
	storeM      = machineM + "/sslcertificates"
	portalM     = "/arcgis/portaladmin/machines/P/sslCertificates"
	done        = `{"status":"success"}`
)

func version115() reply { return ok(`{"currentVersion":11.5,"fullVersion":"11.5.0"}`) }

// admin is one that is signed in, at a fake.
func (f *fake) admin(t *testing.T, product string) *Admin {
	t.Helper()
	a := NewAdmin(product, f.URL+"/arcgis/", f.Client())
	if err := a.SignIn(t.Context(), "siteadmin", secret.New(canary)); err != nil {
		t.Fatal(err)
	}
	return a
}

// Every shape of an error that was seen or documented, at a Server's alias.
// Only the one that says that the alias is not there is taken for that.
func TestShapesOfErrors(t *testing.T) {
	page := `<html><head><title>Error</title></head><body>Error: 500 Unable to import certificate</body></html>`
	for name, row := range map[string]struct {
		reply reply
		code  string
		said  string
	}{
		"unknown alias, flat":     {ok(`{"status":"error","messages":["Could not find resource or operation 'x' on the system."],"code":404}`), CodeNotFound, "Could not find"},
		"unknown alias, nested":   {ok(`{"error":{"code":404,"message":"Could not find resource or operation 'x' on the system.","details":[]}}`), CodeNotFound, "Could not find"},
		"unknown alias, HTTP 404": {reply{status: 404, body: `{"error":{"code":404,"message":"Not Found"}}`}, CodeNotFound, "HTTP 404"},
		"no site":                 {ok(`{"status":"error","messages":["Server machine 'H' does not participate in any Site. Create a new Site or join an existing Site."],"code":404,"acceptLanguage":null}`), CodeNoSite, "participate"},
		"page with HTTP 404":      {reply{status: 404, body: page}, CodeNotJSON, "HTTP 404"},
		"page with HTTP 200":      {ok(page), CodeNotJSON, "Unable to import"},
		"page with HTTP 503":      {reply{status: 503, body: page}, CodeNotJSON, "HTTP 503"},
		"failure":                 {ok(`{"status":"error","messages":["Importing CA certificate failed."],"code":500}`), CodeRefused, "Importing CA certificate failed."},
		"forbidden":               {ok(`{"error":{"code":403,"message":"You do not have permissions"}}`), CodeForbidden, "permissions"},
		"redirect":                {reply{status: 302, header: http.Header{"Location": {"https://m.example/arcgis/manager"}}}, CodeRedirected, "m.example"},
		"another object":          {ok(`{"hint":"none"}`), CodeUnexpected, ""},
		"nothing":                 {ok(""), CodeNotJSON, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{
				serverToken: {ok(granted)}, serverRoot: {version115()},
				storeM: {ok(`{"certificates":["selfsignedcertificate"]}`)}, machineM: {ok(`{"webServerCertificateAlias":"SelfSignedCertificate"}`)},
				storeM + "/x": {row.reply},
			})
			_, err := f.admin(t, "server").Certificate(t.Context(), "M", "X")
			if code(err) != row.code || !strings.Contains(fmt.Sprint(err), row.said) {
				t.Errorf("Certificate = %v (code %q), want code %q saying %q", err, code(err), row.code, row.said)
			}
			assertNoCanary(t, err)
		})
	}
}

// A 404 for an alias that the list has is no proof that it is not there: a
// client that believed it would import and assign anew.
func TestNotFoundIsCheckedWithTheList(t *testing.T) {
	missing := ok(`{"status":"error","messages":["Could not find resource or operation 'x' on the system."],"code":404}`)
	f := newFake(t, map[string][]reply{
		serverToken: {ok(granted)}, storeM: {ok(`{"certificates":["X"]}`)}, machineM: {ok(`{"webServerCertificateAlias":"a"}`)}, storeM + "/x": {missing},
	})
	if _, err := f.admin(t, "server").Certificate(t.Context(), "M", "x"); code(err) != CodeUnexpected {
		t.Errorf("Certificate = %v, want code %s", err, CodeUnexpected)
	}
	f = newFake(t, map[string][]reply{serverToken: {ok(granted)}, storeM + "/x": {missing}, storeM: {missing}})
	if _, err := f.admin(t, "server").Certificate(t.Context(), "M", "x"); code(err) != CodeNotFound || !strings.Contains(err.Error(), "keystore") {
		t.Errorf("Certificate = %v, want the error of the keystore", err)
	}
}

func TestVersions(t *testing.T) {
	for body, want := range map[string]string{
		`{"currentVersion":10.91,"fullVersion":"10.9.1"}`: "10.9.1",
		`{"currentVersion":10.61}`:                        "10.6.1",
		`{"currentVersion":11}`:                           "11.0",
		`{"currentVersion":11.3}`:                         "11.3",
		`{"currentVersion":"10.7.1","resources":[]}`:      "10.7.1",
		`{"currentVersion":"12.1"}`:                       "12.1",
	} {
		f := newFake(t, map[string][]reply{serverToken: {ok(granted)}, serverRoot: {ok(body)}})
		if got, err := f.admin(t, "mission").Version(t.Context()); got != want || err != nil {
			t.Errorf("%s: Version = %q, %v; want %q", body, got, err, want)
		}
	}
	f := newFake(t, map[string][]reply{serverToken: {ok(granted)}, serverRoot: {ok(`{"resources":[]}`)}})
	if _, err := f.admin(t, "server").Version(t.Context()); code(err) != CodeUnexpected {
		t.Errorf("Version = %v, want code %s", err, CodeUnexpected)
	}
}

// The list of aliases has two names, and where the active one stands differs.
func TestKeystores(t *testing.T) {
	for name, row := range map[string]struct {
		product, list string
		want          Keystore
	}{
		"server":               {"server", `{"certificates":["selfsignedcertificate","Upper","upper"]}`, Keystore{Active: "SelfSignedCertificate", Aliases: []string{"selfsignedcertificate", "upper"}, Settings: map[string]string{}, Started: 5}},
		"notebook, documented": {"notebook", `{"certificates":["a"]}`, Keystore{Active: "SelfSignedCertificate", Aliases: []string{"a"}, Settings: map[string]string{}, Started: 5}},
		"notebook, as DSC":     {"notebook", `{"sslCertificates":["a"]}`, Keystore{Active: "SelfSignedCertificate", Aliases: []string{"a"}, Settings: map[string]string{}, Started: 5}},
		"portal": {"portal", `{"sslCertificates":["portal"],"webServerCertificateAlias":"Portal","sslProtocols":"TLSv1.2","cipherSuites":["A","B"],"HSTSEnabled":false}`,
			Keystore{Active: "Portal", Aliases: []string{"portal"}, Settings: map[string]string{"sslProtocols": "TLSv1.2", "cipherSuites": "A,B", "HSTSEnabled": "false"}}},
		"old portal": {"portal", `{"sslCertificates":["portal"],"webServerCertificateAlias":"portal","sslProtocols":null}`,
			Keystore{Active: "portal", Aliases: []string{"portal"}, Settings: map[string]string{}}},
		"odd aliases": {"server", `{"certificates":["a/b","..","","a\u0007b",5]}`, Keystore{Active: "SelfSignedCertificate", Aliases: []string{"a/b", "5"}, Settings: map[string]string{}, Started: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{
				serverToken: {ok(granted)}, "/arcgis/sharing/rest/generateToken": {ok(granted)}, "/arcgis/portaladmin": {ok(`{"version":"11.5.0"}`)},
				storeM: {ok(row.list)}, "/arcgis/portaladmin/machines/M/sslCertificates": {ok(row.list)},
				machineM: {ok(`{"machineName":"M","webServerCertificateAlias":"SelfSignedCertificate","ServerStartTime":"5"}`)},
			})
			got, err := f.admin(t, row.product).Keystore(t.Context(), "M")
			got.machine = nil
			if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(Keystore{})); err != nil || diff != "" {
				t.Errorf("%v, keystore (-want +got):\n%s", err, diff)
			}
		})
	}
	for name, list := range map[string]string{"no list": `{"webServerCertificateAlias":"a"}`, "none is active": `{"sslCertificates":["a"]}`} {
		f := newFake(t, map[string][]reply{
			"/arcgis/sharing/rest/generateToken": {ok(granted)}, "/arcgis/portaladmin": {ok(`{"version":"11.5.0"}`)}, portalM: {ok(list)},
		})
		if _, err := f.admin(t, "portal").Keystore(t.Context(), "P"); code(err) != CodeUnexpected {
			t.Errorf("%s: Keystore = %v, want code %s", name, err, CodeUnexpected)
		}
	}
}

// The layouts of an entry, and what is read of each.
func TestCertificates(t *testing.T) {
	sha1, sha256 := strings.Repeat("6f", 20), strings.Repeat("ab", 32)
	upper := func(s string) string {
		var parts []string
		for i := 0; i < len(s); i += 2 {
			parts = append(parts, strings.ToUpper(s[i:i+2]))
		}
		return strings.Join(parts, ":")
	}
	until := time.Date(2024, 12, 16, 14, 7, 4, 0, time.UTC)
	for name, row := range map[string]struct {
		body string
		want Certificate
	}{
		"modern": {`{"aliasName":"x","entryType":"PrivateKeyEntry","issuer":"CN=CA","subject":"CN=gis1","subjectAlternativeNames":["DNSName: gis1.example.com","IPAddress: 10.0.0.4","URIName: urn:a:b"],
			"validFrom":"Fri Dec 16 06:07:04 PST 2022","validUntilEpoch":1734358024000,"sha1Fingerprint":"` + sha1 + `","sha256Fingerprint":"` + sha256 + `"}`,
			Certificate{Type: PrivateKey, Issuer: "CN=CA", Subject: "CN=gis1", Names: []string{"gis1.example.com", "10.0.0.4", "urn:a:b"}, NotBefore: time.Date(2022, 12, 16, 14, 7, 4, 0, time.UTC), NotAfter: until, SHA1: sha1, SHA256: sha256}},
		"10.7, without type": {`{"subject":"CN=gis1","validUntil":"Mon Dec 16 14:07:04 UTC 2024","sha1Fingerprint":"` + sha1 + `"}`,
			Certificate{Subject: "CN=gis1", NotAfter: until, SHA1: sha1}},
		"the singular of the documentation": {`{"entryType":"trustedCertEntry","subjectAlternativeName":"DNSName: a","sha1Fingerprint":"` + sha1 + `"}`,
			Certificate{Type: Trusted, Names: []string{"a"}, SHA1: sha1}},
		"keytool": {`{"Alias name":"x","Creation date":"Dec 16, 2022","Entry type":"PrivateKeyEntry","Certificate chain length":"1","Certificate[1]":"","Owner":"CN=gis1","Issuer":"CN=CA","Serial number":"50",
			"Valid from":"Fri Dec 16 14:07:04 UTC 2022 until: Mon Dec 16 14:07:04 UTC 2024","Certificate fingerprints":"","SHA1":"` + upper(sha1) + `","SHA256":"` + upper(sha256) + `"}`,
			Certificate{Type: PrivateKey, Subject: "CN=gis1", Issuer: "CN=CA", NotBefore: time.Date(2022, 12, 16, 14, 7, 4, 0, time.UTC), NotAfter: until, SHA1: sha1, SHA256: sha256}},
		"keytool, nested": {`{"Entry type":"trustedCertEntry","Certificate[1]":{"Owner":"CN=gis1","Certificate fingerprints":{"SHA1":"` + upper(sha1) + `"}},"Certificate[2]":{"Owner":"CN=CA"}}`,
			Certificate{Type: Trusted, Subject: "CN=gis1", SHA1: sha1}},
		"duplicate keys": {`{"sha1Fingerprint":"","sha1Fingerprint":"` + sha1 + `"}`, Certificate{SHA1: sha1}},
		"no JSON":        {`{"subject":"CN="gis1"","sha1Fingerprint" : "` + upper(sha1) + `",}`, Certificate{SHA1: sha1}},
		"no date at all": {`{"validUntil":"one day","validFrom":7,"validUntilEpoch":"x","sha256Fingerprint":"` + sha256 + `"}`, Certificate{SHA256: sha256}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{serverToken: {ok(granted)}, storeM + "/x": {ok(row.body)}})
			got, err := f.admin(t, "server").Certificate(t.Context(), "M", "X")
			row.want.Alias = "x"
			if diff := cmp.Diff(row.want, got); err != nil || diff != "" {
				t.Errorf("%v, certificate (-want +got):\n%s", err, diff)
			}
		})
	}
}

// sent is a request as it arrived at a recorder.
type sent struct {
	path, header string
	form         map[string]string
	file         string
}

// recorder answers success to every change and keeps what came.
func recorder(t *testing.T, product, version, machine string) (*Admin, *[]sent) {
	t.Helper()
	var all []sent
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sent{path: r.URL.RequestURI(), header: r.Header.Get("X-Esri-Authorization"), form: map[string]string{}}
		if reader, err := r.MultipartReader(); err == nil {
			got.readParts(t, reader)
		} else {
			body, _ := io.ReadAll(r.Body)
			values, _ := url.ParseQuery(string(body))
			for name := range values {
				got.form[name] = values.Get(name)
			}
		}
		all = append(all, got)
		answer := done
		switch {
		case strings.HasSuffix(r.URL.Path, "generateToken"):
			answer = granted
		case r.URL.Path == "/arcgis/admin" || r.URL.Path == "/arcgis/portaladmin":
			answer = `{"version":"` + version + `","fullVersion":"` + version + `"}`
		case r.URL.Path == machineM:
			answer = machine
		case strings.HasSuffix(strings.ToLower(r.URL.Path), "sslcertificates"):
			answer = `{"sslCertificates":["a"],"webServerCertificateAlias":"a","sslProtocols":"TLSv1.2,TLSv1.3","cipherSuites":"S","HSTSEnabled":true}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	a := NewAdmin(product, server.URL+"/arcgis", server.Client())
	if err := a.SignIn(t.Context(), "siteadmin", secret.New(canary)); err != nil {
		t.Fatal(err)
	}
	return a, &all
}

func (s *sent) readParts(t *testing.T, reader *multipart.Reader) {
	for {
		part, err := reader.NextPart()
		if err != nil {
			return
		}
		body, err := io.ReadAll(part)
		if err != nil {
			t.Error(err)
		}
		if part.FileName() != "" {
			s.file = part.FormName() + " " + part.Header.Get("Content-Type") + " " + string(body)
			continue
		}
		s.form[part.FormName()] = string(body)
	}
}

// What a change sends, word for word.
func TestChangesAsTheyAreSent(t *testing.T) {
	pfx, password := secret.New("PFX"), secret.New("Alnum0nly")
	type change func(context.Context, *Admin) error
	install := func(chain bool) change {
		return func(ctx context.Context, a *Admin) error {
			return a.ImportServer(ctx, "M", "New", pfx, password, chain)
		}
	}
	authority := func(ctx context.Context, a *Admin) error { return a.ImportAuthority(ctx, "M", "Root", []byte("DER")) }
	update := func(ctx context.Context, a *Admin) error { return a.Update(ctx, "M", "New", pfx, password) }
	remove := func(ctx context.Context, a *Admin) error { return a.Delete(ctx, "M", "New/..") }
	const token = "t0ken-1"
	form := func(more ...string) map[string]string {
		all := map[string]string{"f": "json", "token": token}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	for name, row := range map[string]struct {
		product, version string
		change           change
		want             sent
	}{
		"server 11.3":      {"server", "11.3.0", install(false), sent{path: storeM + "/importExistingServerCertificate", form: form("alias", "New", "certPassword", "Alnum0nly", "importCertificateChain", "false"), file: "certFile application/x-pkcs12 PFX"}},
		"server 11.1":      {"server", "11.1.0", install(true), sent{path: storeM + "/importExistingServerCertificate", form: form("alias", "New", "certPassword", "Alnum0nly"), file: "certFile application/x-pkcs12 PFX"}},
		"notebook":         {"notebook", "11.5.0", install(true), sent{path: storeM + "/importExistingServerCertificate", header: "Bearer " + token, form: form("alias", "New", "certPassword", "Alnum0nly"), file: "certFile application/x-pkcs12 PFX"}},
		"portal":           {"portal", "11.5.0", install(true), sent{path: "/arcgis/portaladmin/machines/M/sslCertificates/importExistingServerCertificate", form: form("alias", "New", "password", "Alnum0nly", "importCertificateChain", "true"), file: "file application/x-pkcs12 PFX"}},
		"portal 10.7":      {"portal", "10.7.1", install(true), sent{path: "/arcgis/portaladmin/security/sslCertificates/importExistingServerCertificate", form: form("alias", "New", "password", "Alnum0nly"), file: "file application/x-pkcs12 PFX"}},
		"portal authority": {"portal", "11.5.0", authority, sent{path: "/arcgis/portaladmin/machines/M/sslCertificates/importRootOrIntermediate", form: form("alias", "Root", "norestart", "true"), file: "file application/x-x509-ca-cert DER"}},
		"server authority": {"server", "11.5.0", authority, sent{path: storeM + "/importRootOrIntermediate", form: form("alias", "Root"), file: "rootCACertificate application/x-x509-ca-cert DER"}},
		"server update":    {"server", "12.1.0", update, sent{path: storeM + "/new/update", form: form("password", "Alnum0nly"), file: "file application/x-pkcs12 PFX"}},
		"delete":           {"server", "11.5.0", remove, sent{path: storeM + "/new%2F../delete", form: form()}},
	} {
		t.Run(name, func(t *testing.T) {
			a, all := recorder(t, row.product, row.version, "")
			if err := row.change(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			got := (*all)[len(*all)-1]
			if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(sent{})); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// An assignment repeats what was read: what is left out may be set back.
func TestAssignEchoes(t *testing.T) {
	machine := `{"machineName":"M","platform":"Windows","adminURL":"https://M:6443/arcgis/admin","ports":{"HTTP":6080,"JMXPort":4000,"HTTPS":6443},"ServerStartTime":1540391261590,
		"webServerMaxHeapSize":-1,"appServerMaxHeapSize":512,"socMaxHeapSize":64,"webServerSSLEnabled":true,"webServerCertificateAlias":"a","nothing":null,"object":{"a":1}}`
	common := map[string]string{
		"f": "json", "token": "t0ken-1", "machineName": "M", "platform": "Windows", "adminURL": "https://M:6443/arcgis/admin", "ServerStartTime": "1540391261590",
		"webServerMaxHeapSize": "-1", "appServerMaxHeapSize": "512", "socMaxHeapSize": "64", "webServerSSLEnabled": "true", "webServerCertificateAlias": "New",
	}
	with := func(name, value string) map[string]string {
		all := map[string]string{name: value}
		for name, value := range common {
			all[name] = value
		}
		return all
	}
	for product, want := range map[string]sent{
		"server":  {path: machineM + "/edit", form: with("JMXPort", "4000")},
		"mission": {path: machineM + "/edit", form: with("ports", `{"HTTP":6080,"JMXPort":4000,"HTTPS":6443}`)},
		"portal": {path: "/arcgis/portaladmin/machines/M/sslCertificates/update", form: map[string]string{
			"f": "json", "token": "t0ken-1", "webServerCertificateAlias": "New", "sslProtocols": "TLSv1.2,TLSv1.3", "cipherSuites": "S", "HSTSEnabled": "true"}},
	} {
		a, all := recorder(t, product, "11.5.0", machine)
		k, err := a.Keystore(t.Context(), "M")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Assign(t.Context(), "M", "New", k); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, (*all)[len(*all)-1], cmp.AllowUnexported(sent{})); diff != "" {
			t.Errorf("%s: sent (-want +got):\n%s", product, diff)
		}
	}
}

// No token and no password is ever in a URL.
func TestNoSecretInAURL(t *testing.T) {
	a, all := recorder(t, "server", "12.1.0", `{"webServerCertificateAlias":"a"}`)
	ctx := t.Context()
	k, _ := a.Keystore(ctx, "M")
	_, _ = a.Machines(ctx)
	_, _ = a.Certificate(ctx, "M", "a")
	_, _ = a.SecurityConfig(ctx)
	_, _ = a.Stores(ctx)
	_, _ = a.ValidateStore(ctx, "/enterpriseDatabases/x")
	_ = a.ImportServer(ctx, "M", "b", secret.New("PFX"), secret.New("Alnum0nly"), true)
	_ = a.Update(ctx, "M", "b", secret.New("PFX"), secret.New("Alnum0nly"))
	_ = a.Assign(ctx, "M", "b", k)
	_ = a.Delete(ctx, "M", "b")
	if len(*all) < 12 {
		t.Fatalf("%d requests", len(*all))
	}
	for _, got := range *all {
		if strings.Contains(got.path, "?") {
			t.Errorf("a query: %s", got.path)
		}
	}
}

// A change that was lost, one that was never sent, and one that a page answers.
func TestWhatIsKnownOfAChange(t *testing.T) {
	cut := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "generateToken") {
			_, _ = io.WriteString(w, granted)
			return
		}
		panic(http.ErrAbortHandler)
	}))
	defer cut.Close()
	cut.Config.ErrorLog = nil
	a := NewAdmin("server", cut.URL+"/arcgis", cut.Client())
	if err := a.SignIn(t.Context(), "siteadmin", secret.New(canary)); err != nil {
		t.Fatal(err)
	}
	err := a.Assign(t.Context(), "M", "b", Keystore{})
	if e, _ := err.(*Error); e == nil || e.Code != CodeUnreachable || !e.Lost {
		t.Errorf("an answer that did not come: %v", err)
	}
	cut.Close()
	err = a.Assign(t.Context(), "M", "b", Keystore{})
	if e, _ := err.(*Error); e == nil || e.Code != CodeUnreachable || e.Lost {
		t.Errorf("a request that was not sent: %v", err)
	}
	for name, row := range map[string]struct {
		reply reply
		code  string
	}{
		"page":       {ok("<html>starting</html>"), CodeNotJSON},
		"warnings":   {ok(`{"status":"success with warnings"}`), CodeUnexpected},
		"empty":      {ok(`{}`), CodeUnexpected},
		"upper case": {ok(`{"status":"SUCCESS"}`), ""},
		"boolean":    {ok(`{"success":"true"}`), ""},
	} {
		f := newFake(t, map[string][]reply{serverToken: {ok(granted)}, storeM + "/b/delete": {row.reply}})
		if err := f.admin(t, "server").Delete(t.Context(), "M", "b"); code(err) != row.code {
			t.Errorf("%s: Delete = %v, want code %q", name, err, row.code)
		}
	}
}

// 498 before a change means that nothing was done: it is repeated once.
func TestARefusedTokenBeforeAChange(t *testing.T) {
	refusal := ok(`{"status":"error","messages":["Invalid token, ClientID does not match."],"code":498}`)
	f := newFake(t, map[string][]reply{
		serverToken: {ok(granted), ok(`{"token":"t0ken-2"}`)}, storeM + "/b/delete": {refusal, ok(done)},
	})
	if err := f.admin(t, "server").Delete(t.Context(), "M", "b"); err != nil {
		t.Error(err)
	}
	f = newFake(t, map[string][]reply{serverToken: {ok(granted), ok(`{"token":"t0ken-2"}`)}, storeM + "/b/delete": {refusal}})
	if err := f.admin(t, "server").Delete(t.Context(), "M", "b"); code(err) != CodeNotSignedIn || len(f.requests) != 4 {
		t.Errorf("Delete = %v after %d requests, want %s after 4", err, len(f.requests), CodeNotSignedIn)
	}
}

// A password that was changed meanwhile is wrong once, however many ask.
func TestAWrongPasswordIsTriedOnce(t *testing.T) {
	refusal := ok(`{"error":{"code":498,"message":"Invalid Token"}}`)
	f := newFake(t, map[string][]reply{
		serverToken: {ok(granted), ok(`{"error":{"code":400,"message":"Unable to generate token.","details":["Invalid username or password."]}}`)},
		serverRoot:  {refusal},
	})
	a := f.admin(t, "notebook")
	errs := make(chan error)
	for range 6 {
		go func() {
			_, err := a.Version(context.Background())
			errs <- err
		}()
	}
	wrong := 0
	for range 6 {
		if err := <-errs; code(err) == CodeWrongCredentials {
			wrong++
		} else if code(err) != CodeNotSignedIn {
			t.Error(err)
		}
	}
	signIns := 0
	for _, request := range f.requests {
		if strings.Contains(request, serverToken) {
			signIns++
		}
	}
	if wrong != 1 || signIns != 2 {
		t.Errorf("%d were told so, %d sign-ins; want 1 and 2", wrong, signIns)
	}
}

func TestChoose(t *testing.T) {
	local := `{"machineName":"gis2.inner"}`
	for name, row := range map[string]struct {
		host     string
		machines []string
		product  string
		want     string
	}{
		"full name":               {"gis1.example.com", []string{"GIS2.EXAMPLE.COM", "GIS1.EXAMPLE.COM"}, "server", "GIS1.EXAMPLE.COM"},
		"short name":              {"gis1.example.com", []string{"GIS2", "GIS1"}, "server", "GIS1"},
		"full before short":       {"gis1.example.com", []string{"GIS1", "gis1.example.com"}, "server", "gis1.example.com"},
		"the only one":            {"10.0.0.4", []string{"GIS1"}, "portal", "GIS1"},
		"the machine is asked":    {"10.0.0.4", []string{"GIS1.INNER", "GIS2.INNER"}, "video", "GIS2.INNER"},
		"a portal cannot be":      {"10.0.0.4", []string{"GIS1.INNER", "GIS2.INNER"}, "portal", ""},
		"nor what is not in site": {"10.0.0.4", []string{"A", "B"}, "server", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{serverToken: {ok(granted)}, "/arcgis/sharing/rest/generateToken": {ok(granted)}, serverRoot + "/local": {ok(local)}})
			var machines []ServerMachine
			for _, m := range row.machines {
				machines = append(machines, ServerMachine{Name: m})
			}
			got, err := f.admin(t, row.product).Choose(t.Context(), row.host, machines)
			if got.Name != row.want || (err == nil) != (row.want != "") {
				t.Errorf("Choose = %q, %v; want %q", got.Name, err, row.want)
			}
		})
	}
}

// A hosting server's data stores; a word that is not known is not success.
func TestStores(t *testing.T) {
	const item = "/arcgis/admin/data/items/nosqlDatabases/AGS%20x"
	items := `{"items":[{"path":"/nosqlDatabases/AGS x","provider":"ArcGIS Data Store"},{"path":"/enterpriseDatabases/other","provider":"Oracle"},{"path":"/../x"}]}`
	for name, row := range map[string]struct{ answer, want string }{
		"healthy":     {`{"isHealthy":true,"nodes":[{"name":"ds1"}]}`, Success},
		"text":        {`{"isHealthy":"true"}`, Success},
		"status":      {`{"status":"success"}`, Success},
		"not healthy": {`{"isHealthy":false,"status":"success"}`, Failure},
		"other word":  {`{"status":"Stopped"}`, Failure},
		"nothing":     {`{}`, Failure},
	} {
		f := newFake(t, map[string][]reply{
			serverToken: {ok(granted)}, "/arcgis/admin/data/findItems": {ok(items)},
			strings.ReplaceAll(item, "%20", " ") + "/machines":                          {ok(`{"machines":[{"name":"DS1.EXAMPLE.COM"}]}`)},
			strings.ReplaceAll(item, "%20", " ") + "/machines/DS1.EXAMPLE.COM/validate": {ok(row.answer)},
		})
		a := f.admin(t, "server")
		paths, err := a.Stores(t.Context())
		if diff := cmp.Diff([]string{"/nosqlDatabases/AGS x"}, paths); err != nil || diff != "" {
			t.Fatalf("%v, stores (-want +got):\n%s", err, diff)
		}
		if got, err := a.ValidateStore(t.Context(), paths[0]); err != nil || got.Status != row.want {
			t.Errorf("%s: ValidateStore = %+v, %v; want %s", name, got, err, row.want)
		}
	}
	f := newFake(t, map[string][]reply{serverToken: {ok(granted)}})
	for _, path := range []string{"", "x", "/..", "/a/../b", "/a//b", "/" + strings.Repeat("x", 600)} {
		if _, err := f.admin(t, "server").ValidateStore(t.Context(), path); code(err) != CodeUnexpected {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// Names from outside become one segment of a path each, or nothing.
func TestNamesStayOneSegment(t *testing.T) {
	f := newFake(t, map[string][]reply{serverToken: {ok(granted)}})
	a := f.admin(t, "server")
	for _, name := range []string{"", ".", "..", strings.Repeat("x", 300)} {
		for what, err := range map[string]error{
			"machine": second(a.Keystore(t.Context(), name)),
			"alias":   second(a.Certificate(t.Context(), "M", name)),
			"delete":  a.Delete(t.Context(), "M", name),
			"assign":  a.Assign(t.Context(), name, "x", Keystore{}),
		} {
			if code(err) != CodeUnexpected {
				t.Errorf("%s %.10q: %v", what, name, err)
			}
		}
	}
	if len(f.requests) != 1 { // the sign-in
		t.Errorf("%d requests were made", len(f.requests))
	}
}

func second[T any](_ T, err error) error { return err }
