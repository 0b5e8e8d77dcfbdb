package web

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret/secrettest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// TestNoSecretComesOutOfThePages types secrets into everything that takes one, and
// where none belongs, right and wrong, and goes on to the end of runs, undo and
// evidence. None of them is in an answer, an address, an event, or a file. What asks
// for a password or a file on any page that was seen, and every secret of the API,
// must have been sent one.
func TestNoSecretComesOutOfThePages(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	asked := &fields{sent: map[string]bool{}, offered: map[string]bool{}}
	flown := 0
	for _, flight := range []struct {
		name  string
		begin func(*testing.T) *renewalStage
		fly   func(*canary, *testing.T)
	}{
		{"renewal", func(t *testing.T) *renewalStage { return newRenewalStage(t, "single") }, (*canary).renew},
		{"vault", func(t *testing.T) *renewalStage {
			return newRenewalStageIn(t, sim.Options{World: "ha", Scale: 600, Version: "12.0"})
		}, (*canary).throughVaultAndDSC},
		{"machines", func(t *testing.T) *renewalStage { return newMachinesStage(t).renewalStage }, (*canary).replaceMachines},
	} {
		t.Run(flight.name, func(t *testing.T) {
			c := newCanary(t, flight.begin(t), asked)
			defer c.search(t, temporary) // also when it ends too early
			flight.fly(c, t)
			c.everywhere(t)
			flown++
		})
	}
	if flown < 3 {
		return // one was asked for, or has failed
	}
	for _, route := range apiTable {
		for _, name := range route.form {
			if slices.Contains(secretFields, name) {
				asked.offered[route.pattern()+" "+name] = true
			}
		}
	}
	for field := range asked.offered {
		if !asked.sent[field] {
			t.Errorf("no canary was typed into %s", field)
		}
	}
	if len(asked.offered) < 50 {
		t.Errorf("only %d fields were seen that take secrets", len(asked.offered))
	}
	t.Logf("%d fields take secrets", len(asked.offered))
}

// fields are those of forms, by where the form is sent: "POST /check password".
type fields struct {
	sent    map[string]bool // with a secret
	offered map[string]bool // as one for a password or a file
}

// canary is a stage whose secrets are looked for in all that comes out.
type canary struct {
	*renewalStage
	heard   *recorder
	secrets map[string]string
	file    []byte // a certificate with its key, under the file's password
	inPEM   []byte // that key
	// places are what there is, by what stands before it in an address.
	places map[string]string
}

func newCanary(t *testing.T, st *renewalStage, asked *fields) *canary {
	t.Helper()
	st.options.Scale = 600
	c := &canary{renewalStage: st, places: map[string]string{}, secrets: map[string]string{
		"the file's password": "canary pfx+password/7261", "a wrong password of the file": "canary%wrong&pfx-9917",
		"the site administrator's password": password(st.world), "a wrong one": "canary<wrong>admin\"5521",
		"the service account's password": "canary-service-3313", "the application's secret": st.variables["AZURE_CLIENT_SECRET"],
		"a password in the wrong place": "canary-misplaced-8842",
	}}
	c.heard = &recorder{said: map[string]string{}, of: c, fields: asked}
	st.client.Transport = c.heard
	d := st.world.Deployments()[0]
	issued, err := st.world.Authority().Issue(authority.Spec{Names: slices.DeleteFunc([]string{d.Domain, d.SecondaryDomain}, func(name string) bool { return name == "" })})
	if err != nil {
		t.Fatal(err)
	}
	if c.file, err = issued.PFX(c.secrets["the file's password"]); err != nil {
		t.Fatal(err)
	}
	c.secrets["the file"] = string(c.file[200:240])
	der, err := x509.MarshalPKCS8PrivateKey(issued.Key)
	if err != nil {
		t.Fatal(err)
	}
	switch key := issued.Key.(type) {
	case *ecdsa.PrivateKey:
		scalar, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		c.secrets["the private key"] = string(scalar)
	case *rsa.PrivateKey:
		c.secrets["the private key"] = string(key.Primes[0].Bytes())
	default:
		t.Fatalf("a key of type %T", key)
	}
	c.inPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	lines := strings.Split(strings.TrimSpace(string(c.inPEM)), "\n")
	c.secrets["the private key in PEM"] = lines[max(len(lines)-6, 1)] // the first ones of an RSA key are the public one
	return c
}

// password is that of the site administrator.
func password(w *sim.World) string {
	for _, v := range w.Environment() {
		if v.Name == "CARTOUCHE_SITE_ADMIN_PASSWORD" {
			return v.Value
		}
	}
	return ""
}

// give sends a form, and follows it to what comes of it.
func (c *canary) give(t *testing.T, path string, values map[string]string, files map[string][]byte) (body string) {
	t.Helper()
	_, body = c.send(t, path, values, files)
	return body
}

// names are the fields of what anybody may choose to call something. A person sees
// again what was typed there, to mend it.
var names = []string{
	"site-admin", "service-account", "vault", "certificate", "for", "host", "tenant", "subscription", "client-id", "identity", "managed-identity-client-id",
}

// everywhere types a password into all that is sent anywhere: into the fields that
// forms have, where they are and elsewhere, and into each field of the API but names.
func (c *canary) everywhere(t *testing.T) {
	t.Helper()
	misplaced := c.secrets["a password in the wrong place"]
	whole := map[string]string{"strange": misplaced}
	for field := range c.heard.fields.offered {
		whole[field[strings.LastIndexByte(field, ' ')+1:]] = misplaced
	}
	c.heard.blindly = true
	var all []*http.Request
	post := func(path string, form map[string]string) {
		for _, parts := range []map[string][]byte{nil, {}} {
			all = append(all, c.form(t, path, form, parts))
		}
	}
	for _, pattern := range c.patterns {
		path, isPost := strings.CutPrefix(pattern, "POST ")
		if isPost && path != "/lock" && !strings.HasSuffix(path, "/sign-out") {
			post(c.address(path), whole)
		}
	}
	for _, route := range apiTable {
		for _, name := range route.form {
			if !slices.Contains(names, name) {
				post(apiPath+c.address(route.path), map[string]string{name: misplaced})
			}
		}
	}
	c.atOnce(t, all)
	all = nil
	post("/sign-out", whole)
	post(apiPath+"/account/sign-out", whole)
	c.atOnce(t, all)
	c.book.StopAll()
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, wk := range c.book.Find(func(*work.Work) bool { return true }) {
		c.get(t, "/work/"+wk.ID)
	}
}

// atOnce asks several at a time, since a sign-in takes a moment to answer.
func (c *canary) atOnce(t *testing.T, all []*http.Request) {
	t.Helper()
	var asking sync.WaitGroup
	room := make(chan struct{}, 16)
	for _, r := range all {
		room <- struct{}{}
		asking.Go(func() {
			defer func() { <-room }()
			answer, err := c.client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = answer.Body.Close() // the recorder has read it
		})
	}
	asking.Wait()
}

// address is one of a route, at something that there is.
func (c *canary) address(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = cmp.Or(c.places[parts[i-1]], "canary")
		}
	}
	return strings.Join(parts, "/")
}

// search looks for the secrets in all that was answered, and in the files.
func (c *canary) search(t *testing.T, temporary string) {
	t.Helper()
	for _, dir := range []string{c.variables["CARTOUCHE_STATE_DIR"], temporary} {
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				data, _ := os.ReadFile(path)
				c.heard.said["the file "+path] = path + string(data)
			}
			return nil
		})
	}
	if len(c.heard.said) < 90 {
		t.Errorf("only %d answers and files were searched", len(c.heard.said))
	}
	for _, leak := range leaks(c.heard.said, c.secrets) {
		t.Error(leak)
	}
	t.Logf("%d answers and files were searched", len(c.heard.said))
	// It would be heard.
	plainly := fmt.Sprintf("%x", c.secrets["the private key"]) + string(c.inPEM) + fmt.Sprintf("%q", c.secrets["a password in the wrong place"])
	if got := leaks(map[string]string{"itself": plainly}, c.secrets); len(got) != 3 {
		t.Errorf("what is said plainly is not heard: %q", got)
	}
}

// recorder is the way of a browser to the pages; it keeps all that came back, and
// where it was led.
type recorder struct {
	of     *canary
	fields *fields
	mu     sync.Mutex
	said   map[string]string // by what was asked
	// blindly tells that what is typed is no answer to what is asked for.
	blindly bool
}

func (c *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := c.sends(r); err != nil {
		return nil, err
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offers(string(body))
	what := fmt.Sprintf("%d: %s %s", len(c.said), r.Method, r.URL)
	c.said[what] = r.URL.String() + "\n" + fmt.Sprint(answer.Header) + "\n" + string(body)
	return answer, nil
}

// field names one of a form by the form's route; files for one product or another are as one.
func (c *recorder) field(path, name string) string {
	r, err := http.NewRequest(http.MethodPost, path, nil)
	if err != nil {
		return ""
	}
	_, pattern := c.of.mux.Handler(r)
	if strings.HasPrefix(name, "pfx-") && name != "pfx-password" {
		name = "pfx-…"
	}
	return pattern + " " + name
}

// sends keeps into which fields secrets are typed.
func (c *recorder) sends(r *http.Request) error {
	if r.Method != http.MethodPost || r.Body == nil || c.blindly {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	read := r.Clone(r.Context())
	read.Body = io.NopCloser(bytes.NewReader(body))
	if read.ParseMultipartForm(32<<20) != nil && read.PostForm == nil {
		return nil // a form that is none
	}
	sent := map[string]string{}
	for name := range read.PostForm {
		sent[name] = read.PostForm.Get(name)
	}
	if read.MultipartForm != nil {
		for name := range read.MultipartForm.File {
			file, err := read.MultipartForm.File[name][0].Open()
			if err != nil {
				return err
			}
			data, err := io.ReadAll(file)
			if err != nil {
				return err
			}
			sent[name] = string(data)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, value := range sent {
		for _, secret := range c.of.secrets {
			if strings.Contains(value, secret) {
				c.fields.sent[c.field(r.URL.Path, name)] = true
			}
		}
	}
	return nil
}

var (
	formOf  = regexp.MustCompile(`(?s)<form method="post" action="([^"]+)"[^>]*>(.*?)</form>`)
	inputOf = regexp.MustCompile(`<input [^>]*>`)
	nameOf  = regexp.MustCompile(` name="([^"]+)"`)
	typeOf  = regexp.MustCompile(` type="(password|file)"`)
)

// offers keeps where a page asks for passwords and files.
func (c *recorder) offers(body string) {
	for _, form := range formOf.FindAllStringSubmatch(body, -1) {
		for _, input := range inputOf.FindAllString(form[2], -1) {
			if name := nameOf.FindStringSubmatch(input); name != nil && typeOf.MatchString(input) {
				action, _, _ := strings.Cut(form[1], "?")
				c.fields.offered[c.field(action, name[1])] = true
			}
		}
	}
}

// leaks names each secret with the places where it came out.
func leaks(said, secrets map[string]string) []string {
	var found []string
	for name, value := range secrets {
		for _, spelt := range secrettest.Spellings(value) {
			if len(spelt) < 8 {
				continue
			}
			for where, text := range said {
				if strings.Contains(text, spelt) {
					found = append(found, fmt.Sprintf("%s came out in %s", name, where))
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
