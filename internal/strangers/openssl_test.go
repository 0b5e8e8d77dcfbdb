package strangers

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

var fingerprintLine = regexp.MustCompile(`(?i)^sha256 Fingerprint=([0-9A-F:]{95})\s*$`)

// fingerprint lets OpenSSL compute the SHA-256 of the first certificate in a
// PEM text, as lower-case hex.
func (w *world) fingerprint(t *testing.T, pem []byte) string {
	t.Helper()
	cmd := w.command(t, "openssl", "x509", "-noout", "-fingerprint", "-sha256")
	cmd.Stdin = bytes.NewReader(pem)
	out, err := cmd.Output()
	match := fingerprintLine.FindSubmatch(out)
	if err != nil || match == nil {
		t.Fatalf("openssl x509: %v, %q of:\n%s", err, out, pem)
	}
	return strings.ToLower(strings.ReplaceAll(string(match[1]), ":", ""))
}

// newLeaf is the fingerprint of the leaf in new.pfx, as OpenSSL reads the file.
func (w *world) newLeaf(t *testing.T) string {
	t.Helper()
	leaf := w.run(t, "openssl", "pkcs12", "-in", w.pfx(), "-passin", "file:"+w.passwordFile(), "-nokeys", "-clcerts").ends(t, 0)
	got := w.fingerprint(t, leaf.stdout)
	if want := strings.ToLower(w.New.SHA256); got != want {
		t.Errorf("new.pfx has the leaf %s, and world.json says %s", got, want)
	}
	return got
}

// served is the fingerprint of the leaf that OpenSSL gets through the proxy,
// with SNI and without, which must be the same. A chain that does not lead to
// the world's authorities, or another name, ends the test.
func (w *world) served(t *testing.T) string {
	t.Helper()
	with := w.handshake(t, "-servername", w.domain())
	without := w.handshake(t, "-noservername")
	if with != without {
		t.Errorf("OpenSSL gets %s with SNI, and %s without", with, without)
	}
	return with
}

func (w *world) handshake(t *testing.T, serverName ...string) string {
	t.Helper()
	seen := w.run(t, "openssl", append([]string{"s_client",
		"-proxy", strings.TrimPrefix(w.env["HTTPS_PROXY"], "http://"), "-connect", w.domain() + ":443",
		"-CAfile", w.dir + "/ca.pem", "-verify_return_error", "-verify_hostname", w.domain()}, serverName...)...).ends(t, 0)
	if !bytes.Contains(seen.stdout, []byte("Verify return code: 0 (ok)")) {
		t.Errorf("%s: not verified:\n%s", seen.command, seen.stdout)
	}
	return w.fingerprint(t, seen.stdout)
}
