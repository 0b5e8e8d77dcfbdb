package authority_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

func newAuthority(t *testing.T) *authority.Authority {
	t.Helper()
	a, err := authority.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnExternalCertificateVerifiesOnlyWithItsIntermediate(t *testing.T) {
	a := newAuthority(t)
	issued, err := a.Issue(authority.Spec{Names: []string{"gis.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	options := x509.VerifyOptions{Roots: a.Roots(), DNSName: "gis.example.com"}
	if _, err := issued.Leaf.Verify(options); err == nil {
		t.Error("the leaf verified without the intermediate: it should not hang at the root")
	}
	options.Intermediates = x509.NewCertPool()
	for _, ca := range issued.Chain {
		options.Intermediates.AddCert(ca)
	}
	if _, err := issued.Leaf.Verify(options); err != nil {
		t.Errorf("verify with the chain: %v", err)
	}
}

func TestTheMissingIntermediateCanBeFetchedAtItsAddress(t *testing.T) {
	a := newAuthority(t)
	issued, err := a.Issue(authority.Spec{Names: []string{"gis.example.com"}, Key: "p256", WithoutChain: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(issued.Chain) != 0 {
		t.Fatalf("chain has %d certificates, want none", len(issued.Chain))
	}
	answer := httptest.NewRecorder()
	a.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, issued.Leaf.IssuingCertificateURL[0], nil))
	ca, err := x509.ParseCertificate(answer.Body.Bytes())
	if err != nil {
		t.Fatalf("AIA answered %d: %v", answer.Code, err)
	}
	if err := issued.Leaf.CheckSignatureFrom(ca); err != nil {
		t.Errorf("what AIA handed out did not sign the leaf: %v", err)
	}
}

func TestPFXHoldsKeyLeafAndChain(t *testing.T) {
	a := newAuthority(t)
	for _, kind := range []string{"rsa2048", "p256"} {
		issued, err := a.Issue(authority.Spec{Names: []string{"gis.example.com"}, Key: kind, WithRoot: true})
		if err != nil {
			t.Fatal(err)
		}
		file, err := issued.PFX("pass")
		if err != nil {
			t.Fatal(err)
		}
		_, leaf, chain, err := pkcs12.DecodeChain(file, "pass")
		if err != nil {
			t.Fatal(err)
		}
		if !leaf.Equal(issued.Leaf) || len(chain) != 2 {
			t.Errorf("%s: leaf %s with %d CAs, want %s with 2", kind, leaf.Subject, len(chain), issued.Leaf.Subject)
		}
	}
}

func TestUnknownKeyKindIsRefused(t *testing.T) {
	if _, err := newAuthority(t).Issue(authority.Spec{Names: []string{"a.example"}, Key: "rsa12"}); err == nil {
		t.Error("no error for rsa12")
	}
}
