// Package pki treats certificates as values: it reads the .pfx files that
// certification authorities and their customers really make, chooses the leaf
// by its key, builds and repairs the chain, judges the result, and writes it
// again for whoever must read it next.
//
// The order of use is
//
//	bundle, err := pki.ReadPFX(data, password)        // a *DefectError when unreadable
//	bundle, _   = pki.Complete(ctx, bundle, …)         // missing intermediates, by AIA
//	judgement  := pki.Judge(bundle, pki.Criteria{…})   // every finding, worst first
//	pfx, pw, _ := pki.WritePFX(bundle, pki.ForGateway) // fresh random password
//
// Nothing here reads a clock, and only Complete, through the client it is
// given, touches a network. Private keys and passwords never appear in an
// error or a finding. Except for package secret it imports nothing of ours.
package pki

import (
	"crypto"
	"crypto/x509"
)

// Severity says what a finding means for the person who asked.
type Severity string

const (
	// Refusal: the certificate must not be rolled out.
	Refusal Severity = "refusal"
	// Warning: it can be rolled out, and somebody should know this first.
	Warning Severity = "warning"
	// Note: something was repaired or is worth knowing.
	Note Severity = "note"
)

// Finding is one thing that was found out about a certificate, a file or an
// endpoint.
type Finding struct {
	// Code is stable, lower-case and hyphenated ("name-not-covered"); scripts
	// may depend on it and docs/findings.md lists them all.
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Sentence says what is so, in one sentence without secrets.
	Sentence string `json:"sentence"`
	// Mend is what to do about it, with the command to type where there is one.
	Mend string `json:"mend,omitempty"`
}

// Findings is a list of findings, worst first.
type Findings []Finding

// Bundle is what a usable .pfx file holds once it has been read: a leaf, the
// key that belongs to it, and what else the file said about its chain.
type Bundle struct {
	Leaf *x509.Certificate
	// Key belongs to Leaf: *rsa.PrivateKey, *ecdsa.PrivateKey or ed25519.PrivateKey.
	Key crypto.Signer `json:"-"`
	// Intermediates lead from Leaf towards a root: the issuer of Leaf first,
	// without duplicates, without roots, without strangers.
	Intermediates []*x509.Certificate
	// Root is the self-signed end of the chain when the file held it, else nil.
	Root *x509.Certificate
	// Repairs says what had to be put right while reading (all Notes and Warnings).
	Repairs Findings
}
