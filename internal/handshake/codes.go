package handshake

import (
	"slices"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Codes of this package's own findings. Those about the certificates themselves
// ("expired", "chain-incomplete", …) are the ones of package pki.
const (
	codeInvalidTarget   = "invalid-target"
	codeNameNotFound    = "name-not-found"
	codeUnreachable     = "unreachable"
	codeNoRoute         = "no-route"
	codeProxyTrouble    = "proxy-trouble"
	codeNotTLS          = "not-tls"
	codeHandshakeFailed = "handshake-failed"
	codeInterrupted     = "interrupted"
	codeNotLookedAt     = "not-looked-at"

	codeNothingObserved = "nothing-observed"
	codeWrongLeaf       = "wrong-leaf"
	codeAddressesDiffer = "addresses-differ"
	codeNoSNIDiffers    = "no-sni-differs"
	codeNoSNIFails      = "no-sni-fails"
	codeOldProtocol     = "old-protocol"
)

// Code is a row of the table of findings that this package makes.
type Code struct {
	Name     string
	Severity pki.Severity
	// Meaning is what docs/findings.md says in its own words.
	Meaning string
	// mend is what to do about it.
	mend string
}

// Codes are all findings of this package, in the order of an endpoint's life:
// why nothing was seen, then what was wrong with what was seen.
func Codes() []Code { return slices.Clone(catalogue) }

var catalogue = []Code{
	{codeInvalidTarget, pki.Refusal, "the host, port or address cannot exist", "correct the host or the address"},
	{codeNameNotFound, pki.Refusal, "the name does not resolve here", "check the spelling and the DNS record"},
	{codeUnreachable, pki.Refusal, "no TCP connection to an address: refused, reset, or no answer in time, as seen here or by the proxy",
		"check firewalls and whether the port is meant to be reached from here"},
	{codeNoRoute, pki.Warning, "this computer has no route to an address, as for IPv6 on a network without it; a refusal when no address answers",
		"look again from a computer that has a route"},
	{codeProxyTrouble, pki.Refusal, "the proxy cannot be reached, refuses the tunnel, or answers nonsense", "check HTTPS_PROXY and NO_PROXY"},
	{codeNotTLS, pki.Refusal, "something answers, and it does not speak TLS", "check the port"},
	{codeHandshakeFailed, pki.Refusal, "the TLS handshake began and was not completed",
		"compare with: openssl s_client -connect HOST:PORT -servername HOST"},
	{codeInterrupted, pki.Refusal, "the look was interrupted before there was an answer", "look again"},
	{codeNotLookedAt, pki.Warning, "the name has more addresses than are looked at", "name the other addresses"},

	{codeNothingObserved, pki.Refusal, "there is no observation to judge", "look again"},
	{codeWrongLeaf, pki.Refusal, "an address serves another leaf than the expected one",
		"instances of a gateway switch one after the other; look again in a minute"},
	{codeAddressesDiffer, pki.Refusal, "addresses of one name serve different leaves",
		"instances of a gateway switch one after the other; look again in a minute"},
	{codeNoSNIDiffers, pki.Warning, "clients that send no server name get other certificates than those that do",
		"give the listener that answers without a server name the same certificate"},
	{codeNoSNIFails, pki.Note, "clients that send no server name get no handshake", ""},
	{codeOldProtocol, pki.Warning, "nothing newer than TLS 1.1 is spoken, although TLS 1.3 was offered",
		"choose a TLS policy with TLS 1.2 at least; current browsers refuse older ones"},
}

// finding makes a finding with what the table says about its code.
func finding(code, sentence string) pki.Finding {
	i := slices.IndexFunc(catalogue, func(c Code) bool { return c.Name == code })
	if i < 0 {
		// A record that another version of the program wrote.
		return pki.Finding{Code: codeHandshakeFailed, Severity: pki.Refusal, Sentence: sentence}
	}
	return pki.Finding{Code: code, Severity: catalogue[i].Severity, Sentence: sentence, Mend: catalogue[i].mend}
}
