package pki

import (
	"crypto/x509"
	"slices"
	"time"
)

// Criteria is what a certificate is judged by. Now is required; every other
// zero value asks for less or for the usual.
type Criteria struct {
	// Now is the moment to judge for.
	Now time.Time
	// Names must all be covered: every host name of the deployment. Unicode
	// is fine, so are IP addresses.
	Names []string
	// Roots may end a chain; nil means MozillaRoots.
	Roots *Roots
	// AssumeTrusted makes an unknown root a warning: somebody has made sure
	// that Portal and Server know it.
	AssumeTrusted bool
	// AllowOlder makes it a warning that Serving expires later.
	AllowOlder bool
	// AllowWeaker makes it a warning that Serving has the stronger key.
	AllowWeaker bool
	// Serving is the certificate that is served now, nil to compare with nothing.
	Serving *x509.Certificate
	// Soon is how little time left is worth a warning; zero means 30 days, or
	// a third of the certificate's lifetime if that is less.
	Soon time.Duration
}

// Judgement is everything that was found out.
type Judgement struct {
	// Findings is worst first. It includes what was repaired on reading.
	Findings Findings `json:"findings"`
	// Chain is leaf first, with the root at its end where one was found.
	Chain []*x509.Certificate `json:"-"`
	// RootKnown says that the chain was verified up to one of Criteria.Roots.
	RootKnown bool `json:"rootKnown"`
}

// Judge finds out whether the certificate of a .pfx file can be rolled out. It
// reads no clock and no network: the same arguments give the same judgement.
func Judge(b *Bundle, c Criteria) Judgement {
	j := newJudging(b.Leaf, b.Intermediates, b.Root, c)
	j.findings = slices.Clone(b.Repairs)
	if b.Key == nil || !sameKey(b.Key.Public(), b.Leaf.PublicKey) {
		j.findings.add(codeKeyMismatch, mendFindKey, "the private key does not belong to the certificate %s", nameOf(b.Leaf))
	}
	j.everything()
	j.gatewayFit(b)
	return j.judgement()
}

// JudgePublic judges a certificate whose key and chain are not at hand, as Key
// Vault tells one to whoever may not read its secret: b has no Key, and the
// Intermediates are what Complete could fetch. The chain that will be served is
// inside the secret, so one that could not be completed is only a warning.
func JudgePublic(b *Bundle, c Criteria) Judgement {
	j := newJudging(b.Leaf, b.Intermediates, b.Root, c)
	j.chainUnseen = true
	j.findings = slices.DeleteFunc(slices.Clone(b.Repairs), func(f Finding) bool {
		return f.Code == codeIntermediateFetched || f.Code == codeFetchFailed // nothing says that it is missing there
	})
	j.everything()
	j.findings.add(codeChainNotSeen, "", "the chain lies with the key and was not looked at; what will be served with %s shows after the switch only", nameOf(b.Leaf))
	return j.judgement()
}

// JudgeChain judges what an endpoint sent, in the order in which it was sent:
// the first certificate is the leaf, whatever it is.
func JudgeChain(sent []*x509.Certificate, c Criteria) Judgement {
	if len(sent) == 0 {
		return Judgement{Findings: Findings{newFinding(codeNothingServed, "", "no certificate was sent")}}
	}
	leaf, others := sent[0], sent[1:]
	arranged := arrange(leaf, others)
	j := newJudging(leaf, arranged.intermediates, arranged.root, c)
	for _, repair := range arranged.repairs(others) {
		if repair.Code == codeChainReordered {
			repair = newFinding(codeChainOutOfOrder, mendRollOut,
				"the chain is not sent in order; some clients cannot follow it")
		}
		j.findings = append(j.findings, repair)
	}
	j.everything()
	return j.judgement()
}

// judging is one judgement in the making.
type judging struct {
	Criteria
	leaf          *x509.Certificate
	intermediates []*x509.Certificate
	root          *x509.Certificate

	// chainUnseen means that intermediates are not what will be served, but
	// what could be had in its place.
	chainUnseen bool

	findings  Findings
	chain     []*x509.Certificate
	rootKnown bool
}

func newJudging(leaf *x509.Certificate, intermediates []*x509.Certificate, root *x509.Certificate, c Criteria) *judging {
	if c.Roots == nil {
		c.Roots = MozillaRoots()
	}
	return &judging{Criteria: c, leaf: leaf, intermediates: intermediates, root: root}
}

func (j *judging) everything() {
	j.dates()
	j.names()
	j.usage()
	j.key()
	j.trust()
	j.comparison()
}

func (j *judging) judgement() Judgement {
	return Judgement{Findings: j.findings.WorstFirst(), Chain: j.chain, RootKnown: j.rootKnown}
}

// soften makes the last finding a warning when allowed says so.
func (j *judging) soften(allowed bool) {
	if allowed {
		j.findings[len(j.findings)-1].Severity = Warning
	}
}
