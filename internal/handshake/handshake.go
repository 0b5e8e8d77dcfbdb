// Package handshake finds out what an endpoint really serves. It makes TLS
// handshakes that accept anything, records what was seen, and judges
// afterwards: a record of a wrong certificate is worth more than an error.
//
//	target, err := handshake.ParseTarget("gis.example.com")
//	looker := handshake.Looker{Network: network}
//	seen := looker.Look(ctx, target)                     // never an error: a failure is an observation
//	findings := handshake.Judge(seen, handshake.Expectation{…})
package handshake

import (
	"crypto/x509"
	"time"
)

// Target is an endpoint to look at.
type Target struct {
	// Host is the name that clients use; it is sent as SNI. An IP address is
	// possible; TLS sends no SNI then (RFC 6066 §3).
	Host string
	// Port is the TCP port, 443 when zero.
	Port int
	// Addresses are IP addresses to dial. When empty, every address that the
	// name resolves to is dialled; but when the environment has a proxy for
	// the name, the proxy is asked for the name itself, since this computer's
	// DNS knows nothing of the world behind the proxy. That world may be a
	// rehearsal with production names, which must not lead to production.
	Addresses []string
}

// Observation is one handshake as it happened. Its JSON form is evidence; see
// MarshalJSON.
type Observation struct {
	// Target is host:port as asked for.
	Target string `json:"target"`
	// Address is the ip:port that was dialled, empty when a proxy resolved the name.
	Address string `json:"address,omitempty"`
	// ServerName is the SNI sent, empty when none was.
	ServerName string `json:"serverName"`
	// Proxy is the proxy's host:port, empty when the connection was direct.
	Proxy string        `json:"proxy,omitempty"`
	At    time.Time     `json:"at"`
	Took  time.Duration `json:"tookNanoseconds"`
	// Protocol is "TLS 1.3" and the like.
	Protocol    string `json:"protocol,omitempty"`
	CipherSuite string `json:"cipherSuite,omitempty"`
	// Chain is what was sent, in the order in which it was sent, leaf first.
	Chain []*x509.Certificate `json:"-"`
	// Failure says why the handshake was not completed, empty when it was. A
	// Chain can be there all the same, if it was sent before the failure.
	Failure string `json:"failure,omitempty"`
	// FailureCode is the finding's code of the Failure ("unreachable"); see [Codes].
	FailureCode string `json:"failureCode,omitempty"`
}

// Leaf is the first certificate sent, or nil.
func (o Observation) Leaf() *x509.Certificate {
	if len(o.Chain) == 0 {
		return nil
	}
	return o.Chain[0]
}
