package rotation

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// doors is a TLS server on loopback that serves one certificate after the
// other, the last one for ever, and answers every request with 200.
func doors(t *testing.T, bundles ...*pki.Bundle) (port int) {
	t.Helper()
	var served atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		bundle := bundles[min(int(served.Add(1)), len(bundles))-1]
		return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{bundle.Leaf.Raw}, PrivateKey: bundle.Key}}}, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port
}

// loopback is a listener that is reached by its address: one handshake a look.
func loopback(port int) []Listener {
	return []Listener{{Name: "https", Names: []string{"127.0.0.1"}, Port: port}}
}

func expecting(port int, old, renewed *pki.Bundle) expectation {
	at := fmt.Sprintf("127.0.0.1:%d", port)
	return expectation{{target: at, address: at}: {leaf: pki.Fingerprint(renewed.Leaf), meanwhile: pki.Fingerprint(old.Leaf)}}
}

func lookingRunner(proof time.Duration) *Runner {
	return &Runner{Looker: &handshake.Looker{}, Patience: Patience{Rounds: 3, Interval: time.Millisecond, Proof: proof}}
}

// Instances behind one address switch one by one: a good look between bad ones
// counts for nothing.
func TestLooksMustBeGoodSeveralTimesInARow(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	port := doors(t, old, renewed, renewed, old, renewed, renewed, old, renewed)
	_, looks, failures := lookingRunner(time.Minute).proveWire(t.Context(), PhaseProve, loopback(port), expecting(port, old, renewed))
	if len(failures) > 0 || looks != 10 {
		t.Errorf("%d looks, failures %v; want 10 looks, of which the last three are good", looks, failures)
	}
}

func TestALeafThatIsNeitherOldNorNewIsNotWaitedOut(t *testing.T) {
	ca := newTestCA(t)
	old, renewed, stranger := ca.issue(9, domain), ca.issue(90, domain), ca.issue(50, domain)
	port := doors(t, old, stranger, renewed, stranger, renewed)
	_, looks, failures := lookingRunner(time.Minute).proveWire(t.Context(), PhaseProve, loopback(port), expecting(port, old, renewed))
	if len(failures) != 1 || !strings.Contains(failures[0].sentence, "neither the old nor the new") || looks != 4 {
		t.Errorf("%d looks, failures %v; want the stranger to be told at its second sight, in look 4", looks, failures)
	}
}

func TestTimeThatRunsOutIsNoProof(t *testing.T) {
	ca := newTestCA(t)
	old, renewed := ca.issue(9, domain), ca.issue(90, domain)
	for name, served := range map[string]*pki.Bundle{"still the old leaf": old, "the new leaf, not often enough": renewed} {
		port := doors(t, served)
		runner := lookingRunner(100 * time.Millisecond)
		runner.Patience.Rounds = 1 << 20
		if _, _, failures := runner.proveWire(t.Context(), PhaseProve, loopback(port), expecting(port, old, renewed)); len(failures) == 0 {
			t.Errorf("%s: proved", name)
		}
	}
}

// The right leaf with a wrong chain is no proof; nothing else is asked then.
func TestAChainThatIsRefusedIsNoProof(t *testing.T) {
	ca := newTestCA(t)
	renewed := ca.issue(90, domain)
	port := doors(t, renewed)
	proof := lookingRunner(time.Minute).prove(t.Context(), claim{
		phase: PhaseProve, before: State{Listeners: loopback(port)}, expected: expecting(port, renewed, renewed),
		judge: func([]handshake.Observation) pki.Findings {
			return pki.Findings{{Severity: pki.Warning, Sentence: "soon"}, {Severity: pki.Refusal, Sentence: "an intermediate is missing"}}
		},
	})
	if proof.OK || len(proof.Failures) != 1 || proof.Failures[0] != "an intermediate is missing" {
		t.Errorf("proof = %t, %v; want the missing intermediate", proof.OK, proof.Failures)
	}
}

// A password goes to a valid certificate or to one that Azure tells, and
// follows no redirect.
func TestAPasswordGoesToNoStranger(t *testing.T) {
	known, stranger := newTestCA(t).issue(9, domain), newTestCA(t).issue(9, domain)
	network, err := egress.FromEnvironment(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	client := (&Runner{Network: network}).pinnedClient([]string{pki.Fingerprint(known.Leaf)})
	defer client.CloseIdleConnections()
	for name, test := range map[string]struct {
		serves *pki.Bundle
		want   error
	}{"what Azure tells": {known, nil}, "a stranger": {stranger, errStranger}} {
		response, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/", doors(t, test.serves)))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err == nil {
			_ = response.Body.Close()
		}
	}
	redirecting := httptest.NewTLSServer(http.RedirectHandler("https://elsewhere.example.com/", http.StatusTemporaryRedirect))
	defer redirecting.Close()
	pinned := (&Runner{Network: network}).pinnedClient([]string{pki.Fingerprint(redirecting.Certificate())})
	defer pinned.CloseIdleConnections()
	response, err := pinned.Get(redirecting.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("status %d, want the redirect itself", response.StatusCode)
	}
}
