package pki

import (
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// However a chain is shuffled, repeated and mixed with certificates that do
// not belong to it, the same file content gives the same bundle.
func TestAnyOrderGivesTheSameBundle(t *testing.T) {
	root := newRoot(t, "root")
	upper := newIntermediate(t, "upper", root)
	lower := newIntermediate(t, "lower", upper)
	leaf := newLeaf(t, lower)
	// Strangers: another authority of the same name, a sibling, an unrelated one.
	namesake := newIntermediate(t, "lower", newRoot(t, "root"))
	sibling := newIntermediate(t, "sibling", root)
	strangers := certificates(namesake, sibling, newRoot(t, "unrelated"), newLeaf(t, lower, withKey(ecKey(t))))
	chain := certificates(leaf, lower, upper, root)

	rapid.Check(t, func(r *rapid.T) {
		extra := rapid.SliceOfN(rapid.SampledFrom(append(strangers, chain...)), 0, 8).Draw(r, "extra")
		mixed := append(slices.Clone(chain), extra...)
		mixed = rapid.Permutation(mixed).Draw(r, "order")

		bags := []bag{keyBag(t, leaf.key)}
		for _, cert := range mixed {
			bags = append(bags, certBag(t, cert))
		}
		bundle, err := ReadPFX(file(t, "p", clearPart(t, bags...)), secret.New("p"))
		if err != nil {
			r.Fatal(err)
		}
		got := append([]*x509.Certificate{bundle.Leaf}, bundle.Intermediates...)
		if got = append(got, bundle.Root); !slices.EqualFunc(got, chain, (*x509.Certificate).Equal) {
			r.Fatalf("chain %v", subjects(got))
		}
	})
}

func subjects(certs []*x509.Certificate) []string {
	var names []string
	for _, cert := range certs {
		names = append(names, cert.Subject.CommonName)
	}
	return names
}

// An authority with a new root has it cross-signed by its old one. Clients
// that do not know the new root need the cross-signed twin.
func TestCrossSignedIntermediates(t *testing.T) {
	oldRoot := newRoot(t, "old root")
	newOne := newRoot(t, "new root")
	twin := issue(t, &oldRoot, authority("new root", 3*365), newOne.key, nil)
	expiring := issue(t, &oldRoot, authority("new root", 30), newOne.key, nil)
	inter := newIntermediate(t, "intermediate", newOne)
	leaf := newLeaf(t, inter)

	tests := map[string]struct {
		others        []*x509.Certificate
		intermediates []*x509.Certificate
		root          *x509.Certificate
	}{
		"new root only":            {certificates(inter, newOne), certificates(inter), newOne.Certificate},
		"twin only":                {certificates(inter, twin), certificates(inter, twin), nil},
		"both":                     {certificates(newOne, twin, inter), certificates(inter, twin), newOne.Certificate},
		"both and the old root":    {certificates(newOne, twin, inter, oldRoot), certificates(inter, twin), oldRoot.Certificate},
		"a twin that dies first":   {certificates(expiring, newOne, inter), certificates(inter), newOne.Certificate},
		"a twin that dies, no one": {certificates(expiring, inter), certificates(inter, expiring), nil},
		"nothing":                  {nil, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := arrange(leaf.Certificate, test.others)
			if diff := cmp.Diff(subjects(test.intermediates), subjects(got.intermediates)); diff != "" {
				t.Error(diff)
			}
			if got.root != test.root {
				t.Errorf("root %v", got.root)
			}
		})
	}
}

// Certificates made to send the search in circles: sixty authorities with two
// names that all really signed each other, and so 30^7 paths.
func TestArrangeIsBounded(t *testing.T) {
	key := ecKey(t)
	left := issue(t, nil, authority("left", 365), key, nil)
	right := issue(t, nil, authority("right", 365), key, nil)
	var loop []*x509.Certificate
	for range 30 {
		loop = append(loop, issue(t, &left, authority("right", 365), key, nil).Certificate)
		loop = append(loop, issue(t, &right, authority("left", 365), key, nil).Certificate)
	}
	search := pathSearch{leaf: newLeaf(t, left).Certificate, pool: loop, steps: maxPathSteps}
	search.from([]*x509.Certificate{search.leaf})
	if len(search.best) != maxPath {
		t.Errorf("the best path has %d members", len(search.best))
	}
	if search.steps > 0 || search.steps < -maxPath {
		t.Errorf("%d steps were left", search.steps)
	}
}

// An issuer may be made with a modulus of half a megabyte and a signature to
// match, which takes crypto/rsa a minute to verify.
func TestSignaturesByGiantKeysAreNotVerified(t *testing.T) {
	const bits = 4_000_000
	issuer := &x509.Certificate{PublicKeyAlgorithm: x509.RSA,
		PublicKey: &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), bits-1, 1), E: 65537}}
	child := &x509.Certificate{SignatureAlgorithm: x509.SHA256WithRSA, Signature: make([]byte, bits/8)}
	began := time.Now()
	if signedBy(child, issuer) {
		t.Error("the signature was believed")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}
