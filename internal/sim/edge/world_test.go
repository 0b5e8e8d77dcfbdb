package edge

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

const publicAddress = "203.0.113.10"

// world is a gateway with two servers and a portal behind it.
type world struct {
	t        *testing.T
	ground   *ground.Ground
	gateway  *Gateway
	tree     map[string]any
	servers  [2]*backend
	portal   *backend
	old, new tls.Certificate
}

func newWorld(t *testing.T) *world {
	t.Helper()
	g := ground.New(200, nil)
	g.Outside.Name("gis.example.com", publicAddress)
	shared := selfSignedPair(t, "gis1.example.net", "gis2.example.net")
	w := &world{
		t: t, ground: g, gateway: New(g, "agw"),
		servers: [2]*backend{startBackend(t, g, "gis1.example.net", 6443, shared), startBackend(t, g, "gis2.example.net", 6443, shared)},
		portal:  startBackend(t, g, "portal1.example.net", 7443, selfSignedPair(t, "portal1.example.net")),
	}
	ca := newCA(t)
	w.old, w.new = ca.pair(t, "gis.example.com"), ca.pair(t, "gis.example.com")
	text, err := os.ReadFile("testdata/gateway.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &w.tree); err != nil {
		t.Fatal(err)
	}
	w.trust("serverBackendSSLCert", shared)
	w.trust("portalBackendSSLCert", w.portal.pair)
	t.Cleanup(func() {
		if err := w.gateway.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// entry finds the properties of an entry of the document.
func (w *world) entry(collection, name string) map[string]any {
	w.t.Helper()
	for _, entry := range w.tree["properties"].(map[string]any)[collection].([]any) {
		if entry := entry.(map[string]any); entry["name"] == name {
			return entry["properties"].(map[string]any)
		}
	}
	w.t.Fatalf("no %s in %s", name, collection)
	return nil
}

func (w *world) trust(name string, pair tls.Certificate) {
	w.entry("trustedRootCertificates", name)["data"] = base64.StdEncoding.EncodeToString(pair.Certificate[0])
}

// apply makes the gateway follow the document with a certificate.
func (w *world) apply(pair tls.Certificate) {
	w.t.Helper()
	certs := map[string]tls.Certificate{"frontendCert": pair}
	if err := w.gateway.Apply(w.t.Context(), w.tree, certs, map[string]string{"public": publicAddress}); err != nil {
		w.t.Fatal(err)
	}
}

// client asks from outside, without following redirects or keeping connections.
func (w *world) client() *http.Client {
	return &http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{
			DialContext: w.ground.Outside.DialContext, DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (w *world) get(address string) (*http.Response, string) {
	w.t.Helper()
	response, err := w.client().Get(address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response, string(text)
}

// chain is what a handshake from outside shows, leaf first.
func (w *world) chain(serverName string) ([]*x509.Certificate, error) {
	raw, err := w.ground.Outside.DialContext(w.t.Context(), "tcp", publicAddress+":443")
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{ServerName: serverName, InsecureSkipVerify: true})
	if err := conn.HandshakeContext(w.t.Context()); err != nil {
		return nil, err
	}
	return conn.ConnectionState().PeerCertificates, nil
}

// leaves are the leaves that a row of handshakes shows.
func (w *world) leaves(handshakes int) map[string]int {
	w.t.Helper()
	seen := map[string]int{}
	for range handshakes {
		chain, err := w.chain("gis.example.com")
		if err != nil {
			w.t.Fatal(err)
		}
		seen[string(chain[0].Raw)]++
	}
	return seen
}

func leafOf(pair tls.Certificate) string { return string(pair.Certificate[0]) }

// health is the word and the log per server of a pool.
func (w *world) health(pool string) map[string][2]string {
	w.t.Helper()
	found := map[string][2]string{}
	for _, entry := range w.gateway.Health(w.t.Context()) {
		if !strings.HasSuffix(entry["backendAddressPool"].(map[string]any)["id"].(string), "/"+pool) {
			continue
		}
		for _, settings := range entry["backendHttpSettingsCollection"].([]any) {
			for _, server := range settings.(map[string]any)["servers"].([]any) {
				server := server.(map[string]any)
				found[server["address"].(string)] = [2]string{server["health"].(string), server["healthProbeLog"].(string)}
			}
		}
	}
	return found
}

// backend is a machine that says what it was asked.
type backend struct {
	name   string
	pair   tls.Certificate
	sick   atomic.Bool
	probes atomic.Int64
	server *http.Server
}

func startBackend(t *testing.T, g *ground.Ground, name string, port int, pair tls.Certificate) *backend {
	t.Helper()
	b := &backend{name: name, pair: pair}
	listening, err := g.Inside.Listen(name, port)
	if err != nil {
		t.Fatal(err)
	}
	g.Inside.Name(name, "192.0.2.7") // so that a machine that is down refuses, and is not unknown
	b.server = &http.Server{Handler: b, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		_ = b.server.Serve(tls.NewListener(listening, &tls.Config{Certificates: []tls.Certificate{pair}}))
	}()
	t.Cleanup(func() { _ = b.server.Close() })
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(strings.ToLower(r.URL.Path), "healthcheck") {
		b.probes.Add(1)
		if b.sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	if r.URL.Path == "/arcgis/moved" {
		w.Header().Set("Location", "https://"+b.name+":6443/arcgis/rest/services")
		w.WriteHeader(http.StatusFound)
		return
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s host=%s forwarded=%s original=%s body=%s",
		b.name, r.URL.RequestURI(), r.Host, r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Original-Host"), body)
}

type ca struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newCA(t *testing.T) *ca {
	t.Helper()
	pair := makePair(t, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return &ca{certificate: pair.Leaf, key: pair.PrivateKey.(crypto.Signer)}
}

// pair is a leaf with the CA behind it.
func (c *ca) pair(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	pair := makePair(t, c, &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names})
	pair.Certificate = append(pair.Certificate, c.certificate.Raw)
	return pair
}

func selfSignedPair(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	return makePair(t, nil, &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names})
}

func makePair(t *testing.T, issuer *ca, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(0, 3, 0)
	}
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// openConn is a connection that a client keeps.
type openConn struct {
	net.Conn
	reader *bufio.Reader
}

func (w *world) open(ctx context.Context) *openConn {
	w.t.Helper()
	raw, err := w.ground.Outside.DialContext(ctx, "tcp", publicAddress+":443")
	if err != nil {
		w.t.Fatal(err)
	}
	conn := tls.Client(raw, &tls.Config{ServerName: "gis.example.com", InsecureSkipVerify: true})
	w.t.Cleanup(func() { _ = conn.Close() })
	return &openConn{Conn: conn, reader: bufio.NewReader(conn)}
}

func (c *openConn) get(path string) (int, error) {
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: gis.example.com\r\n\r\n", path); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
