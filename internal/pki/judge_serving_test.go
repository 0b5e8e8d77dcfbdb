package pki

import (
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestJudgeAgainstWhatIsServed(t *testing.T) {
	w := newWorld(t)
	next := newLeaf(t, w.inter)
	until := next.NotAfter
	rsa4096 := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 4095, 1), E: 65537}
	otherAuthority := newIntermediate(t, "another authority", newRoot(t, "another root"))
	older := valid(today.AddDate(0, 0, -80), today.AddDate(0, 0, 10))

	tests := map[string]struct {
		serving  made
		criteria Criteria
		want     []string
	}{
		"its predecessor":   {newLeaf(t, w.inter, older), Criteria{}, []string{}},
		"itself":            {next, Criteria{}, []string{"note already-served"}},
		"one that is newer": {newLeaf(t, w.inter, valid(today, until.Add(time.Hour))), Criteria{}, []string{"refusal expires-earlier"}},
		"one that is newer, allowed": {newLeaf(t, w.inter, valid(today, until.Add(time.Hour))), Criteria{AllowOlder: true},
			[]string{"warning expires-earlier"}},
		"one issued later":           {newLeaf(t, w.inter, valid(today, until)), Criteria{}, []string{"warning issued-earlier"}},
		"a self-signed one":          {issue(t, nil, leafTemplate(), ecKey(t), []change{valid(today, today.AddDate(10, 0, 0))}), Criteria{}, []string{"note issuer-changed"}},
		"another authority's":        {newLeaf(t, otherAuthority, older), Criteria{}, []string{"note issuer-changed"}},
		"a stronger key":             {newLeaf(t, w.inter, older, withKey(rsa4096)), Criteria{}, []string{"refusal weaker-key"}},
		"a stronger key, allowed":    {newLeaf(t, w.inter, older, withKey(rsa4096)), Criteria{AllowWeaker: true}, []string{"warning weaker-key"}},
		"a key of another kind":      {newLeaf(t, w.inter, older, withKey(ecKey(t))), Criteria{}, []string{}},
		"a name more":                {newLeaf(t, w.inter, older, named("gis.example.com", "old.example.com")), Criteria{}, []string{"warning fewer-names"}},
		"a wildcard":                 {newLeaf(t, w.inter, older, named("*.example.com")), Criteria{}, []string{"warning fewer-names"}},
		"a name more, in upper case": {newLeaf(t, w.inter, older, named("GIS.EXAMPLE.COM")), Criteria{}, []string{}},
		"a name more, required": {newLeaf(t, w.inter, older, named("gis.example.com", "old.example.com")),
			Criteria{Names: []string{"old.example.com"}}, []string{"refusal name-not-covered"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			criteria := test.criteria
			criteria.Now, criteria.Roots, criteria.Serving = today, w.roots, test.serving.Certificate
			got := graded(Judge(bundleOf(next, w.inter), criteria).Findings)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A name as long as names may be is no other name than itself.
func TestTheLongestNameIsCovered(t *testing.T) {
	w := newWorld(t)
	label := strings.Repeat("a", 61)
	longest := strings.Join([]string{label, label, label, label, "com"}, ".")[:250] + "com"
	serving := newLeaf(t, w.inter, valid(today.AddDate(0, 0, -80), today.AddDate(0, 0, 10)), named(longest))
	got := Judge(bundleOf(newLeaf(t, w.inter, named(longest)), w.inter), Criteria{Now: today, Roots: w.roots, Serving: serving.Certificate, Names: []string{longest}})
	if len(longest) != 253 || len(got.Findings) > 0 {
		t.Errorf("%d letters: %+v", len(longest), got.Findings)
	}
}

func TestJudgeChainAsItWasSent(t *testing.T) {
	w := newWorld(t)
	lower := newIntermediate(t, "lower", w.inter)
	leaf := newLeaf(t, lower)
	stranger := newRoot(t, "stranger")
	alone := issue(t, nil, leafTemplate(), rsaKeys[0](), nil)

	tests := map[string]struct {
		sent []made
		want []string
	}{
		"as it should be":       {[]made{leaf, lower, w.inter}, []string{}},
		"nothing":               {nil, []string{"refusal nothing-served"}},
		"leaf alone":            {[]made{leaf}, []string{"refusal chain-incomplete"}},
		"a gap":                 {[]made{leaf, w.inter}, []string{"refusal chain-incomplete", "note stranger-dropped"}},
		"out of order":          {[]made{leaf, w.inter, lower}, []string{"warning chain-out-of-order"}},
		"with its root":         {[]made{leaf, lower, w.inter, w.root}, []string{"note root-included"}},
		"a stranger":            {[]made{leaf, lower, w.inter, stranger}, []string{"note stranger-dropped"}},
		"the leaf twice":        {[]made{leaf, leaf, lower, w.inter}, []string{}},
		"an intermediate twice": {[]made{leaf, lower, lower, w.inter}, []string{"note duplicate-dropped"}},
		"the leaf last": {[]made{lower, w.inter, leaf},
			[]string{"refusal name-not-covered", "refusal ca-certificate", "warning no-digital-signature", "warning ec-key", "note stranger-dropped", "note long-lifetime"}},
		"self-signed": {[]made{alone}, []string{"refusal self-signed"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			judgement := JudgeChain(certificates(test.sent...), Criteria{Now: today, Names: []string{"gis.example.com"}, Roots: w.roots})
			if diff := cmp.Diff(test.want, graded(judgement.Findings)); diff != "" {
				t.Errorf("%s\n%+v", diff, judgement.Findings)
			}
		})
	}
}

// What Judge finds includes what was repaired, and a key that is not the leaf's.
func TestJudgeRepeatsRepairsAndLooksAtTheKey(t *testing.T) {
	w := newWorld(t)
	bundle := bundleOf(newLeaf(t, w.inter), w.inter)
	bundle.Key = rsaKeys[1]()
	bundle.Repairs.add(codeChainReordered, "", "the chain was put in order")
	want := []string{"refusal key-mismatch", "note chain-reordered"}
	if diff := cmp.Diff(want, graded(Judge(bundle, Criteria{Now: today, Roots: w.roots}).Findings)); diff != "" {
		t.Error(diff)
	}
	if len(bundle.Repairs) != 1 {
		t.Error("Judge changed the bundle")
	}
}

func TestLifetimeLimit(t *testing.T) {
	for issued, days := range map[string]time.Duration{
		"2017-06-01": 1187, "2018-03-01": 825, "2020-08-31": 825, "2020-09-01": 398, "2026-03-14": 398,
		"2026-03-15": 200, "2027-03-15": 100, "2029-03-14": 100, "2029-03-15": 47,
	} {
		at, err := time.Parse(time.DateOnly, issued)
		if err != nil {
			t.Fatal(err)
		}
		if got := lifetimeLimit(at); got != days*day {
			t.Errorf("issued on %s: %v, want %d days", issued, got, days)
		}
	}
}
