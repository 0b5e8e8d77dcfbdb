package handshake

import (
	"crypto/x509"
	"encoding/json"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// maxChain bounds what is read back from a journal. A TLS certificate message
// of Go's size limit (256 KiB) cannot hold as many certificates.
const maxChain = 1024

// plain has the fields of an Observation and not its methods.
type plain Observation

// MarshalJSON writes the fields, and the chain twice: "leaf" describes its
// first certificate for readers (absent without a chain), "chainDER" is all of
// it as sent, each certificate as base64 of its DER, so that the evidence can
// be judged again by anyone.
func (o Observation) MarshalJSON() ([]byte, error) {
	form := struct {
		plain
		Leaf     *pki.Description `json:"leaf,omitempty"`
		ChainDER [][]byte         `json:"chainDER,omitempty"`
	}{plain: plain(o)}
	if leaf := o.Leaf(); leaf != nil {
		described := pki.Describe(leaf)
		form.Leaf = &described
	}
	for _, cert := range o.Chain {
		form.ChainDER = append(form.ChainDER, cert.Raw)
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads what MarshalJSON writes. The chain comes from "chainDER"
// alone: what "leaf" says may have been edited.
func (o *Observation) UnmarshalJSON(data []byte) error {
	var form struct {
		plain
		ChainDER [][]byte `json:"chainDER"`
	}
	if err := json.Unmarshal(data, &form); err != nil {
		return fmt.Errorf("read observation: %w", err)
	}
	if len(form.ChainDER) > maxChain {
		return fmt.Errorf("read observation: a chain of %d certificates", len(form.ChainDER))
	}
	read := Observation(form.plain)
	for i, der := range form.ChainDER {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("read observation: certificate %d of the chain: %w", i+1, err)
		}
		read.Chain = append(read.Chain, cert)
	}
	*o = read
	return nil
}
