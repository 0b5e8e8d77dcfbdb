package site

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

const certificates = "/admin/machines/GIS1.EXAMPLE.NET/sslcertificates"

// S8, S12, S13, S29: what the certificate resources say.
func TestCertificateListAndDetail(t *testing.T) {
	g := ground.New(fast, nil)
	pinned := issue(t, nil, "gis.example.com", nil)
	site := startServer(t, g, func(s *Spec) { s.ExternalLeaf = pinned.certificate })
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")

	list := fmt.Sprint(c.get(certificates)["certificates"])
	if list != "[appgw-externaldnscercert applicationgateway selfsignedcertificate]" {
		t.Errorf("list: %s", list)
	}
	if alias := c.get("/admin/machines/GIS1.EXAMPLE.NET")["webServerCertificateAlias"]; alias != "ApplicationGateway" {
		t.Errorf("active alias: %v, want it as it was posted", alias)
	}
	detail := c.get(certificates + "/ApplicationGateway")
	if detail["entryType"] != "PrivateKeyEntry" || detail["subject"] != "CN=gis1.example.net" || detail["keyAlgorithm"] != "RSA" ||
		detail["validUntilEpoch"] != float64(site.TrustAnchors()[0].NotAfter.UnixMilli()) || len(detail["sha1Fingerprint"].(string)) != 40 {
		t.Errorf("detail: %v", detail)
	}
	trusted := c.get(certificates + "/appgw-externaldnscercert")
	if trusted["entryType"] != "trustedCertEntry" || trusted["subject"] != "CN=gis.example.com, O=Example" {
		t.Errorf("detail of a trusted certificate: %v", trusted)
	}
	for _, path := range []string{certificates + "/nothing", "/admin/machines/OTHER/sslcertificates"} {
		if answer := c.get(path); errorCode(answer) != 404 {
			t.Errorf("%s: %v, want 404", path, answer)
		}
	}
}

// S29: what old releases leave out of a detail.
func TestDetailOfOldReleases(t *testing.T) {
	for version, want := range map[string][2]bool{"10.7": {false, false}, "10.9.1": {true, false}, "11.1": {true, true}} {
		t.Run(version, func(t *testing.T) {
			g := ground.New(fast, nil)
			startServer(t, g, func(s *Spec) { s.Version = version })
			detail := newClient(t, g, serverBase).signIn("/admin/generateToken").get(certificates + "/applicationgateway")
			_, entryType := detail["entryType"]
			_, epoch := detail["validUntilEpoch"]
			if got := [2]bool{entryType, epoch}; got != want {
				t.Errorf("entryType and epochs: got %v, want %v", got, want)
			}
		})
	}
}

// S9, S10: an import never overwrites, and fails in one way.
func TestImportFails(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	pfx := issue(t, nil, "gis1.example.net", nil).pfx(t, "abc")
	path := certificates + "/importExistingServerCertificate"
	if answer := c.upload(path, "certFile", pfx, map[string]string{"alias": "New", "certPassword": "abc"}); answer["status"] != "success" {
		t.Fatalf("first import: %v", answer)
	}
	for name, fields := range map[string]map[string]string{
		"existing alias": {"alias": "new", "certPassword": "abc"},
		"wrong password": {"alias": "other", "certPassword": "wrong"},
	} {
		answer := c.upload(path, "certFile", pfx, fields)
		if errorCode(answer) != 500 || answer["messages"].([]any)[0] != "Importing CA certificate failed." {
			t.Errorf("%s: %v", name, answer)
		}
	}
	if answer := c.upload(path, "certFile", []byte("no PFX"), map[string]string{"alias": "other"}); errorCode(answer) != 500 {
		t.Errorf("no PFX: %v", answer)
	}
	if g.Ledger.Count(ground.MachineRestart) != 0 {
		t.Error("an import restarted the machine")
	}
}

// S9: an old portal says so on a page, with HTTP 200.
func TestOldPortalRefusesImportOnAPage(t *testing.T) {
	g := ground.New(fast, nil)
	startPortal(t, g, func(s *Spec) { s.Version = "10.9" })
	c := newClient(t, g, portalBase).signIn("/sharing/rest/generateToken")
	response, page := c.send(c.uploadRequest("/portaladmin/machines/PORTAL1/sslCertificates/importExistingServerCertificate", "file",
		issue(t, nil, "x", nil).pfx(t, "abc"), map[string]string{"alias": "portal", "password": "abc"}))
	if response.StatusCode != 200 || !strings.Contains(page, "Unable to import certificate") || !strings.Contains(page, "<html>") {
		t.Errorf("got %d %s", response.StatusCode, page)
	}
}

// S10, switched: the upload that only seems to succeed.
func TestSilentBadPassword(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, func(s *Spec) { s.Options.SilentBadPassword = true })
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	answer := c.upload(certificates+"/importExistingServerCertificate", "certFile",
		issue(t, nil, "x", nil).pfx(t, "abc"), map[string]string{"alias": "new", "certPassword": "wrong"})
	if answer["status"] != "success" {
		t.Errorf("answer: %v", answer)
	}
	if answer := c.get(certificates + "/new"); errorCode(answer) != 404 {
		t.Errorf("the alias is there: %v", answer)
	}
}

// S11: from 11.3 the chain of the PFX becomes entries, unless told not to.
func TestChainOfThePFXBecomesEntries(t *testing.T) {
	leaf := issue(t, newAuthority(t, newAuthority(t, nil, "Root"), "Intermediate"), "gis1.example.net", nil)
	for _, test := range []struct {
		version, choice string
		want            bool
	}{{"11.3", "", true}, {"11.3", "True", true}, {"11.3", "false", false}, {"11.1", "true", false}} {
		t.Run(test.version+test.choice, func(t *testing.T) {
			g := ground.New(fast, nil)
			startServer(t, g, func(s *Spec) { s.Version = test.version })
			c := newClient(t, g, serverBase).signIn("/admin/generateToken")
			fields := map[string]string{"alias": "new", "certPassword": "abc"}
			if test.choice != "" {
				fields["importCertificateChain"] = test.choice
			}
			c.upload(certificates+"/importExistingServerCertificate", "certFile", leaf.pfx(t, "abc"), fields)
			list := c.get(certificates)["certificates"].([]any)
			got := slices.Contains(list, any("new_root")) && slices.Contains(list, any("new_intermediate"))
			if got != test.want {
				t.Errorf("list %v: chain imported %v, want %v", list, got, test.want)
			}
		})
	}
}

// S20, S21: deleting.
func TestDelete(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, nil)
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	form := func() url.Values { return url.Values{"f": {"json"}} }
	if answer := c.post(certificates+"/applicationgateway/delete", form()); errorCode(answer) != 500 {
		t.Errorf("the active certificate: %v, want a refusal", answer)
	}
	if answer := c.post(certificates+"/nothing/delete", form()); errorCode(answer) != 404 {
		t.Errorf("unknown alias: %v, want 404", answer)
	}
	if answer := c.post(certificates+"/selfsignedcertificate/delete", form()); answer["status"] != "success" {
		t.Errorf("another: %v", answer)
	}
	if answer := c.get(certificates + "/selfsignedcertificate"); errorCode(answer) != 404 {
		t.Errorf("it is still there: %v", answer)
	}
}

// S22: from 12.1 a certificate is replaced in place, without a restart.
func TestUpdateInPlace(t *testing.T) {
	g := ground.New(fast, nil)
	startServer(t, g, func(s *Spec) { s.Version = "12.1" })
	c := newClient(t, g, serverBase).signIn("/admin/generateToken")
	leaf := issue(t, nil, "gis1.example.net", nil)
	answer := c.upload(certificates+"/applicationgateway/update", "file", leaf.pfx(t, "abc"), map[string]string{"password": "abc"})
	if answer["status"] != "success" {
		t.Fatalf("update: %v", answer)
	}
	if got := served(t, g, "gis1.example.net:6443"); !got.Equal(leaf.certificate) {
		t.Errorf("served %v, want the new leaf", got.Subject)
	}
	if g.Ledger.Count(ground.MachineRestart) != 0 {
		t.Error("the update restarted the machine")
	}

	old := ground.New(fast, nil)
	startServer(t, old, nil)
	before := newClient(t, old, serverBase).signIn("/admin/generateToken")
	if answer := before.upload(certificates+"/applicationgateway/update", "file", leaf.pfx(t, "abc"), map[string]string{"password": "abc"}); errorCode(answer) != 404 {
		t.Errorf("11.3: %v, want 404", answer)
	}
}
