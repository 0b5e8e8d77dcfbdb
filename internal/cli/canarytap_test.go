package cli_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// tap is a proxy before the door of a world that breaks up the connections to
// Azure, as a company's may, and keeps what it read: addresses, headers and
// bodies. All else it lets through as it is. It asks for a password, and for the
// certificates of the world's authority it has its word.
type tap struct {
	next     string // the door: host:port
	password string
	learn    func(name, value string)

	listener net.Listener
	broken   chan net.Conn
	closed   chan struct{}
	once     sync.Once
	forward  *httputil.ReverseProxy

	mu       sync.Mutex
	requests int
	unnamed  int // without the password
	records  []record
}

// record is a piece of what Azure was sent.
type record struct {
	where, text string
	blob        bool // an address of a storage account, where a signature belongs
}

// The secrets that may be in the address of a blob, and nowhere else.
const signature = "signature of a SAS"

func openTap(t *testing.T, world *sim.World, door, password string, learn func(name, value string)) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	next, err := url.Parse(door)
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{next: next.Host, password: password, learn: learn, listener: listener, broken: make(chan net.Conn), closed: make(chan struct{})}
	quiet := log.New(io.Discard, "", 0)
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "https", r.In.Host
			if r.In.TLS == nil {
				r.Out.URL.Scheme = "http"
			}
			r.Out.Header.Del("Proxy-Authorization")
		},
		Transport:      &http.Transport{Proxy: http.ProxyURL(next), TLSClientConfig: &tls.Config{RootCAs: world.Authority().Roots()}, ForceAttemptHTTP2: true},
		ModifyResponse: p.readAnswer,
		ErrorLog:       quiet,
	}
	broken := &http.Server{Handler: http.HandlerFunc(p.serveBroken), TLSConfig: world.Authority().ServerConfig(), ErrorLog: quiet}
	outer := &http.Server{Handler: http.HandlerFunc(p.serve), ErrorLog: quiet}
	go func() { _ = broken.ServeTLS(accepted{p}, "", "") }()
	go func() { _ = outer.Serve(listener) }()
	t.Cleanup(func() {
		outer.Close()
		broken.Close()
		p.forward.Transport.(*http.Transport).CloseIdleConnections()
	})
	return p
}

// accepted is the listener of the connections that are broken up.
type accepted struct{ *tap }

func (a accepted) Accept() (net.Conn, error) {
	select {
	case conn := <-a.broken:
		return conn, nil
	case <-a.closed:
		return nil, net.ErrClosed
	}
}
func (a accepted) Close() error   { a.once.Do(func() { close(a.closed) }); return nil }
func (a accepted) Addr() net.Addr { return a.listener.Addr() }

// url is what HTTPS_PROXY is set to.
func (p *tap) url() string {
	return (&url.URL{Scheme: "http", User: url.UserPassword("canary", p.password), Host: p.listener.Addr().String()}).String()
}

func isAzure(host string) bool {
	return slices.ContainsFunc([]string{"login.microsoftonline.com", "management.azure.com", ".vault.azure.net", ".blob.core.windows.net"},
		func(name string) bool { return strings.HasSuffix(host, name) })
}

func (p *tap) serve(w http.ResponseWriter, r *http.Request) {
	given := base64.StdEncoding.EncodeToString([]byte("canary:" + p.password))
	if r.Header.Get("Proxy-Authorization") != "Basic "+given {
		p.mu.Lock()
		p.unnamed++
		p.mu.Unlock()
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.serveBroken(w, r)
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var world net.Conn
	if !isAzure(host) {
		var status string
		if world, status, err = p.through(r.Host); err != nil {
			http.Error(w, status, http.StatusBadGateway)
			return
		}
	}
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	if world == nil {
		select {
		case p.broken <- client:
		case <-p.closed:
			client.Close()
		}
		return
	}
	go func() { _, _ = io.Copy(world, client); world.Close() }()
	_, _ = io.Copy(client, world)
	client.Close()
}

// through asks the door for a tunnel.
func (p *tap) through(target string) (net.Conn, string, error) {
	conn, err := net.Dial("tcp", p.next)
	if err != nil {
		return nil, "", err
	}
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), &http.Request{Method: http.MethodConnect})
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	if err != nil {
		conn.Close()
		return nil, "the door does not let through", err
	}
	return conn, "", nil
}

func (p *tap) serveBroken(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.read(r, body)
	p.forward.ServeHTTP(w, r)
}

// mayHold are the places in a document for Azure where a secret belongs: Azure
// takes it and gives it back to nobody. Azure documentation: Application Gateways,
// ApplicationGatewaySslCertificatePropertiesFormat; Virtual Machine Run Commands,
// protectedParameters and runAsPassword; Virtual Machine Extensions, protectedSettings; Key Vault,
// Import Certificate.
var mayHold = []string{
	"properties.sslCertificates.*.properties.data", "properties.sslCertificates.*.properties.password",
	"properties.protectedParameters.*.value", "properties.runAsPassword", "properties.protectedSettings", "value", "pwd",
}

// read keeps what may be seen of a request by others than those it is for. What
// goes to the sign-in is for it alone.
func (p *tap) read(r *http.Request, body []byte) {
	host, _, _ := strings.Cut(r.Host, ":")
	what := r.Method + " " + host + r.URL.Path
	kept := []record{{where: "the address of " + what, text: host + r.URL.String(), blob: strings.HasSuffix(host, ".blob.core.windows.net")}}
	for name, values := range r.Header {
		if name != "Authorization" && name != "Proxy-Authorization" {
			kept = append(kept, record{where: name + " of " + what, text: strings.Join(values, "\n")})
		}
	}
	if sig := r.URL.Query().Get("sig"); sig != "" {
		p.learn(signature, sig)
	}
	if !strings.HasPrefix(host, "login.") && len(body) > 0 {
		kept = append(kept, record{where: "the body of " + what, text: string(p.withoutAllowed(body))})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	p.records = append(p.records, kept...)
}

// withoutAllowed is a document without what stands where secrets may stand. What
// a script gets that way is a secret from now on.
func (p *tap) withoutAllowed(body []byte) []byte {
	var document any
	if json.Unmarshal(body, &document) != nil {
		return body
	}
	for _, place := range mayHold {
		p.cut(document, strings.Split(place, "."))
	}
	rest, _ := json.Marshal(document)
	return rest
}

func (p *tap) cut(value any, place []string) {
	switch at := value.(type) {
	case []any:
		for _, element := range at {
			p.cut(element, place[1:])
		}
	case map[string]any:
		if len(place) > 1 {
			p.cut(at[place[0]], place[1:])
			return
		}
		if text, isText := at[place[0]].(string); isText && len(text) >= 16 {
			p.learnParameter(fmt.Sprint(at["name"]), text)
		}
		delete(at, place[0])
	}
}

func (p *tap) learnParameter(name, value string) {
	switch name {
	case "agent_key":
		p.learn("key of a sealed job", value)
	case "agent_url", "agent_job":
		address, _ := base64.StdEncoding.DecodeString(value)
		if u, err := url.Parse(string(address)); err == nil && u.Query().Get("sig") != "" {
			p.learn(signature, u.Query().Get("sig"))
		}
	}
}

// readAnswer learns the secrets that Azure gives.
func (p *tap) readAnswer(answer *http.Response) error {
	host := answer.Request.URL.Hostname()
	path := strings.ToLower(answer.Request.URL.Path)
	gives := strings.HasPrefix(host, "login.") || strings.HasSuffix(path, "/listkeys") || answer.Request.URL.Query().Get("comp") == "userdelegationkey" ||
		strings.HasPrefix(path, "/secrets/")
	if !gives || answer.StatusCode >= 300 {
		return nil
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(body))
	var known struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		IDToken      string `json:"id_token"`
		DeviceCode   string `json:"device_code"`
		Value        string `json:"value"`
		Keys         []struct{ Value string }
	}
	if json.Unmarshal(body, &known) == nil {
		for name, value := range map[string]string{
			"access token": known.AccessToken, "refresh token": known.RefreshToken, "id token": known.IDToken,
			"device code": known.DeviceCode, "secret of a vault": known.Value,
		} {
			p.learn(name, value)
		}
		for _, key := range known.Keys {
			p.learn("key of a storage account", key.Value)
		}
	}
	var delegated struct{ Value string }
	if xml.Unmarshal(body, &delegated) == nil {
		p.learn("key for signing a SAS", delegated.Value)
	}
	return nil
}
