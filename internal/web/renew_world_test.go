package web

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// renewalStage is a stage in a simulated world, signed in as its environment says.
type renewalStage struct {
	*stage
	world     *sim.World
	variables map[string]string
	// at is the address of the last page.
	at *url.URL
}

func newRenewalStage(t *testing.T, world string, without ...string) *renewalStage {
	t.Helper()
	return newRenewalStageIn(t, sim.Options{World: world, Scale: 600}, without...)
}

func newRenewalStageIn(t *testing.T, options sim.Options, without ...string) *renewalStage {
	t.Helper()
	// Signing with RSA is most of what a world spends, and nothing here is about it.
	options.Current.Key, options.Machines.Key = "p256", "p256"
	w := worldtest.Start(t, options)
	variables := map[string]string{"CARTOUCHE_STATE_DIR": t.TempDir()}
	for _, v := range w.Environment() {
		variables[v.Name] = v.Value
	}
	for _, name := range without {
		delete(variables, name)
	}
	st := newStage(t, Options{App: &app.App{
		Lookup: func(name string) string { return variables[name] }, Now: time.Now, Version: "test",
		Patience: rotation.Patience{
			Write: 20 * time.Second, Proof: 5 * time.Second, Interval: 20 * time.Millisecond, Rounds: 3, Recovery: 40 * time.Second, Backoff: 20 * time.Millisecond,
		},
		PollInterval: 10 * time.Millisecond,
	}})
	return &renewalStage{stage: st, world: w, variables: variables}
}

// settle follows pages of progress until what they lead to is there.
func (st *renewalStage) settle(t *testing.T, r *http.Request) (status int, body string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		answer, err := st.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		_, err = text.ReadFrom(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		st.at = answer.Request.URL
		if !((strings.HasPrefix(st.at.Path, "/work/") || strings.Contains(st.at.Path, "/sign-in/")) && strings.Contains(text.String(), "data-live")) || time.Now().After(end) {
			noFlags(t, st.at.Path, text.String())
			return answer.StatusCode, text.String()
		}
		time.Sleep(20 * time.Millisecond) // as a browser without JavaScript does
		if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, st.at.String(), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func (st *renewalStage) open(t *testing.T, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, st.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return st.settle(t, r)
}

// send posts a form of a page; files makes it one with files.
func (st *renewalStage) send(t *testing.T, path string, values map[string]string, files map[string][]byte) (int, string) {
	t.Helper()
	return st.settle(t, st.form(t, path, values, files))
}

func (st *renewalStage) form(t *testing.T, path string, values map[string]string, files map[string][]byte) *http.Request {
	t.Helper()
	var body bytes.Buffer
	kind := "application/x-www-form-urlencoded"
	if files == nil {
		form := url.Values{}
		for name, value := range values {
			form.Set(name, value)
		}
		body.WriteString(form.Encode())
	} else {
		parts := multipart.NewWriter(&body)
		for name, value := range values {
			_ = parts.WriteField(name, value)
		}
		for name, data := range files {
			part, _ := parts.CreateFormFile(name, name+".pfx")
			_, _ = part.Write(data)
		}
		_ = parts.Close()
		kind = parts.FormDataContentType()
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, st.base+path, &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Origin", st.base)
	return r
}

// pfx issues a certificate for the world's first deployment.
func (st *renewalStage) pfx(t *testing.T, change func(*authority.Spec), password string) []byte {
	t.Helper()
	d := st.world.Deployments()[0]
	spec := authority.Spec{Names: []string{d.Domain}}
	if d.SecondaryDomain != "" {
		spec.Names = append(spec.Names, d.SecondaryDomain)
	}
	if change != nil {
		change(&spec)
	}
	issued, err := st.world.Authority().Issue(spec)
	if err != nil {
		t.Fatal(err)
	}
	file, err := issued.PFX(password)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (st *renewalStage) wantPage(t *testing.T, body, path string, texts ...string) {
	t.Helper()
	if !strings.HasSuffix(st.at.Path, path) {
		t.Fatalf("the page is %s, want …%s:\n%s", st.at, path, plain(body))
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Fatalf("%s does not say %q:\n%s", st.at, text, plain(body))
		}
	}
}

var markup = regexp.MustCompile(`(?s)<[^>]*>`)

// plain is what of a page can be read.
func plain(body string) string {
	_, main, _ := strings.Cut(body, "<main")
	return regexp.MustCompile(`\s*\n\s*`).ReplaceAllString(markup.ReplaceAllString(main, ""), "\n")
}

// signingKey makes a key to sign evidence with.
func signingKey(t *testing.T) *evidence.Key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := evidence.OpenKey(pem.EncodeToMemory(block), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestARenewalFromAFileInAWorld(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	st.options.SignKey = signingKey(t)
	signer := "signed by " + st.options.SignKey.String()
	const password, wrong = "pfx-password-7261", "wrong-password-9917"
	file := st.pfx(t, nil, password)
	admin, adminPassword := st.variables["CARTOUCHE_SITE_ADMIN"], st.variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]
	seen := func(body string) string {
		t.Helper()
		for _, secret := range []string{password, wrong, adminPassword, "not-it-5521"} {
			if strings.Contains(body, secret) {
				t.Fatalf("a page at %s holds a secret", st.at)
			}
		}
		return body
	}

	// What a browser asks for before anybody wants it begins nothing.
	_, body := st.open(t, "/renew")
	st.wantPage(t, seen(body), "/", "Deployments")
	_, _ = st.open(t, "/renew?deployment=../history")
	if st.at.Path != "/deployments/../history" && st.at.Path != "/deployments/..%2Fhistory" {
		t.Errorf("the deployment of an address leads to %s", st.at)
	}
	_, body = st.send(t, "/renew", nil, nil)
	st.wantPage(t, seen(body), "/deployment", "deployment")
	base := strings.TrimSuffix(st.at.Path, "/deployment")
	id := regexp.MustCompile(`name="deployment" value="([a-z2-7]+)"`).FindStringSubmatch(body)
	if id == nil {
		t.Fatal("no deployment is offered:\n" + plain(body))
	}
	// A step whose earlier answers are missing leads to them, and says so.
	_, body = st.open(t, base+"/review")
	st.wantPage(t, body, "/deployment", "Choose the deployment first.")

	_, body = st.send(t, base+"/deployment", map[string]string{"deployment": id[1]}, nil)
	st.wantPage(t, body, "/certificate", "From a file")
	_, body = st.send(t, base+"/certificate", map[string]string{"from": "file"}, map[string][]byte{})
	st.wantPage(t, body, "/certificate", "Choose a file")

	_, body = st.send(t, base+"/certificate", map[string]string{"from": "file", "password": wrong}, map[string][]byte{"pfx": file})
	st.wantPage(t, seen(body), "/certificate", "does not open pfx.pfx", "Another file instead of pfx.pfx")
	_, body = st.send(t, base+"/certificate", map[string]string{"from": "file", "password": password}, map[string][]byte{})
	st.wantPage(t, seen(body), "/certificate", "pfx.pfx can be used", "Served now", "Go on with this certificate")
	_, body = st.open(t, base+"/certificate") // a reload
	st.wantPage(t, seen(body), "/certificate", "pfx.pfx can be used")

	_, body = st.send(t, base+"/certificate/use", nil, nil)
	st.wantPage(t, body, "/credentials", "Site administrator")
	_, body = st.send(t, base+"/credentials", map[string]string{"site-admin": admin, "site-admin-password": "not-it-5521"}, nil)
	st.wantPage(t, seen(body), "/credentials", "2 tries are left", `value="`+admin+`"`)
	_, body = st.send(t, base+"/credentials", map[string]string{"site-admin": admin, "site-admin-password": adminPassword, "service-account": "arcgis"}, nil)
	st.wantPage(t, seen(body), "/review", "Renew the certificate", "Accepted by Portal", "cartouche apply", "Given and not used", "is signed by ssh-ed25519 SHA256:")
	_, body = st.open(t, base+"/review")
	st.wantPage(t, seen(body), "/review", "Renew the certificate")

	// Back and forward keep what was typed, except secrets.
	_, body = st.open(t, base+"/credentials")
	st.wantPage(t, seen(body), "/credentials", `value="`+admin+`"`, `value="arcgis"`, "still there")
	_, body = st.open(t, base+"/certificate")
	st.wantPage(t, seen(body), "/certificate", "pfx.pfx can be used")

	// What is confirmed is what was shown.
	_, body = st.send(t, base+"/go", map[string]string{"plan": "another"}, nil)
	st.wantPage(t, body, "/review", "look at it again")
	_, body = st.open(t, base+"/review")
	hash := regexp.MustCompile(`name="plan" value="([^"]+)"`).FindStringSubmatch(body)
	if hash == nil {
		t.Fatal("the plan has no hash:\n" + plain(body))
	}
	_, body = st.send(t, base+"/go", map[string]string{"plan": hash[1]}, nil)
	if !strings.HasPrefix(st.at.Path, "/runs/") {
		t.Fatalf("the run is at %s:\n%s", st.at, plain(seen(body)))
	}
	_, body = st.open(t, base+"/review")
	if !strings.Contains(body, "no longer kept") {
		t.Errorf("the renewal is still there:\n%s", plain(body))
	}
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, run := range st.book.Find(func(w *work.Work) bool { return w.Job().Kind == runKind }) {
		if _, err := run.Result(); err != nil {
			t.Errorf("the run has failed: %s", err)
		}
	}
	list, err := st.options.App.Runs(t.Context())
	if err != nil || len(list) != 1 || list[0].Outcome != string(rotation.Verified) {
		t.Errorf("runs %+v (%v)", list, err)
	}
	if _, body = st.open(t, "/runs/"+list[0].ID); !strings.Contains(html.UnescapeString(body), signer) {
		t.Errorf("the page of the run does not say who has signed:\n%s", plain(body))
	}
	if _, body = st.open(t, "/history/"+list[0].ID); !strings.Contains(body, "it is signed by ") {
		t.Errorf("the history does not say that the evidence is signed:\n%s", plain(body))
	}
}

// What must not stay goes when the pages are locked.
func TestLockingForgetsWhatWasTyped(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	renewal := st.renewals.Begin()
	renewal.Logins = wizard.Logins{SiteAdmin: "siteadmin", SiteAdminPassword: secret.New("x")}
	st.door.Lock()
	if !renewal.Logins.SiteAdminPassword.Empty() || renewal.Logins.SiteAdmin != "siteadmin" {
		t.Errorf("after locking the logins are %+v", renewal.Logins)
	}
}

// toCertificate brings a renewal to the page of the certificate.
func (st *renewalStage) toCertificate(t *testing.T) (base string) {
	t.Helper()
	_, body := st.send(t, "/renew", nil, nil)
	id := regexp.MustCompile(`name="deployment" value="([a-z2-7]+)"`).FindStringSubmatch(body)
	if id == nil {
		t.Fatalf("no deployment is offered at %s:\n%s", st.at, plain(body))
	}
	_, body = st.send(t, "/renew", map[string]string{"deployment": id[1]}, nil) // as a deployment's own button does
	st.wantPage(t, body, "/certificate")
	return strings.TrimSuffix(st.at.Path, "/certificate")
}

func TestHostileFilesAndWrongPasswords(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	st.giveHostileFiles(t)
	st.tryThreePasswords(t)
	newAPIStage(t, st).tryPasswordsThroughAPI(t)
}

func (st *renewalStage) giveHostileFiles(t *testing.T) {
	t.Helper()
	base := st.toCertificate(t)
	give := func(data []byte, password string) string {
		t.Helper()
		_, body := st.send(t, base+"/certificate", map[string]string{"from": "file", "password": password}, map[string][]byte{"pfx": data})
		st.wantPage(t, body, "/certificate")
		return body
	}
	for name, data := range map[string][]byte{
		"garbage":        []byte("this is no file of certificates"),
		"zeros":          make([]byte, 1<<20),
		"a PEM file":     []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
		"half of a file": st.pfx(t, nil, "x")[:400],
	} {
		if body := give(data, "x"); !strings.Contains(body, `id="pfx-error">pfx.pfx: `) || strings.Contains(body, "Go on with this certificate") {
			t.Errorf("%s is taken:\n%s", name, plain(body))
		}
	}
	if body := give(make([]byte, 4<<20+1), "x"); !strings.Contains(body, "too large") {
		t.Errorf("a file that is too large is taken:\n%s", plain(body))
	}
	// An expired one is opened, shown, and cannot be gone on with.
	expired := st.pfx(t, func(s *authority.Spec) {
		s.NotBefore, s.NotAfter = time.Now().AddDate(0, 0, -90), time.Now().AddDate(0, 0, -1)
	}, "x")
	if body := give(expired, "x"); !strings.Contains(body, "pfx.pfx cannot be used") || strings.Contains(body, "Go on with this certificate") {
		t.Errorf("an expired certificate is taken:\n%s", plain(body))
	}
	_, body := st.open(t, base+"/credentials")
	st.wantPage(t, body, "/certificate", "Choose the new certificate first.")
	// Names in it are text, whatever they hold.
	hostile := st.pfx(t, func(s *authority.Spec) { s.Names = append(s.Names, "<script>alert(1)</script>.example.com") }, "x")
	body = give(hostile, "x")
	if strings.Contains(body, "<script>alert") {
		t.Error("a name in a certificate is markup of the page")
	}
	if !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("the name is not shown:\n%s", plain(body))
	}
}

func TestKeyVault(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "ha")
	st.renewFromVault(t)
	st.createInVault(t)
	st.createWhatIsServed(t)
}

func (st *renewalStage) renewFromVault(t *testing.T) {
	t.Helper()
	base := st.toCertificate(t)
	_, body := st.open(t, base+"/certificate?from=vault")
	st.wantPage(t, body, "/certificate", "entvault", "othersvault", "could not be looked into")
	_, body = st.open(t, base+"/certificate?from=vault&vault=entvault")
	st.wantPage(t, body, "/certificate", "Which certificate?", "Cannot be used: ")
	// A name that is none stays on the page.
	_, body = st.send(t, base+"/certificate", map[string]string{"from": "vault", "vault": "entvault", "name": "a/b"}, map[string][]byte{})
	st.wantPage(t, body, "/certificate", "1 to 127 letters")
	st.renewOneVersion(t, base)
	_, body = st.send(t, base+"/certificate", map[string]string{"from": "vault", "vault": "entvault", "name": "maps-file"}, map[string][]byte{})
	st.wantPage(t, body, "/credentials")
	_, body = st.send(t, base+"/credentials", map[string]string{"without-portal": "yes"}, nil)
	st.wantPage(t, body, "/review", "maps-file in vault entvault", "--vault entvault --certificate maps-file --without-portal", "Left out, as you chose")
}

// renewOneVersion keeps the gateway to one version of a certificate, for ever.
func (st *renewalStage) renewOneVersion(t *testing.T, base string) {
	t.Helper()
	none := map[string][]byte{}
	of := func(values map[string]string) map[string]string {
		values["from"], values["vault"], values["name"] = "vault", "entvault", "maps"
		return values
	}
	_, body := st.send(t, base+"/certificate", of(map[string]string{"versions": "yes"}), none)
	st.wantPage(t, body, "/certificate", "Which version?", "Always the newest version", "the newest now", "goes dark when that version ends")
	version := regexp.MustCompile(`name="version" value="([0-9a-f]{32})" required><span><b>Only`).FindStringSubmatch(body)
	if version == nil {
		t.Fatalf("no version can be chosen:\n%s", body)
	}
	_, _ = st.send(t, base+"/choices", map[string]string{"from": "vault", "form": "reference"}, none)
	_, body = st.send(t, base+"/certificate", of(map[string]string{"version": version[1]}), none)
	st.wantPage(t, body, "/certificate", "which excludes this", "Which version?")
	_, _ = st.send(t, base+"/choices", map[string]string{"from": "vault"}, none)
	_, body = st.send(t, base+"/certificate", of(map[string]string{"version": version[1]}), none)
	st.wantPage(t, body, "/credentials")
	_, body = st.send(t, base+"/credentials", map[string]string{"without-portal": "yes"}, nil)
	st.wantPage(t, body, "/review", "--version "+version[1], "version "+version[1]+" of certificate maps")
	_, body = st.open(t, base+"/certificate?from=vault&vault=entvault&name=maps")
	st.wantPage(t, body, "/certificate", `value="`+version[1]+`" checked`)
}

func (st *renewalStage) createInVault(t *testing.T) {
	t.Helper()
	base := st.toCertificate(t)
	_, body := st.open(t, base+"/certificate?from=create&vault=entvault")
	st.wantPage(t, body, "/certificate", "Name of the certificate in the vault")
	file := st.pfx(t, func(s *authority.Spec) { s.NotAfter = time.Now().AddDate(0, 0, 320) }, "x")
	_, body = st.send(t, base+"/certificate", map[string]string{"from": "create", "vault": "entvault", "name": "no name", "password": "x"}, map[string][]byte{"pfx": file})
	st.wantPage(t, body, "/certificate", "1 to 127 letters")
	_, body = st.send(t, base+"/certificate", map[string]string{"from": "create", "vault": "entvault", "name": "gis-2027", "password": "x"}, map[string][]byte{"pfx": file})
	st.wantPage(t, body, "/certificate", "pfx.pfx can be used")
	_, body = st.send(t, base+"/certificate/use", nil, nil)
	st.wantPage(t, body, "/credentials")
	_, body = st.send(t, base+"/credentials", map[string]string{"without-portal": "yes"}, nil)
	st.wantPage(t, body, "/review", "Import the certificate into Key Vault", "gis-2027", "--pfx pfx.pfx --vault entvault --certificate gis-2027")
}

// The very certificate that is served is no reason to go on, and whoever does is
// told that nothing will be written.
func (st *renewalStage) createWhatIsServed(t *testing.T) {
	t.Helper()
	file := st.pfx(t, func(s *authority.Spec) { s.NotAfter = time.Now().AddDate(0, 0, 330) }, "x")
	upTo := func(said string) (base, body string) {
		t.Helper()
		base = st.toCertificate(t)
		_, body = st.send(t, base+"/certificate", map[string]string{"from": "create", "vault": "entvault", "name": "gis-2028", "password": "x"}, map[string][]byte{"pfx": file})
		st.wantPage(t, body, "/certificate", said, "Go on with this certificate")
		_, _ = st.send(t, base+"/certificate/use", nil, nil)
		_, body = st.send(t, base+"/credentials", map[string]string{"without-portal": "yes"}, nil)
		st.wantPage(t, body, "/review")
		return base, body
	}
	base, body := upTo("pfx.pfx can be used")
	hash := regexp.MustCompile(`name="plan" value="([^"]+)"`).FindStringSubmatch(body)
	if hash == nil {
		t.Fatal("the plan cannot be carried out:\n" + plain(body))
	}
	_, body = st.send(t, base+"/go", map[string]string{"plan": hash[1]}, nil)
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := st.options.App.Runs(t.Context()); err != nil || len(list) != 1 || list[0].Outcome != string(rotation.Verified) {
		t.Fatalf("runs %+v (%v):\n%s", list, err, plain(body))
	}
	_, body = upTo("pfx.pfx is served already</h2>\n<p>Clients get this very certificate, so there is nothing to renew")
	st.wantPage(t, body, "/review", "There is nothing to do", "neither at the gateway nor in a vault", "Prove it once more?", "Nothing is changed, whatever comes of it.")
	if strings.Contains(body, "Its private key") || strings.Contains(body, "the listeners go back") {
		t.Errorf("the review tells what does not happen:\n%s", plain(body))
	}
}

func (st *renewalStage) tryThreePasswords(t *testing.T) {
	t.Helper()
	base := st.toCertificate(t)
	file := st.pfx(t, nil, "x")
	_, _ = st.send(t, base+"/certificate", map[string]string{"from": "file", "password": "x"}, map[string][]byte{"pfx": file})
	_, body := st.send(t, base+"/certificate/use", nil, nil)
	st.wantPage(t, body, "/credentials")
	for _, left := range []string{"2 tries are left", "One try is left", "No try is left"} {
		_, body = st.send(t, base+"/credentials", map[string]string{"site-admin": "siteadmin", "site-admin-password": "wrong"}, nil)
		st.wantPage(t, body, "/credentials", left)
	}
	_, body = st.send(t, base+"/credentials", map[string]string{"site-admin": "SiteAdmin", "site-admin-password": st.variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]}, nil)
	st.wantPage(t, body, "/credentials", "was not tried", "No more tries for SiteAdmin just now")
	_, body = st.send(t, base+"/credentials", map[string]string{"without-portal": "yes"}, nil)
	st.wantPage(t, body, "/review")
}
