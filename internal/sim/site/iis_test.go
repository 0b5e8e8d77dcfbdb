package site

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func startIIS(t *testing.T, s *Site) *IIS {
	t.Helper()
	iis, err := StartIIS(s, s.machines[0].host, "notebooks")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = iis.Close() })
	return iis
}

func startNotebook(t *testing.T, change func(*Spec)) (*ground.Ground, *Site, *IIS) {
	t.Helper()
	g := ground.New(fast, nil)
	s := start(t, g, Spec{Product: Notebook, Version: "11.4", Machines: []MachineSpec{{Name: "nb1.example.net"}}}, change)
	return g, s, startIIS(t, s)
}

// S31: netsh tells what is bound, changes it at once, and refuses as Windows does.
func TestBindingsOfHTTPSys(t *testing.T) {
	t.Parallel()
	g, s, iis := startNotebook(t, nil)
	old := thumbprint(s.machines[0].served.Load().leaf)
	shown, code := iis.Netsh("show", "sslcert")
	if code != 0 || !strings.Contains(shown, "IP:port                      : 0.0.0.0:443") || !strings.Contains(shown, "Certificate Hash             : "+strings.ToLower(old)) ||
		!strings.Contains(shown, iisApplication) || !strings.Contains(shown, "MY") {
		t.Errorf("code %d\n%s", code, shown)
	}
	leaf := issue(t, nil, "nb1.example.net", nil)
	if _, err := iis.ImportPFX(leaf.pfx(t, "abc"), "wrong"); err == nil {
		t.Error("a wrong password opened the file")
	}
	hash, err := iis.ImportPFX(leaf.pfx(t, "abc"), "abc")
	if err != nil || len(iis.Certificates()) != 2 {
		t.Fatalf("%v, %d certificates", err, len(iis.Certificates()))
	}
	for _, refused := range []struct {
		args []string
		want string
	}{
		{[]string{"add", "sslcert", "ipport=0.0.0.0:443", "certhash=" + hash}, "add failed, Error: 183"},
		{[]string{"update", "sslcert", "ipport=0.0.0.0:8443", "certhash=" + hash}, "update failed, Error: 2"},
		{[]string{"delete", "sslcert", "ipport=0.0.0.0:8443"}, "deletion failed, Error: 2"},
		{[]string{"update", "sslcert", "ipport=0.0.0.0:443", "certhash=" + strings.Repeat("0", 40)}, "Error: 1312"},
		{[]string{"show", "sslcert", "ipport=0.0.0.0:8443"}, "cannot find the file"},
		{[]string{"update", "sslcert"}, "parameter is incorrect"},
		{[]string{"frob", "sslcert", "ipport=0.0.0.0:443"}, "not found"},
		{[]string{"show", "urlacl"}, "not found"},
	} {
		if out, code := iis.Netsh(refused.args...); code != 1 || !strings.Contains(out, refused.want) {
			t.Errorf("%v: %d %s", refused.args, code, out)
		}
	}
	if out, code := iis.Netsh("update", "sslcert", "ipport=0.0.0.0:443", "certhash="+hash, "appid="+iisApplication, "certstorename=MY"); code != 0 || !strings.Contains(out, "successfully updated") {
		t.Fatalf("update: %d %s", code, out)
	}
	if got := served(t, g, "nb1.example.net:443"); !got.Equal(leaf.certificate) {
		t.Errorf("443 serves %v", got.Subject)
	}
	if err := iis.RemoveCertificate(hash); err != nil || served(t, g, "nb1.example.net:443") != nil {
		t.Errorf("a binding without its certificate serves something, %v", err)
	}
	if iis.RemoveCertificate(hash) == nil {
		t.Error("it was removed twice")
	}
}

// S31: a binding of a host name is shown to whoever asks for that name.
func TestABindingByName(t *testing.T) {
	t.Parallel()
	_, _, iis := startNotebook(t, nil)
	hash, err := iis.ImportPFX(issue(t, nil, "nb.example.com", nil).pfx(t, "abc"), "abc")
	if err != nil {
		t.Fatal(err)
	}
	if out, code := iis.Netsh("add", "sslcert", "hostnameport=nb.example.com:443", "certhash="+hash, "appid="+iisApplication, "certstorename=MY"); code != 0 {
		t.Fatal(out)
	}
	named, err := iis.leaf("NB.example.com")
	if err != nil || thumbprint(named.leaf) != hash {
		t.Errorf("by name: %v", err)
	}
	other, err := iis.leaf("nb1.example.net")
	if err != nil || thumbprint(other.leaf) == hash {
		t.Errorf("by another name: %v", err)
	}
	if out, _ := iis.Netsh("show", "sslcert"); !strings.Contains(out, "Hostname:port                : nb.example.com:443") {
		t.Error(out)
	}
}

// The Web Adaptor leads to the machine's own port, whatever certificate is
// there, unless it is believed to verify it (§15.5).
func TestTheWebAdaptor(t *testing.T) {
	t.Parallel()
	for _, verifies := range []bool{false, true} {
		g, _, _ := startNotebook(t, func(s *Spec) { s.Options.AdaptorVerifies = verifies })
		c := newClient(t, g, "https://nb1.example.net:443")
		response, body := c.page("/notebooks/rest/info/healthcheck?f=json")
		if want := map[bool]int{false: 200, true: 500}[verifies]; response.StatusCode != want {
			t.Errorf("verifies %v: %d %s", verifies, response.StatusCode, body)
		}
		if response, _ := c.page("/other"); response.StatusCode != 404 {
			t.Errorf("no adaptor: %d", response.StatusCode)
		}
	}
}

// Windows speaks the language of its installation.
func TestNetshInGerman(t *testing.T) {
	t.Parallel()
	_, _, iis := startNotebook(t, func(s *Spec) { s.Options.NonEnglish = true })
	if out, _ := iis.Netsh("show", "sslcert"); !strings.Contains(out, "Zertifikathash") || strings.Contains(out, "Certificate Hash") {
		t.Error(out)
	}
}
