package web

import (
	"bytes"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// renew goes through the pages of a renewal from a file, and through the API.
func (st *canary) renew(t *testing.T) {
	t.Helper()
	secrets, file, inPEM, admin := st.secrets, st.file, st.inPEM, st.variables["CARTOUCHE_SITE_ADMIN"]
	give := func(path string, values map[string]string, files map[string][]byte) string {
		t.Helper()
		return st.give(t, path, values, files)
	}
	misplaced := secrets["a password in the wrong place"]

	for _, given := range []struct {
		pfx      []byte
		password string
	}{{file, "a wrong password of the file"}, {inPEM, "the file's password"}, {[]byte(misplaced), "the file's password"}, {file, "the file's password"}} {
		give("/check", map[string]string{"password": secrets[given.password]}, map[string][]byte{"pfx": given.pfx})
	}
	base := st.toCertificate(t)
	pfx := func(password string, data []byte) string {
		return give(base+"/certificate", map[string]string{"from": "file", "password": password}, map[string][]byte{"pfx": data})
	}
	pfx(secrets["a wrong password of the file"], file)
	pfx(secrets["the file's password"], inPEM)
	pfx(secrets["the file's password"], append([]byte("x"), file...))
	pfx(secrets["the file's password"], []byte(misplaced))
	give(base+"/choices", map[string]string{"from": "file"}, map[string][]byte{"roots": inPEM})
	give(base+"/choices", map[string]string{"from": "file"}, map[string][]byte{"roots": append(inPEM, file...)})
	give(base+"/choices", map[string]string{"from": "file", "form": misplaced, "reach": "nowhere"}, map[string][]byte{})
	give(base+"/certificate", map[string]string{"from": misplaced, "password": secrets["the file's password"]}, map[string][]byte{"pfx": file})
	body := pfx(secrets["the file's password"], file)
	st.wantPage(t, body, "/certificate", "pfx.pfx can be used")
	bundle := weak.Make(st.renewal(t, base).Chosen.Bundle)

	give(base+"/certificate/use", map[string]string{"password": misplaced}, nil)
	give(base+"/credentials", map[string]string{"site-admin-password": secrets["a wrong one"], "service-account-password": secrets["the service account's password"]}, nil)
	body = give(base+"/credentials", map[string]string{"site-admin": admin, "site-admin-password": secrets["a wrong one"], "service-account": "arcgis", "service-account-password": secrets["the service account's password"]}, nil)
	st.wantPage(t, body, "/credentials", "2 tries are left")
	body = give(base+"/credentials", map[string]string{"site-admin": admin, "site-admin-password": secrets["the site administrator's password"]}, nil)
	st.wantPage(t, body, "/review", "Accepted by Portal")
	ready := weak.Make(st.renewal(t, base).Ready.(*app.Prepared))

	// What the lock takes away is gone from memory: nothing holds it any more.
	st.door.Lock()
	if left := st.heldAfterLock(t, bundle, ready); left != "" {
		t.Errorf("after the lock the program still holds %s", left)
	}
	answer, err := st.client.Get(st.door.Address())
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	pfx(secrets["the file's password"], file)
	give(base+"/certificate/use", nil, nil)
	body = give(base+"/credentials", map[string]string{"site-admin": admin, "site-admin-password": secrets["the site administrator's password"]}, nil)
	st.wantPage(t, body, "/review", "Accepted by Portal")

	_, saved := st.open(t, base+"/plan.json")
	give(base+"/rehearse", map[string]string{"fault": misplaced, "password": misplaced}, nil)
	body = give(base+"/rehearse", nil, nil)
	st.wantPage(t, body, st.at.Path, "It went well")
	give(base+"/go", map[string]string{"plan": misplaced}, nil)
	_, body = st.open(t, base+"/review")
	give(base+"/go", map[string]string{"plan": answerOf.FindStringSubmatch(body)[1]}, nil)
	run := st.at.Path
	if !strings.HasPrefix(run, "/runs/") {
		t.Fatalf("Go leads to %s", st.at)
	}
	st.open(t, run+"/events")
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := strings.TrimPrefix(run, "/runs/")
	give("/history/"+id+"/evidence", nil, nil)
	path := regexp.MustCompile(`href="(/deployments/[a-z2-7]+)"`).FindStringSubmatch(st.page(t, run))
	if path == nil {
		t.Fatal("the run's page has no link to its deployment")
	}
	give(path[1]+"/look", map[string]string{"site-admin": admin, "site-admin-password": secrets["a wrong one"], "reach": "direct"}, nil)
	give(path[1]+"/look", map[string]string{"site-admin": admin, "site-admin-password": secrets["the site administrator's password"], "reach": "nowhere"}, nil)
	give(run+"/undo", map[string]string{"plan": misplaced}, nil)
	give(path[1]+"/clean", map[string]string{"plan": misplaced, "now": misplaced}, nil)
	st.post(t, "/sign-in", url.Values{"cloud": {"public"}, "way": {misplaced}, "password": {misplaced}}) // waits for a person
	for _, page := range []string{"/", "/history", "/history/" + id, run, run + "/evidence", run + "/evidence.json", run + "/undo", path[1], path[1] + "/clean?now=1", path[1] + "/shape", path[1] + "/shape?mask=yes", "/sign-in", "/tenant", "/subscription"} {
		st.open(t, page)
	}
	st.places["deployments"], st.places["runs"], st.places["history"] = strings.TrimPrefix(path[1], "/deployments/"), id, id
	st.carrySavedPlan(t, saved)
	_, shape := st.open(t, path[1]+"/shape")
	st.rehearseShape(t, shape)
	st.throughTheAPI(t, strings.TrimPrefix(path[1], "/deployments/"), id, saved)
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// carrySavedPlan gives a plan that was saved, with the file that it needs.
func (st *canary) carrySavedPlan(t *testing.T, saved string) {
	t.Helper()
	misplaced := st.secrets["a password in the wrong place"]
	st.give(t, "/renew", nil, nil)
	base := "/renew/" + strings.Split(st.at.Path, "/")[2]
	st.places["renew"] = strings.Split(st.at.Path, "/")[2]
	for _, given := range []struct {
		plan, pfx []byte
		password  string
	}{
		{[]byte(misplaced), st.file, "the file's password"},
		{st.file, []byte(saved), "the file's password"},
		{[]byte(strings.Replace(saved, "frontendCert", misplaced, 1)), st.file, "the file's password"},
		{[]byte(saved), st.file, "a wrong password of the file"},
		{[]byte(saved), st.inPEM, "the file's password"},
	} {
		st.give(t, base+"/plan", map[string]string{"password": st.secrets[given.password]}, map[string][]byte{"plan": given.plan, "pfx": given.pfx})
	}
	body := st.give(t, base+"/plan", map[string]string{"password": st.secrets["the file's password"]}, map[string][]byte{"plan": []byte(saved), "pfx": st.file})
	st.wantPage(t, body, "/credentials", "will be carried out")
	body = st.give(t, base+"/credentials", map[string]string{"site-admin": st.variables["CARTOUCHE_SITE_ADMIN"], "site-admin-password": st.secrets["the site administrator's password"]}, nil)
	st.wantPage(t, body, "/review", "nothing to do")
}

// rehearseShape rehearses with a shape that was saved.
func (st *canary) rehearseShape(t *testing.T, shape string) {
	t.Helper()
	for _, given := range []struct {
		shape, pfx []byte
		password   string
	}{
		{st.file, st.file, "the file's password"},
		{st.inPEM, nil, "the file's password"},
		{[]byte(shape), st.file, "a wrong password of the file"},
		{[]byte(shape), st.inPEM, "the file's password"},
	} {
		st.give(t, "/rehearse", map[string]string{"password": st.secrets[given.password], "fault": ""}, map[string][]byte{"shape": given.shape, "pfx": given.pfx})
	}
	body := st.give(t, "/rehearse", map[string]string{"password": st.secrets["the file's password"]}, map[string][]byte{"shape": []byte(shape), "pfx": st.file})
	if !strings.HasPrefix(st.at.Path, "/rehearsals/") {
		t.Errorf("a shape leads to %s:\n%s", st.at, plain(body))
	}
}

func (st *renewalStage) page(t *testing.T, path string) string {
	t.Helper()
	_, body := st.open(t, path)
	return body
}

// throughTheAPI sends the secrets as programs would, and as they would by mistake.
func (st *canary) throughTheAPI(t *testing.T, deployment, run, saved string) {
	t.Helper()
	secrets, file, inPEM := st.secrets, st.file, st.inPEM
	right, misplaced := secrets["the file's password"], secrets["a password in the wrong place"]
	admin := st.variables["CARTOUCHE_SITE_ADMIN"]
	for _, sent := range []struct {
		path   string
		values map[string]string
		files  map[string][]byte
	}{
		{"/check", map[string]string{"password": secrets["a wrong password of the file"]}, map[string][]byte{"pfx": file}},
		{"/check", map[string]string{"password": right}, map[string][]byte{"pfx": file}},
		{"/check", map[string]string{"password": right, "assume-trusted": misplaced}, map[string][]byte{"pfx": file}},
		{"/check", map[string]string{"password": right}, map[string][]byte{"pfx": inPEM}},
		{"/check", map[string]string{"password": right, "pfx": string(inPEM)}, map[string][]byte{}},
		{"/check", map[string]string{"password": right}, map[string][]byte{"pfx": file, "roots": inPEM}},
		{"/check", map[string]string{"password": right, "pfx": misplaced}, nil},
		{"/check", map[string]string{"pfx-password": misplaced}, nil},
		{"/deployments/" + deployment + "/plan", map[string]string{"password": right, "site-admin": admin, "site-admin-password": secrets["a wrong one"], "reach": "nowhere"}, map[string][]byte{"pfx": file}},
		{"/deployments/" + deployment + "/plan", map[string]string{"password": right, "site-admin": admin, "site-admin-password": secrets["the site administrator's password"], "service-account": "arcgis", "service-account-password": secrets["the service account's password"]}, map[string][]byte{"pfx": file}},
		{"/deployments/" + deployment + "/rehearse", map[string]string{"password": right, "site-admin": admin, "site-admin-password": secrets["the site administrator's password"], "scale": "600"}, map[string][]byte{"pfx": file}},
		{"/deployments/" + deployment + "/rehearse", map[string]string{"password": right, "fault": misplaced + "@edge"}, map[string][]byte{"pfx": file}},
		{"/deployments/" + deployment + "/rehearse", map[string]string{"password": right, "scale": misplaced}, map[string][]byte{"pfx": file}},
		{"/deployments/" + deployment + "/apply", map[string]string{"plan": misplaced}, nil},
		{"/deployments/" + deployment + "/apply", map[string]string{"plan": misplaced, "password": right}, nil},
		{"/deployments/" + deployment + "/apply", map[string]string{"password": right}, map[string][]byte{"plan": []byte(misplaced), "pfx": file}},
		{"/deployments/" + deployment + "/apply", map[string]string{"password": right}, map[string][]byte{"plan": []byte(`{"format":1,"` + misplaced + `":1}`), "pfx": file}},
		{"/deployments/" + deployment + "/apply", map[string]string{"password": right, "site-admin": admin, "site-admin-password": secrets["the site administrator's password"]}, map[string][]byte{"plan": []byte(saved), "pfx": file}},
		{"/deployments/" + deployment + "/clean", map[string]string{"now": misplaced}, nil},
		{"/deployments/" + deployment + "/clean", map[string]string{"internal": misplaced}, nil},
		{"/deployments/" + deployment + "/plan", map[string]string{"internal": misplaced}, nil},
		{"/deployments/" + deployment + "/plan", map[string]string{"internal": "issue", "valid-days": misplaced}, nil},
		{"/deployments/" + deployment + "/plan", map[string]string{"internal": "ca", "ca-password": secrets["a wrong password of the file"]}, map[string][]byte{"ca": file}},
		{"/deployments/" + deployment + "/plan", map[string]string{"internal": "ca", "ca-password": right}, map[string][]byte{"ca": inPEM, "ca-key": inPEM}},
		{"/deployments/" + deployment + "/plan", map[string]string{"internal": "pfx", "internal-pfx-password": right, "site-admin": admin, "site-admin-password": secrets["the site administrator's password"]}, map[string][]byte{"internal-pfx:portal": file}},
		{"/deployments/" + deployment + "/plan", map[string]string{"reach": misplaced}, nil},
		{"/deployments/" + deployment + "/unlock", map[string]string{"run": misplaced}, nil},
		{"/vaults/entvault/certificates/canary", map[string]string{"password": secrets["a wrong password of the file"]}, map[string][]byte{"pfx": file}},
		{"/vaults/entvault/certificates/canary", map[string]string{"password": right, "roots": misplaced}, map[string][]byte{"pfx": file}},
		{"/account/sign-in", map[string]string{"sign-in": misplaced, "cloud": misplaced}, nil},
		{"/account/sign-in", map[string]string{"sign-in": "azure-cli", "client-secret": misplaced}, nil},
		{"/account/sign-in", map[string]string{"client-id": "canary", "tenant": "contoso.onmicrosoft.com", "client-secret": misplaced}, nil},
		{"/account/sign-in", map[string]string{"client-id": "canary", "tenant": "contoso.onmicrosoft.com", "client-certificate-password": misplaced}, map[string][]byte{"client-certificate": file}},
		{"/runs/" + run + "/undo", map[string]string{"site-admin": admin, "site-admin-password": secrets["a wrong one"]}, nil},
		{"/runs/" + run + "/stop", map[string]string{"reason": misplaced}, nil},
	} {
		st.send(t, apiPath+sent.path, sent.values, sent.files)
	}
	// Forms that no client makes, whose parsers like to quote them.
	var all []*http.Request
	for kind, body := range map[string]string{
		"application/x-www-form-urlencoded":         "password=%zz" + misplaced + "&password=" + misplaced,
		"application/x-www-form-urlencoded; a=b":    "password=" + misplaced + "&password=" + misplaced + ";x",
		"multipart/form-data; boundary=x":           "--x\r\n" + misplaced + ": " + misplaced + "\r\n\r\n" + misplaced,
		"multipart/form-data; boundary=y":           misplaced,
		"multipart/form-data":                       misplaced,
		"application/json":                          `{"password":"` + misplaced + `"`,
		"multipart/form-data; boundary=" + "z; q=1": "--z\r\nContent-Disposition: form-data; name=password; filename=" + misplaced[:3] + "\r\n\r\n" + misplaced + "\r\n--z--",
	} {
		for _, path := range []string{apiPath + "/check", "/sign-in", "/subscription", "/deployments/" + deployment + "/look"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, st.base+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Origin", st.base)
			all = append(all, r)
		}
	}
	st.atOnce(t, all)
	st.book.StopAll() // the sign-ins, which wait for a person
	var twice bytes.Buffer
	parts := multipart.NewWriter(&twice)
	_ = parts.WriteField("password", misplaced)
	_ = parts.WriteField("password", misplaced)
	_ = parts.Close()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, st.base+apiPath+"/check", &twice)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	st.settle(t, r)
}

// renewal is the one at an address, as it is now.
func (st *renewalStage) renewal(t *testing.T, base string) (view struct {
	Chosen struct{ Bundle *pki.Bundle }
	Ready  any
}) {
	t.Helper()
	renewal, known := st.renewals.Find(strings.TrimPrefix(base, "/renew/"))
	if !known {
		t.Fatal("there is no renewal at " + base)
	}
	renewal.Lock()
	defer renewal.Unlock()
	view.Chosen.Bundle, view.Ready = renewal.Chosen.Bundle, renewal.Ready
	return view
}

// heldAfterLock names what is still reachable after a while.
func (st *renewalStage) heldAfterLock(t *testing.T, bundle weak.Pointer[pki.Bundle], ready weak.Pointer[app.Prepared]) string {
	t.Helper()
	left := map[string]bool{}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // what closes it may go on for a moment
		runtime.GC()
		left = map[string]bool{}
		if bundle.Value() != nil {
			left["the certificate with its key"] = true
		}
		if ready.Value() != nil {
			left["the plan with its logins"] = true
		}
		if len(left) == 0 {
			return ""
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(left)), " and ")
}
