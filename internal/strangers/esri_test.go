package strangers

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files from what a stranger sent and got")

// esriGolden is what @esri/arcgis-rest-request sent and got while it took
// tokens of Portal and Server (esri.test.js), with what differs from world to
// world replaced by a word. The answers have the shape that Esri documents:
// developers.arcgis.com, "Generate token" (sharing/rest/generateToken and
// server/admin/generateToken), "Community self", "Portal self", "Server info";
// the errors are those seen of real installations (499 Token Required, 498
// ClientID does not match, 400 Invalid username or password).
const esriGolden = "testdata/esri.golden.json"

// esriExchange is one request and its answer.
type esriExchange struct {
	Method  string          `json:"method"`
	URL     string          `json:"url"`
	Referer string          `json:"referer"`
	Body    string          `json:"body,omitempty"`
	Status  int             `json:"status"`
	Answer  json.RawMessage `json:"answer"`
}

var (
	esriTimes = regexp.MustCompile(`"(expires|time)":\d{13}`)
	// The suffix of names inside the virtual network is made per world.
	esriSuffix = regexp.MustCompile(`\.[A-Z0-9]{10,20}\.AX\.`)
	esriToken  = regexp.MustCompile(`"token":"([^"]+)"`)
)

// masked puts words in place of what is a world's own. tokens, in the order in
// which they were given, is filled from the answers.
func (w *world) masked(text string, tokens *[]string) string {
	for _, found := range esriToken.FindAllStringSubmatch(text, -1) {
		*tokens = append(*tokens, found[1])
	}
	for i, token := range *tokens {
		text = strings.ReplaceAll(text, token, fmt.Sprintf("{token-%d}", i+1))
	}
	for value, word := range map[string]string{
		w.env["CARTOUCHE_SITE_ADMIN_PASSWORD"]: "{password}", w.env["CARTOUCHE_SITE_ADMIN"]: "{user}", w.domain(): "{domain}",
	} {
		text = strings.ReplaceAll(text, value, word)
	}
	text = esriTimes.ReplaceAllString(text, `"$1":"{time}"`)
	return esriSuffix.ReplaceAllString(text, ".{SUFFIX}.AX.")
}

// checkEsri compares what Esri's client did with the golden file.
func (w *world) checkEsri(t *testing.T, recorded []byte) {
	t.Helper()
	// The answers are strings there, as the client may get what is no JSON.
	var raw []struct {
		Method, URL, Referer, Body, Answer string
		Status                             int
	}
	if err := json.Unmarshal(recorded, &raw); err != nil || len(raw) == 0 {
		t.Fatalf("Esri's client did not write down what it did: %v", err)
	}
	var got []esriExchange
	var tokens []string
	for _, r := range raw {
		answer := w.masked(r.Answer, &tokens)
		got = append(got, esriExchange{r.Method, w.masked(r.URL, &tokens), r.Referer, w.masked(r.Body, &tokens), r.Status, json.RawMessage(answer)})
	}
	content, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatalf("an answer is no JSON: %v", err)
	}
	content = append(content, '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(esriGolden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(esriGolden, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(t, esriGolden)), string(content)); diff != "" {
		t.Errorf("Esri's client sent or got something else (-golden +now); with -update it is taken over:\n%s", diff)
	}
}

// TestEsrisExchangesAreAnsweredAsRecorded sends what Esri's client sent to
// another world, without the client: the answers are the same.
func TestEsrisExchangesAreAnsweredAsRecorded(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	var golden []esriExchange
	if err := json.Unmarshal(readFile(t, esriGolden), &golden); err != nil || len(golden) < 10 {
		t.Fatalf("%s: %d exchanges, %v", esriGolden, len(golden), err)
	}
	proxy, err := url.Parse(w.env["HTTPS_PROXY"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(readFile(t, w.env["SSL_CERT_FILE"]))
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}}
	var tokens []string
	for i, want := range golden {
		unmasked := func(text string) string {
			for n, token := range tokens {
				text = strings.ReplaceAll(text, fmt.Sprintf("{token-%d}", n+1), token)
			}
			return strings.NewReplacer("{password}", w.env["CARTOUCHE_SITE_ADMIN_PASSWORD"], "{user}", w.env["CARTOUCHE_SITE_ADMIN"], "{domain}", w.domain()).Replace(text)
		}
		request, err := http.NewRequestWithContext(t.Context(), want.Method, unmasked(want.URL), strings.NewReader(unmasked(want.Body)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Referer", want.Referer)
		if want.Method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, want.Answer); err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSpace(w.masked(string(body), &tokens))
		if diff := cmp.Diff(compact.String(), got); answer.StatusCode != want.Status || diff != "" {
			t.Errorf("exchange %d, %s: status %d, want %d (-golden +now):\n%s", i, want.URL, answer.StatusCode, want.Status, diff)
		}
	}
	if len(tokens) == 0 {
		t.Error("no token was given")
	}
}
