package rollout

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Certificates are issued side by side: every port gets that of its machine, and
// the race detector has something to look at.
func TestEachMachineGetsACertificateOfItsOwn(t *testing.T) {
	t.Parallel()
	hand := inHand{plan: Plan{Source: Fresh, Deployment: "prod", Alias: "tls", LeafDays: 30, RootDays: 60}, bundles: map[string]*pki.Bundle{}}
	for i := range 16 {
		name := fmt.Sprintf("srv%d", i/2)
		hand.plan.Ports = append(hand.plan.Ports, Port{Machine: name, Names: []string{name + ".example.net"}})
	}
	goal := Goal{Source: Fresh, Now: time.Now(), Keys: func(int) (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }}
	if err := hand.issueAll(goal); err != nil {
		t.Fatal(err)
	}
	if len(hand.bundles) != 8 {
		t.Errorf("%d certificates for 8 machines", len(hand.bundles))
	}
	for _, port := range hand.plan.Ports {
		if bundle := hand.bundles[port.SHA256]; bundle == nil || pki.Names(bundle.Leaf)[0] != port.Names[0] {
			t.Errorf("%s has another machine's certificate, or none: %q", port.Machine, port.SHA256)
		}
	}
}
