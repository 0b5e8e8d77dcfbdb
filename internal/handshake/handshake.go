// Package handshake finds out what an endpoint really serves. It makes TLS
// handshakes that accept anything, records what was seen, and judges
// afterwards: a record of a wrong certificate is worth more than an error.
package handshake

import (
	"crypto/x509"
	"time"
)

// Target is an endpoint to look at.
type Target struct {
	// Host is the name that clients use; it is sent as SNI.
	Host string
	// Port is the TCP port, 443 when zero.
	Port int
	// Addresses are IP addresses to dial. When empty, every address that the
	// name resolves to is dialled; when the name cannot be resolved here and
	// there is a proxy, the proxy is asked for the name itself.
	Addresses []string
}

// Observation is one handshake as it happened.
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
	// Failure says why there is no chain, empty when there is one.
	Failure string `json:"failure,omitempty"`
}

// Leaf is the first certificate sent, or nil.
func (o Observation) Leaf() *x509.Certificate {
	if len(o.Chain) == 0 {
		return nil
	}
	return o.Chain[0]
}
