package site

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// fast is how much faster than ours the tests' worlds run.
const fast = 200

func startPortal(t *testing.T, g *ground.Ground, change func(*Spec)) *Site {
	t.Helper()
	return start(t, g, Spec{
		Product: Portal, Version: "11.3", PublicURL: "https://gis.example.com/portal",
		Machines: []MachineSpec{{Name: "portal1.example.net", Role: "primary"}},
	}, change)
}

func startServer(t *testing.T, g *ground.Ground, change func(*Spec)) *Site {
	t.Helper()
	return start(t, g, Spec{
		Product: Server, Version: "11.3", PublicURL: "https://gis.example.com/server",
		Machines: []MachineSpec{{Name: "gis1.example.net"}},
	}, change)
}

func start(t *testing.T, g *ground.Ground, spec Spec, change func(*Spec)) *Site {
	t.Helper()
	spec.Admin, spec.Password = "siteadmin", "correct horse"
	if change != nil {
		change(&spec)
	}
	site, err := Start(g, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
		g.Keys.Leave() // to the tests after this one
	})
	return site
}

// client speaks to machines as an administrator inside the network would.
type client struct {
	t       *testing.T
	http    *http.Client
	base    string // https://gis1.example.net:6443/arcgis
	token   string
	referer string
}

func newClient(t *testing.T, g *ground.Ground, base string) *client {
	transport := &http.Transport{
		DialContext:       g.Inside.DialContext,
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // every Esri client does
	}
	return &client{t: t, base: base, referer: "https://admin.example.net", http: &http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

const (
	serverBase = "https://gis1.example.net:6443/arcgis"
	portalBase = "https://portal1.example.net:7443/arcgis"
)

// signIn takes a token that is bound to the client's referer.
func (c *client) signIn(path string) *client {
	c.t.Helper()
	answer := c.post(path, url.Values{
		"username": {"siteadmin"}, "password": {"correct horse"}, "client": {"referer"}, "referer": {c.referer}, "f": {"json"},
	})
	c.token, _ = answer["token"].(string)
	if c.token == "" {
		c.t.Fatalf("no token: %v", answer)
	}
	return c
}

func (c *client) get(path string) map[string]any {
	c.t.Helper()
	if !strings.Contains(path, "?") {
		path += "?f=json"
	}
	request, err := http.NewRequest(http.MethodGet, c.base+path+"&token="+url.QueryEscape(c.token), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.json(request)
}

// post sends a form with the token in its body.
func (c *client) post(path string, form url.Values) map[string]any {
	c.t.Helper()
	if c.token != "" && !form.Has("token") {
		form.Set("token", c.token)
	}
	request, err := http.NewRequest(http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.json(request)
}

// upload sends a multipart form with one file.
func (c *client) upload(path, fileField string, file []byte, fields map[string]string) map[string]any {
	c.t.Helper()
	_, text := c.send(c.uploadRequest(path, fileField, file, fields))
	return c.decode(text)
}

func (c *client) uploadRequest(path, fileField string, file []byte, fields map[string]string) *http.Request {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		_ = form.WriteField(name, value)
	}
	_ = form.WriteField("f", "json")
	_ = form.WriteField("token", c.token)
	part, err := form.CreateFormFile(fileField, "server.pfx")
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = part.Write(file)
	_ = form.Close()
	request, err := http.NewRequest(http.MethodPost, c.base+path, &body)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	return request
}

func (c *client) json(request *http.Request) map[string]any {
	c.t.Helper()
	_, text := c.send(request)
	return c.decode(text)
}

func (c *client) decode(text string) map[string]any {
	c.t.Helper()
	var answer map[string]any
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		c.t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return answer
}

func (c *client) send(request *http.Request) (*http.Response, string) {
	c.t.Helper()
	if request.Header.Get("Referer") == "" {
		request.Header.Set("Referer", c.referer)
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response, string(text)
}

// page gets a page without any of the client's habits.
func (c *client) page(path string) (*http.Response, string) {
	c.t.Helper()
	request, err := http.NewRequest(http.MethodGet, c.base+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.send(request)
}

// served is the leaf that a machine shows now; nil if it refuses connections.
func served(t *testing.T, g *ground.Ground, address string) *x509.Certificate {
	t.Helper()
	raw, err := g.Inside.DialContext(t.Context(), "tcp", address)
	if err != nil {
		return nil
	}
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if conn.HandshakeContext(t.Context()) != nil {
		return nil
	}
	return conn.ConnectionState().PeerCertificates[0]
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// errorCode finds the code in either family of errors; 0 without error.
func errorCode(answer map[string]any) int {
	if nested, ok := answer["error"].(map[string]any); ok {
		answer = nested
	} else if answer["status"] != "error" {
		return 0
	}
	code, _ := answer["code"].(float64)
	return int(code)
}

// form is a POST with the token and nothing else.
func (c *client) form(path string) *http.Request {
	c.t.Helper()
	values := url.Values{"f": {"json"}, "token": {c.token}}
	request, err := http.NewRequest(http.MethodPost, c.base+path, strings.NewReader(values.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request
}

// has tells whether the first machine has an alias.
func (s *Site) has(alias string) bool {
	m := s.machines[0]
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keystore[alias] != nil
}
