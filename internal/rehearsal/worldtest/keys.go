package worldtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// keys are made once for all tests of a package: nobody looks at them.
var keys = sync.OnceValue(func() []crypto.Signer {
	var list []crypto.Signer
	for range 3 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		list = append(list, key)
	}
	return list
})

// Keys gives elliptic keys in turn, where a goal asks for keys: those of RSA cost
// more than everything else. Roots and leafs of a test may share one.
func Keys() func(bits int) (crypto.Signer, error) {
	var mu sync.Mutex
	turn := 0
	return func(int) (crypto.Signer, error) {
		mu.Lock()
		defer mu.Unlock()
		turn++
		return keys()[turn%len(keys())], nil
	}
}

// RSAKey is one of 2,048 bits, for files: one whose key fits no cipher suite of a
// machine is refused.
var RSAKey = sync.OnceValue(func() crypto.Signer {
	key, err := RSAKeys(2048)
	if err != nil {
		panic(err)
	}
	return key
})

// NeverSeen issues a certificate of an authority that nobody in a world has ever
// heard of.
func NeverSeen(t testing.TB, world *sim.World, names []string) *authority.Issued {
	t.Helper()
	root, err := world.Authority().NewPrivate("Fabrikam Root CA")
	if err != nil {
		t.Fatal(err)
	}
	issuing, err := world.Authority().NewIntermediate("Fabrikam Issuing CA", root)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := world.Authority().Issue(authority.Spec{
		Names: names, Key: "p256", Via: issuing, NotAfter: time.Now().AddDate(0, 0, 200), WithRoot: true, WithoutAIA: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}
