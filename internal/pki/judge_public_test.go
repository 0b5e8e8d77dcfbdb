package pki

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJudgePublic(t *testing.T) {
	w := newWorld(t)
	other := newRoot(t, "another root")
	tests := map[string]struct {
		leaf  made
		chain []made
		want  []string
	}{
		"with the chain that it leads to": {newLeaf(t, w.inter), []made{w.inter}, []string{"note chain-not-seen"}},
		"the chain may be in the secret": {newLeaf(t, w.inter), nil,
			[]string{"warning chain-incomplete", "note chain-not-seen"}},
		"a root that nobody knows": {newLeaf(t, other), []made{other},
			[]string{"refusal root-not-known", "note chain-not-seen"}},
		"expired all the same": {newLeaf(t, w.inter, valid(today.AddDate(0, 0, -90), today.AddDate(0, 0, -1))), []made{w.inter},
			[]string{"refusal expired", "note chain-not-seen"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bundle := bundleOf(test.leaf, test.chain...)
			bundle.Key = nil
			judgement := JudgePublic(bundle, Criteria{Now: today, Names: []string{"gis.example.com"}, Roots: w.roots})
			if diff := cmp.Diff(test.want, graded(judgement.Findings)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is fetched in place of the unseen chain says nothing about the secret.
func TestJudgePublicDoesNotSayThatTheFileLacksSomething(t *testing.T) {
	l := newLibrary(t)
	w := newWorld(t)
	l.put("/inter.crt", w.inter.Raw)
	leaf := newLeaf(t, w.inter, issuerAt(l.URL+"/inter.crt"))
	bundle, found := Complete(t.Context(), &Bundle{Leaf: leaf.Certificate}, AIA{Roots: w.roots, AllowPrivate: true})
	if !found.Has(codeIntermediateFetched) {
		t.Fatalf("nothing was fetched: %v", found)
	}
	judgement := JudgePublic(bundle, Criteria{Now: today, Roots: w.roots})
	if got := graded(judgement.Findings); !slices.Equal(got, []string{"note chain-not-seen"}) {
		t.Errorf("got %v", got)
	}
	if want := []*x509.Certificate{leaf.Certificate, w.inter.Certificate, w.root.Certificate}; !judgement.RootKnown || !slices.EqualFunc(judgement.Chain, want, (*x509.Certificate).Equal) {
		t.Errorf("got a chain of %d", len(judgement.Chain))
	}
}
