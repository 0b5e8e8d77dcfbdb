package pki

import (
	"crypto/x509"
	"errors"
	"testing"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func TestMozillaRootsAreAllThere(t *testing.T) {
	listed, limited := 0, 0
	for root := range bundle.Roots() {
		cert, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			continue
		}
		listed++
		if !MozillaRoots().Contains(cert) {
			t.Errorf("%s is missing", nameOf(cert))
		}
		if root.Constraint != nil {
			limited++
		}
	}
	kept := 0
	for _, root := range MozillaRoots().roots {
		if root.constraint != nil {
			kept++
		}
	}
	if listed < 100 || kept != limited {
		t.Errorf("%d roots, %d limited, of which %d are kept", listed, limited, kept)
	}
}

// Mozilla stops to trust an authority by a date of issue, which no field of
// its root can say.
func TestAConstraintOnARootIsHonoured(t *testing.T) {
	w := newWorld(t)
	limited := &Roots{roots: []knownRoot{{w.root.Certificate, func(chain []*x509.Certificate) error {
		if chain[0].NotBefore.After(today.AddDate(0, 0, -5)) {
			return errors.New("issued too late")
		}
		return nil
	}}}}
	criteria := Criteria{Now: today, Roots: limited}
	before := newLeaf(t, w.inter, valid(today.AddDate(0, 0, -6), today.AddDate(0, 0, 80)))
	after := newLeaf(t, w.inter, valid(today.AddDate(0, 0, -4), today.AddDate(0, 0, 80)))
	if got := Judge(bundleOf(before, w.inter), criteria); !got.RootKnown || got.Findings.Refused() {
		t.Errorf("issued before: %v", codes(got.Findings))
	}
	if got := Judge(bundleOf(after, w.inter), criteria); got.RootKnown || !got.Findings.Has(codeChainInvalid) {
		t.Errorf("issued after: %v", codes(got.Findings))
	}
	// A root that came in the file lifts no constraint.
	if got := Judge(bundleOf(after, w.inter, w.root), criteria); got.RootKnown || !got.Findings.Refused() {
		t.Errorf("issued after, root in the file: %v", codes(got.Findings))
	}
}

func TestWithChangesNothing(t *testing.T) {
	root := newRoot(t, "private").Certificate
	before := len(MozillaRoots().roots)
	if !MozillaRoots().With(root).Contains(root) {
		t.Error("the added root is not known")
	}
	if MozillaRoots().Contains(root) || len(MozillaRoots().roots) != before {
		t.Error("With changed the list it was called on")
	}
}
