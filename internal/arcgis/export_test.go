package arcgis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
)

// certificateEnding makes a certificate whose DER ends with a byte, as a
// signature does by chance.
func certificateEnding(t *testing.T, last byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for {
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		if der[len(der)-1] == last {
			return der
		}
	}
}

// A file comes where all else is JSON: DER, whose last byte may look like a
// blank, or PEM. A page, an error and something else are no certificate.
func TestExport(t *testing.T) {
	der := certificateEnding(t, '\n')
	for name, row := range map[string]struct {
		reply reply
		code  string // "" for the certificate
	}{
		"DER that ends with a line feed": {ok(string(der)), ""},
		"PEM":                            {ok(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) + "\n"), ""},
		"DER and more":                   {ok(string(der) + "more"), CodeUnexpected},
		"a page":                         {ok("<html>Login</html>"), CodeNotJSON},
		"an object":                      {ok(`{"status":"success"}`), CodeUnexpected},
		"no such alias":                  {ok(`{"status":"error","messages":["Could not find resource or operation 'pin' on the system."],"code":404}`), CodeNotFound},
		"HTTP 500":                       {reply{status: 500, body: string(der)}, CodeNotJSON},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{serverToken: {ok(granted)}, storeM + "/pin/export": {row.reply}})
			got, err := f.admin(t, "server").Export(t.Context(), "M", "Pin")
			if code(err) != row.code || row.code == "" && (err != nil || string(got.Raw) != string(der)) {
				t.Errorf("Export = %v, %v (code %q), want code %q", got, err, code(err), row.code)
			}
			asked, _, _ := strings.Cut(f.requests[1], "\n")
			if !strings.HasPrefix(asked, "POST ") || strings.Contains(asked, "token=") {
				t.Errorf("asked by %s: the token is to be in the body", asked)
			}
		})
	}
}
