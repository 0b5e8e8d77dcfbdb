package machine

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// netshShow is what `netsh http show sslcert` prints for one binding.
func netshShow(key, at, hash, client string) string {
	return fmt.Sprintf(`
    %-28s : %s
    Certificate Hash             : %s
    Application ID               : {4dc3e181-e14b-4a21-b022-59fc669b0914}
    Certificate Store Name       : My
    Verify Client Certificate Revocation : Enabled
    Verify Revocation Using Cached Client Certificate Only : Disabled
    Usage Check                  : Enabled
    Revocation Freshness Time    : 0
    URL Retrieval Timeout        : 0
    Ctl Identifier               : (null)
    Ctl Store Name               : (null)
    DS Mapper Usage              : Disabled
    Negotiate Client Certificate : %s
    Reject Connections           : Disabled
    Disable HTTP2                : Not Set
`, key, at, hash, client)
}

func TestBindingsAreReadInEveryLanguage(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0aF3", 10)
	english := "\nSSL Certificate bindings: \n-------------------------\n" +
		netshShow("IP:port", "0.0.0.0:443", hash, "Disabled") + netshShow("Hostname:port", "gis.example.com:443", hash, "Enabled") +
		netshShow("IP:port", "[::]:8443", hash, "Disabled") + "    Central Certificate Store    : 443\n"
	german := strings.NewReplacer("IP:port", "IP:Port", "Certificate Hash", "Zertifikathash", "Application ID", "Anwendungs-ID",
		"Certificate Store Name", "Zertifikatspeichername", "Enabled", "Aktiviert", "Disabled", "Deaktiviert").Replace(english)
	for name, text := range map[string]string{"English": english, "German": german, "CRLF": strings.ReplaceAll(english, "\n", "\r\n")} {
		found := parseBindings(text)
		var at []string
		for _, binding := range found {
			at = append(at, binding.at)
			if binding.hash != strings.ToLower(hash) || binding.appID != "{4dc3e181-e14b-4a21-b022-59fc669b0914}" || binding.store != "My" {
				t.Errorf("%s: got %+v", name, binding)
			}
		}
		if diff := cmp.Diff([]string{"0.0.0.0:443", "gis.example.com:443", "[::]:8443"}, at); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if found := parseBindings("The system cannot find the file specified.\n"); len(found) != 0 {
		t.Errorf("got %+v of nothing", found)
	}
	if found := parseBindings(strings.Repeat(netshShow("IP:port", "0.0.0.0:443", hash, "Disabled"), 1000)); len(found) != maxBindings {
		t.Errorf("%d bindings were read", len(found))
	}
}

// webServer is a Windows with HTTP.sys: bindings by address, certificates by hash.
type webServer struct {
	*fakeHost
	bindings     []struct{ key, at, hash, client string }
	store        map[string]identity
	port         *listener
	refuseUpdate bool
}

func newWebServer(t *testing.T, port *listener, old identity) *webServer {
	s := &webServer{port: port, store: map[string]identity{sha1Of(old.leaf): old}}
	own, hash := fmt.Sprintf("0.0.0.0:%d", port.port), sha1Of(old.leaf)
	s.bindings = append(s.bindings, []struct{ key, at, hash, client string }{
		{"IP:port", own, hash, "Disabled"},
		{"Hostname:port", "gis.example.com:443", hash, "Enabled"},
		{"IP:port", "0.0.0.0:8172", strings.Repeat("ab", 20), "Disabled"}, // another program's
	}...)
	s.fakeHost = &fakeHost{t: t, os: "windows", programs: s.netsh}
	return s
}

func (s *webServer) netsh(program string, args []string) (string, string, int, error) {
	given := map[string]string{}
	for _, arg := range args[3:] {
		name, value, _ := strings.Cut(arg, "=")
		given[name] = value
	}
	at := given["ipport"] + given["hostnameport"]
	switch args[1] {
	case "show":
		var shown strings.Builder
		for _, b := range s.bindings {
			shown.WriteString(netshShow(b.key, b.at, b.hash, b.client))
		}
		return shown.String(), "", 0, nil
	case "update", "add":
		served, known := s.store[given["certhash"]]
		if !known || args[1] == "update" && s.refuseUpdate {
			return "SSL Certificate add failed, Error: 1312\n", "", 1, nil
		}
		client := "Disabled"
		if given["clientcertnegotiation"] == "enable" {
			client = "Enabled"
		}
		for i, b := range s.bindings {
			if b.at == at {
				s.bindings[i].hash, s.bindings[i].client = given["certhash"], client
			}
		}
		if at == s.bindings[0].at {
			s.port.serve(served)
		}
	}
	return "", "", 0, nil
}

func TestIISIsBoundWhereverTheOldCertificateWas(t *testing.T) {
	t.Parallel()
	for _, refuse := range []bool{false, true} {
		old, renewed := newIdentity(t, "old"), newIdentity(t, "new")
		port := listen(t, old)
		server := newWebServer(t, port, old)
		server.refuseUpdate = refuse
		server.imported = func(pfx, password secret.Secret) error {
			server.store[sha1Of(renewed.leaf)] = renewed
			return nil
		}
		worker := Worker{Host: server}
		task := renewed.task(t, Bind, port.port)

		got := worker.bind(t.Context(), port.job(WebAdaptor), task)
		wantResult(t, got, TaskDone, "")
		if got.Detail != "" {
			t.Errorf("more was changed: %s", got.Detail)
		}
		hash := sha1Of(renewed.leaf)
		if server.bindings[0].hash != hash || server.bindings[1].hash != hash || server.bindings[2].hash == hash {
			t.Errorf("bound %+v", server.bindings)
		}
		if server.bindings[1].client != "Enabled" {
			t.Error("the request for client certificates was lost")
		}
		if refuse != server.ranWith("delete", "hostnameport=gis.example.com:443") {
			t.Errorf("ran %q", server.ran)
		}
		wantResult(t, worker.bind(t.Context(), port.job(WebAdaptor), task), TaskAlready, "")

		// And back, by what the first result says.
		back := Task{Kind: Bind, Port: port.port, Alias: got.Before, Expect: got.BeforeLeaf}
		wantResult(t, worker.bind(t.Context(), port.job(WebAdaptor), back), TaskDone, "")
		if server.bindings[0].hash != sha1Of(old.leaf) || server.bindings[1].hash != sha1Of(old.leaf) {
			t.Errorf("bound %+v", server.bindings)
		}
	}
}

func TestIISIsLeftAloneWhenSomethingIsWrong(t *testing.T) {
	t.Parallel()
	old, renewed := newIdentity(t, "old"), newIdentity(t, "new")
	port := listen(t, old)
	server := newWebServer(t, port, old) // ImportPFX fails
	worker := Worker{Host: server}
	wantResult(t, worker.bind(t.Context(), port.job(WebAdaptor), renewed.task(t, Bind, port.port)), TaskFailed, CodeRefused)
	wantResult(t, worker.bind(t.Context(), port.job(WebAdaptor), Task{Kind: Bind, Port: port.port, Expect: "x"}), TaskFailed, CodeBadJob)
	server.bindings[0].hash = strings.Repeat("cd", 20)
	wantResult(t, worker.bind(t.Context(), port.job(WebAdaptor), renewed.task(t, Bind, port.port)), TaskFailed, CodeNoSuchComponent)
	if server.ranWith("update") || server.ranWith("add") || server.ranWith("delete") {
		t.Errorf("ran %q", server.ran)
	}
	linux := &fakeHost{t: t, os: "linux"}
	wantResult(t, (&Worker{Host: linux}).bind(t.Context(), port.job(WebAdaptor), renewed.task(t, Bind, port.port)), TaskFailed, CodeNeedsAgent)
}

// A binding has a thumbprint only; the rest is that of what is served there, if
// it is that.
func TestTheReportTellsTheBindings(t *testing.T) {
	t.Parallel()
	old := newIdentity(t, "old")
	port := listen(t, old)
	server := newWebServer(t, port, old)
	server.bindings = append(server.bindings, struct{ key, at, hash, client string }{"Hostname:port", fmt.Sprintf("gis.example.com:%d", port.port), strings.Repeat("ef", 20), "Disabled"})
	report := (&Worker{Host: server}).Do(t.Context(), port.job(WebAdaptor))
	got := report.Bindings
	if report.BindingsTrouble != "" || len(got) != 4 || got[1].At != "gis.example.com:443" || got[2].Thumbprint != strings.Repeat("AB", 20) {
		t.Fatalf("got %+v, %s", got, report.BindingsTrouble)
	}
	if !got[0].NotAfter.Equal(old.leaf.NotAfter) || !strings.Contains(got[0].Subject, "old") {
		t.Errorf("got %+v of what is served", got[0])
	}
	if !got[3].NotAfter.IsZero() || got[3].Subject != "" {
		t.Errorf("got %+v, and another certificate is served there", got[3])
	}
	report = (&Worker{}).Do(t.Context(), port.job(WebAdaptor))
	if report.BindingsTrouble != "" || report.Bindings != nil {
		t.Errorf("without a host: got %+v, %s", report.Bindings, report.BindingsTrouble)
	}
}

// That they could not be read is no sign that there are none.
func TestTheReportTellsThatTheBindingsWereNotRead(t *testing.T) {
	t.Parallel()
	port := listen(t, newIdentity(t, "old"))
	for name, netsh := range map[string]func(string, []string) (string, string, int, error){
		"it is not there": func(string, []string) (string, string, int, error) { return "", "", -1, errors.New("no netsh") },
		"it fails":        func(string, []string) (string, string, int, error) { return "", "access is denied", 5, nil },
	} {
		report := (&Worker{Host: &fakeHost{t: t, os: "windows", programs: netsh}}).Do(t.Context(), port.job(WebAdaptor))
		if !strings.Contains(report.BindingsTrouble, "bindings of HTTP.sys") || len(report.Bindings) != 0 {
			t.Errorf("%s: %q, %+v", name, report.BindingsTrouble, report.Bindings)
		}
	}
}

func FuzzBindings(f *testing.F) {
	f.Add(netshShow("IP:port", "0.0.0.0:443", strings.Repeat("ab", 20), "Enabled"))
	f.Fuzz(func(t *testing.T, text string) {
		for _, binding := range parseBindings(text) {
			_ = binding.echoed()
		}
	})
}
