package strangers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

// TestCertificateChangesUnderTraffic renews the certificate while curl asks for
// the site again and again. OpenSSL sees the old certificate before and the new
// one after; curl sees nothing else at any time, and no request fails.
func TestCertificateChangesUnderTraffic(t *testing.T) {
	needs(t, "openssl", "curl")
	t.Parallel()
	w := startWorld(t)
	before, after := w.served(t), w.newLeaf(t)
	if before == after {
		t.Fatal("the world begins with the new certificate: nothing can be seen to change")
	}

	applied := make(chan result, 1)
	apply := w.start(t, program, w.applyArgs()...)
	go func() { applied <- apply.wait(t) }()
	var seen []string
	for done := false; !done; {
		select {
		case r := <-applied:
			r.ends(t, 0)
			done = true // one more request: the last word is the new leaf's
		case <-time.After(50 * time.Millisecond):
		}
		seen = append(seen, w.curl(t))
	}

	for i, leaf := range seen {
		if leaf != before && leaf != after {
			t.Errorf("request %d of %d got the leaf %s, neither old nor new", i+1, len(seen), leaf)
		}
	}
	// The switch takes more than a second of the world's time; fewer requests
	// than this would not have seen it happen.
	if first, last := seen[0], seen[len(seen)-1]; first != before || last != after || len(seen) < 10 {
		t.Errorf("%d requests, from leaf %s to %s, want at least 10 from %s to %s", len(seen), first, last, before, after)
	}
	if got := w.served(t); got != after {
		t.Errorf("OpenSSL sees %s after the renewal, want %s", got, after)
	}
	t.Logf("%d requests of curl while the certificate changed, none failed", len(seen))
}

// TestRedirectsStayOnTheSite follows a browser's first steps. Portal answers
// with its machine's own name and port, which nobody outside can reach; the
// gateway's rewrite rules bend that back.
func TestRedirectsStayOnTheSite(t *testing.T) {
	needs(t, "curl")
	t.Parallel()
	w := startWorld(t)
	for from, want := range map[string]string{
		"http://" + w.domain() + "/portal/home": "301 https://" + w.domain() + "/portal/home",
		"https://" + w.domain() + "/portal/":    "302 https://" + w.domain() + "/portal/home",
		"https://" + w.domain() + "/server":     "302 https://" + w.domain() + "/server/rest/services",
	} {
		// curl does not read HTTP_PROXY in upper case, which a request to a
		// CGI script could set.
		r := w.run(t, "curl", "--silent", "--show-error", "--max-time", "20", "--output", "/dev/null", "--proxy", w.env["HTTP_PROXY"],
			"--write-out", "%{http_code} %{redirect_url}", from).ends(t, 0)
		if got := string(r.stdout); got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
}

// curl asks the site for its health once, over a connection of its own, and
// returns the fingerprint of the leaf that it was shown.
func (w *world) curl(t *testing.T) string {
	t.Helper()
	r := w.run(t, "curl", "--silent", "--show-error", "--fail", "--max-time", "20", "--output", "/dev/null", "--write-out", "%{certs}",
		"https://"+w.domain()+"/portal/portaladmin/healthCheck?f=json")
	if r.status != 0 {
		t.Errorf("a request failed: curl ended with %d: %s", r.status, r.stderr)
		return ""
	}
	at := strings.Index(string(r.stdout), "-----BEGIN")
	if at < 0 {
		t.Fatalf("curl has not written the certificates (it can since 7.88): %q", r.stdout)
	}
	block, _ := pem.Decode(r.stdout[at:])
	if block == nil {
		t.Fatalf("no PEM in what curl wrote: %q", r.stdout)
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}
