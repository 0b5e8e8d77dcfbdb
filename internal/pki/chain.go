package pki

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

const (
	// maxPath is the longest chain that is looked for; public ones have three or four members.
	maxPath = 8
	// maxPathSteps bounds the search among certificates made to confuse it.
	maxPathSteps = 500
	// maxRSABits keeps a giant modulus from costing minutes per signature.
	maxRSABits = 16384
)

// arrangement is a chain put in order by who really signed whom.
type arrangement struct {
	intermediates []*x509.Certificate // issuer of the leaf first, no roots
	root          *x509.Certificate   // nil when it was not among the certificates
	strangers     []*x509.Certificate // belong to no chain of the leaf, or not to the chosen one
}

// arrange finds the best chain for leaf among others. The result does not
// depend on their order: where several certificates could stand in one place
// (cross-signing), the path whose intermediates live longest wins, then the
// one with more intermediates, because a client that does not know the newer
// root yet needs them.
func arrange(leaf *x509.Certificate, others []*x509.Certificate) arrangement {
	pool := slices.DeleteFunc(distinct(others), leaf.Equal)
	slices.SortFunc(pool, func(a, b *x509.Certificate) int { return bytes.Compare(a.Raw, b.Raw) })

	search := pathSearch{leaf: leaf, pool: pool, steps: maxPathSteps}
	search.from([]*x509.Certificate{leaf})

	var found arrangement
	for _, cert := range search.best[1:] {
		if selfSigned(cert) {
			found.root = cert
		} else {
			found.intermediates = append(found.intermediates, cert)
		}
	}
	if found.root == nil {
		found.root = rootBeside(search.best, pool)
	}
	for _, cert := range pool {
		if cert != found.root && !slices.Contains(found.intermediates, cert) {
			found.strangers = append(found.strangers, cert)
		}
	}
	return found
}

// rootBeside finds a root that signed a member of the path which does not end
// in it: the path went on through a cross-signed twin of that root.
func rootBeside(path, pool []*x509.Certificate) *x509.Certificate {
	for _, member := range slices.Backward(path) {
		for _, cert := range pool {
			if selfSigned(cert) && signedBy(member, cert) {
				return cert
			}
		}
	}
	return nil
}

type pathSearch struct {
	leaf  *x509.Certificate
	pool  []*x509.Certificate
	steps int
	best  []*x509.Certificate
}

func (s *pathSearch) from(path []*x509.Certificate) {
	last := path[len(path)-1]
	extended := false
	if len(path) < maxPath && !selfSigned(last) {
		for _, issuer := range s.pool {
			if slices.Contains(path, issuer) || !bytes.Equal(last.RawIssuer, issuer.RawSubject) {
				continue
			}
			if s.steps--; s.steps < 0 {
				break
			}
			if signedBy(last, issuer) {
				extended = true
				s.from(append(slices.Clone(path), issuer))
			}
		}
	}
	if !extended && (s.best == nil || s.compare(path, s.best) > 0) {
		s.best = path
	}
}

// compare is positive when path a is better than path b.
func (s *pathSearch) compare(a, b []*x509.Certificate) int {
	return cmp.Or(
		s.lasts(a).Compare(s.lasts(b)),
		cmp.Compare(intermediatesIn(a), intermediatesIn(b)),
		cmp.Compare(len(a), len(b)),
	)
}

// lasts is how long all intermediates of a path live, at most as long as the leaf.
func (s *pathSearch) lasts(path []*x509.Certificate) time.Time {
	until := s.leaf.NotAfter
	for _, cert := range path[1:] {
		if !selfSigned(cert) && cert.NotAfter.Before(until) {
			until = cert.NotAfter
		}
	}
	return until
}

func intermediatesIn(path []*x509.Certificate) int {
	n := len(path) - 1
	if n > 0 && selfSigned(path[n]) {
		n--
	}
	return n
}

// repairs says what was done to the certificates beside the leaf, given in
// the order in which they came.
func (a arrangement) repairs(others []*x509.Certificate) Findings {
	var repairs Findings
	unique := distinct(others)
	if n := len(others) - len(unique); n > 0 {
		repairs.add(codeDuplicateDropped, "", "%d repeated certificates were dropped", n)
	}
	for _, stranger := range a.strangers {
		repairs.add(codeStrangerDropped, "", "the certificate %s is not part of the chain and was dropped", nameOf(stranger))
	}
	if a.root != nil {
		repairs.add(codeRootIncluded, "", "the root %s came with the chain; a server does not send it", nameOf(a.root))
	}
	if !a.inOrder(unique) {
		repairs.add(codeChainReordered, "", "the chain was put in order")
	}
	return repairs
}

// inOrder tells whether the intermediates, and behind them the root, came in
// the order of the chain.
func (a arrangement) inOrder(others []*x509.Certificate) bool {
	wanted := slices.Clone(a.intermediates)
	if a.root != nil {
		wanted = append(wanted, a.root)
	}
	came := slices.DeleteFunc(slices.Clone(others), func(cert *x509.Certificate) bool {
		return !slices.ContainsFunc(wanted, cert.Equal)
	})
	return slices.EqualFunc(came, wanted, (*x509.Certificate).Equal)
}

// signedBy tells whether issuer's key made child's signature and their names
// say so too. It asks nothing about validity or rights; Judge does. SHA-1 is
// verified; MD5 cannot be, and counts by name so that it can be refused for
// what it is.
func signedBy(child, issuer *x509.Certificate) bool {
	if !bytes.Equal(child.RawIssuer, issuer.RawSubject) {
		return false
	}
	if key, ok := issuer.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSABits {
		return false
	}
	err := issuer.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure)
}

// selfSigned tells whether a certificate is signed with its own key.
func selfSigned(cert *x509.Certificate) bool {
	return signedBy(cert, cert)
}
