package pki

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// library serves certificates as authorities do, on loopback.
type library struct {
	*httptest.Server
	mux   *http.ServeMux
	asked atomic.Int32
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{mux: http.NewServeMux()}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.asked.Add(1)
		l.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

// put serves data under path.
func (l *library) put(path string, data []byte) {
	l.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
}

// issuerAt is the change that names where a certificate's issuer is found.
func issuerAt(urls ...string) change {
	return func(c *x509.Certificate) { c.IssuingCertificateURL = urls }
}

func inPEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

func TestCompleteFetchesWhatIsMissing(t *testing.T) {
	l := newLibrary(t)
	root := newRoot(t, "root")
	upper := newIntermediate(t, "upper", root, issuerAt(l.URL+"/root.crt"))
	lower := newIntermediate(t, "lower", upper, issuerAt(l.URL+"/upper.pem"))
	leaf := newLeaf(t, lower, issuerAt("ldap:///CN=lower", l.URL+"/moved"))
	l.put("/root.crt", root.Raw)
	l.put("/upper.pem", inPEM(upper.Certificate))
	l.put("/lower.p7c", degenerate(t, newRoot(t, "other").Certificate, lower.Certificate))
	l.mux.Handle("/moved", http.RedirectHandler("/moved-again", http.StatusFound))
	l.mux.Handle("/moved-again", http.RedirectHandler("/lower.p7c", http.StatusMovedPermanently))

	t.Run("up to a known root", func(t *testing.T) {
		l.asked.Store(0)
		before := bundleOf(leaf)
		roots := new(Roots).With(root.Certificate)
		completed, found := Complete(t.Context(), before, AIA{Roots: roots, AllowPrivate: true})
		if diff := cmp.Diff([]string{"lower", "upper"}, subjects(completed.Intermediates)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"note intermediate-fetched", "note intermediate-fetched"}, graded(found)); diff != "" {
			t.Error(diff)
		}
		if judgement := Judge(completed, Criteria{Now: today, Roots: roots}); judgement.Findings.Refused() || len(judgement.Findings) != 2 {
			t.Errorf("judged: %v", graded(judgement.Findings))
		}
		if len(before.Intermediates) != 0 || len(before.Repairs) != 0 {
			t.Error("the bundle that was given has changed")
		}
		if l.asked.Load() != 4 { // two redirects, lower, upper; the root is known
			t.Errorf("%d requests", l.asked.Load())
		}
	})
	t.Run("up to an unknown root", func(t *testing.T) {
		completed, _ := Complete(t.Context(), bundleOf(leaf), AIA{AllowPrivate: true})
		if completed.Root == nil || !completed.Root.Equal(root.Certificate) || len(completed.Intermediates) != 2 {
			t.Errorf("root %v, intermediates %v", completed.Root, subjects(completed.Intermediates))
		}
		if got := Judge(completed, Criteria{Now: today}); !got.Findings.Has(codeRootNotKnown) {
			t.Errorf("judged: %v", graded(got.Findings))
		}
	})
	t.Run("complete already", func(t *testing.T) {
		l.asked.Store(0)
		for _, bundle := range []*Bundle{bundleOf(leaf, lower, upper, root), bundleOf(leaf, lower, upper)} {
			_, found := Complete(t.Context(), bundle, AIA{Roots: new(Roots).With(root.Certificate), AllowPrivate: true})
			if len(found) != 0 || l.asked.Load() != 0 {
				t.Errorf("%d requests, %v", l.asked.Load(), graded(found))
			}
		}
	})
}

func TestCompleteGivesUp(t *testing.T) {
	l := newLibrary(t)
	root := newRoot(t, "root")
	inter := newIntermediate(t, "intermediate", root)
	namesake := newIntermediate(t, "intermediate", root)
	noAuthority := issue(t, &root, authority("intermediate", 100), inter.key, []change{func(c *x509.Certificate) { c.IsCA = false }})

	l.put("/right", inter.Raw)
	l.put("/namesake", namesake.Raw)
	l.put("/no-authority", noAuthority.Raw)
	l.put("/page", []byte("<html>Sign in</html>"))
	l.put("/empty", nil)
	l.put("/long", append(inPEM(inter.Certificate), make([]byte, aiaReplyLimit)...))
	l.mux.Handle("/gone", http.NotFoundHandler())
	l.mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	l.mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) { // a kilobyte for each megabyte
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		for range 100 {
			if _, err := packed.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
		_ = packed.Close()
	})
	l.mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprint("X-Flood-", i), strings.Repeat("x", 1000))
		}
	})
	l.mux.HandleFunc("/dribble", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("-"))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	l.mux.Handle("/circle", http.RedirectHandler("/circle", http.StatusFound))
	l.mux.Handle("/three", http.RedirectHandler("/two", http.StatusFound))
	l.mux.Handle("/two", http.RedirectHandler("/one", http.StatusFound))
	l.mux.Handle("/one", http.RedirectHandler("/right", http.StatusFound))
	l.mux.Handle("/file", http.RedirectHandler("file:///etc/passwd", http.StatusFound))

	tests := map[string]struct{ url, says string }{
		"another of the same name": {l.URL + "/namesake", "another certificate"},
		"no authority":             {l.URL + "/no-authority", "another certificate"},
		"a page":                   {l.URL + "/page", "no certificates"},
		"nothing":                  {l.URL + "/empty", "no certificates"},
		"too long":                 {l.URL + "/long", "more than 65536 bytes"},
		"not found":                {l.URL + "/gone", "404"},
		"no answer":                {l.URL + "/slow", "deadline"},
		"a bomb of gzip":           {l.URL + "/bomb", "more than 65536 bytes"},
		"a flood of headers":       {l.URL + "/headers", "header"},
		"an answer without an end": {l.URL + "/dribble", "deadline"},
		"a circle":                 {l.URL + "/circle", "more than 2 redirects"},
		"three redirects":          {l.URL + "/three", "more than 2 redirects"},
		"a redirect to a file":     {l.URL + "/file", "not http"},
		"ldap":                     {"ldap:///CN=x", "not http"},
		"no URL":                   {"http://%zz", "no URL"},
		"nobody listens":           {"http://127.0.0.1:1/", "127.0.0.1:1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if test.says == "deadline" { // aiaTimeout is too long for a test
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
			}
			completed, found := Complete(ctx, bundleOf(newLeaf(t, inter, issuerAt(test.url))), AIA{AllowPrivate: true})
			if len(completed.Intermediates) != 0 || len(found) != 1 || found[0].Code != codeFetchFailed || found[0].Severity != Warning {
				t.Fatalf("%v, %+v", subjects(completed.Intermediates), found)
			}
			if !strings.Contains(found[0].Sentence, test.says) {
				t.Errorf("the sentence %q does not say %q", found[0].Sentence, test.says)
			}
			if got := Judge(completed, Criteria{Now: today}); !got.Findings.Has(codeFetchFailed) || !got.Findings.Has(codeChainIncomplete) {
				t.Errorf("judged: %v", graded(got.Findings))
			}
		})
	}
}

// An endless chain of authorities ends after four.
func TestCompleteTakesFourAtMost(t *testing.T) {
	l := newLibrary(t)
	issuer := newRoot(t, "root")
	for i := range 7 {
		path := fmt.Sprintf("/%d", i)
		l.put(path, issuer.Raw)
		issuer = newIntermediate(t, fmt.Sprint("intermediate ", i), issuer, issuerAt(l.URL+path))
	}
	l.put("/last", issuer.Raw)
	completed, _ := Complete(t.Context(), bundleOf(newLeaf(t, issuer, issuerAt(l.URL+"/last"))), AIA{AllowPrivate: true})
	if len(completed.Intermediates) != aiaHops {
		t.Errorf("%d intermediates", len(completed.Intermediates))
	}
}

// A name may resolve to this computer, and a public address may redirect to
// it. Neither request may arrive.
func TestCompleteDoesNotAskPrivateAddresses(t *testing.T) {
	l := newLibrary(t)
	root := newRoot(t, "root")
	inter := newIntermediate(t, "intermediate", root)
	l.put("/", inter.Raw)
	port := l.URL[strings.LastIndexByte(l.URL, ':'):]
	for _, host := range []string{"127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		completed, found := Complete(t.Context(), bundleOf(newLeaf(t, inter, issuerAt("http://"+host+port+"/"))), AIA{})
		if len(completed.Intermediates) != 0 || !found.Has(codeFetchFailed) {
			t.Errorf("%s: %v", host, graded(found))
		}
	}
	if l.asked.Load() != 0 {
		t.Errorf("%d requests arrived", l.asked.Load())
	}
}

// Behind a proxy the name is the proxy's to resolve, and the proxy itself may
// be on a private address; what is written out in a URL is refused all the same.
func TestCompleteThroughAProxy(t *testing.T) {
	root := newRoot(t, "root")
	inter := newIntermediate(t, "intermediate", root)
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "http://169.254.169.254/metadata/instance", http.StatusFound)
			return
		}
		_, _ = w.Write(inter.Raw)
	}))
	defer proxy.Close()
	proxyURL, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	aia := AIA{Transport: &http.Transport{Proxy: http.ProxyURL(proxyURL)}}
	ask := func(address string) *Bundle {
		completed, _ := Complete(t.Context(), bundleOf(newLeaf(t, inter, issuerAt(address))), aia)
		return completed
	}
	if got := ask("http://aia.example.com/inter.crt"); len(got.Intermediates) != 1 {
		t.Errorf("%d intermediates, %v", len(got.Intermediates), got.Repairs)
	}
	for _, address := range []string{"http://10.0.0.1/", "http://aia.example.com/redirect", "http://metadata.localhost/"} {
		if got := ask(address); len(got.Intermediates) != 0 {
			t.Errorf("%s was fetched", address)
		}
	}
	want := []string{"http://aia.example.com/inter.crt", "http://aia.example.com/redirect"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}
