package handshake

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Expectation is what observations are judged by. Now is required; every other
// zero value asks for less or for the usual.
type Expectation struct {
	// Name must be covered by the leaf; empty is any.
	Name string
	// Leaf must be served, exactly this one; nil is any.
	Leaf *x509.Certificate
	// Fingerprint does the same for those who have only that: SHA-256 in hex,
	// in either case, with or without colons.
	Fingerprint string
	// Roots may end a chain; nil means pki.MozillaRoots.
	Roots *pki.Roots
	// AssumeTrusted makes an unknown root a warning, as in pki.Criteria.
	AssumeTrusted bool
	// Now is the moment to judge for.
	Now time.Time
	// Soon is how little time left is worth a warning; zero as in pki.Criteria.
	Soon time.Duration
}

// Judge says what is wrong with what was seen, worst first; nothing when all is
// as expected. Each different chain is judged once, as it was sent, and the
// sentence says where it was seen. Observations of several targets are judged
// target by target.
func Judge(observations []Observation, e Expectation) pki.Findings {
	if len(observations) == 0 {
		return pki.Findings{finding(codeNothingObserved, "no handshake was made, so nothing is known about what is served")}
	}
	var findings pki.Findings
	var judged []string
	for _, o := range observations {
		if slices.Contains(judged, o.Target) {
			continue
		}
		judged = append(judged, o.Target)
		j := judging{Expectation: e, places: placesOf(observations, o.Target)}
		findings = append(findings, j.everything()...)
	}
	return findings.WorstFirst()
}

// judging is the judgement of one target in the making.
type judging struct {
	Expectation
	places   []place
	findings pki.Findings
}

func (j *judging) everything() pki.Findings {
	j.failures()
	groups := j.sameChain()
	for _, group := range groups {
		j.leaf(group)
		j.chain(group)
	}
	j.agreement(groups)
	j.withoutSNI()
	j.protocols()
	return j.findings
}

// place is what one address of a target showed.
type place struct {
	// main is the handshake as clients make it: with SNI, except where the
	// host is an IP address.
	main Observation
	// bare is the handshake without SNI, nil where main is that.
	bare *Observation
}

// placesOf pairs the observations of each address of target, in their order.
// When an address was looked at more than once, each look is a place.
func placesOf(observations []Observation, target string) []place {
	var places []place
	for _, o := range observations {
		if o.Target != target {
			continue
		}
		i := -1
		if o.ServerName == "" {
			i = slices.IndexFunc(places, func(p place) bool {
				return p.bare == nil && p.main.ServerName != "" && p.main.Address == o.Address
			})
		}
		if i >= 0 {
			places[i].bare = &o
		} else {
			places = append(places, place{main: o})
		}
	}
	return places
}

func (j *judging) add(code, sentence string, args ...any) {
	j.findings = append(j.findings, finding(code, fmt.Sprintf(sentence, args...)))
}

// failures turns each failed handshake into a finding.
func (j *judging) failures() {
	answered := slices.ContainsFunc(j.places, func(p place) bool { return p.main.Failure == "" })
	for _, p := range j.places {
		if p.main.Failure == "" {
			continue
		}
		found := finding(p.main.FailureCode, fmt.Sprintf("%s: %s", where(p), p.main.Failure))
		if found.Code == codeNoRoute && !answered {
			found.Severity = pki.Refusal
		}
		j.findings = append(j.findings, found)
	}
}

// sameChain groups the places by what they sent, in order.
func (j *judging) sameChain() [][]place {
	var groups [][]place
	for _, p := range j.places {
		if p.main.Leaf() == nil {
			continue
		}
		i := slices.IndexFunc(groups, func(group []place) bool {
			return sameCertificates(group[0].main.Chain, p.main.Chain)
		})
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], p)
	}
	return groups
}

func sameCertificates(a, b []*x509.Certificate) bool {
	return slices.EqualFunc(a, b, (*x509.Certificate).Equal)
}

// leaf compares with the leaf that is expected, if one is.
func (j *judging) leaf(group []place) {
	expected := strings.ToLower(strings.ReplaceAll(j.Fingerprint, ":", ""))
	if j.Leaf != nil {
		expected = pki.Fingerprint(j.Leaf)
	}
	served := group[0].main.Leaf()
	if got := pki.Fingerprint(served); expected != "" && got != expected {
		j.add(codeWrongLeaf, "%s: serves %s instead of the expected SHA-256 %.16s", where(group...), summary(served), expected)
	}
}

// chain lets package pki judge the chain exactly as it was sent.
func (j *judging) chain(group []place) {
	criteria := pki.Criteria{Now: j.Now, Roots: j.Roots, AssumeTrusted: j.AssumeTrusted, Soon: j.Soon}
	if j.Name != "" {
		criteria.Names = []string{j.Name}
	}
	for _, found := range pki.JudgeChain(group[0].main.Chain, criteria).Findings {
		found.Sentence = where(group...) + ": " + found.Sentence
		j.findings = append(j.findings, found)
	}
}

// agreement says when the target serves different leaves, by address or, as
// instances behind one address switch one after the other, by chance.
func (j *judging) agreement(groups [][]place) {
	var leaves []string
	for _, group := range groups {
		if leaf := summary(group[0].main.Leaf()); !slices.Contains(leaves, leaf) {
			leaves = append(leaves, leaf)
		}
	}
	if len(leaves) > 1 {
		j.add(codeAddressesDiffer, "%s: serves %d different leaves: %s", where(j.places...), len(leaves), list(leaves))
	}
}

// withoutSNI compares what a place serves with and without a server name.
func (j *judging) withoutSNI() {
	var failing, differing []place
	for _, p := range j.places {
		switch {
		case p.bare == nil || p.main.Leaf() == nil:
		case p.bare.Leaf() == nil:
			failing = append(failing, p)
		case !sameCertificates(p.bare.Chain, p.main.Chain):
			differing = append(differing, p)
		}
	}
	if len(failing) > 0 {
		j.add(codeNoSNIFails, "%s: clients that send no server name get no certificate: %s", where(failing...), failing[0].bare.Failure)
	}
	for _, p := range differing {
		serves := summary(p.bare.Leaf())
		if p.bare.Leaf().Equal(p.main.Leaf()) {
			serves = "the same leaf with another chain"
		}
		j.add(codeNoSNIDiffers, "%s: clients that send no server name get %s", where(p), serves)
	}
}

// protocols says where TLS 1.1 or 1.0 was the best that could be agreed on.
func (j *judging) protocols() {
	old := map[string][]place{}
	for _, p := range j.places {
		old[p.main.Protocol] = append(old[p.main.Protocol], p)
	}
	for _, protocol := range []string{"TLS 1.0", "TLS 1.1"} {
		if places := old[protocol]; len(places) > 0 {
			j.add(codeOldProtocol, "%s: speaks nothing newer than %s", where(places...), protocol)
		}
	}
}
