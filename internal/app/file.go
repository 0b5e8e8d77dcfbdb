package app

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// IsWrongPassword tells that a file has a password, and not this one.
func IsWrongPassword(err error) bool {
	defect, ok := errors.AsType[*pki.DefectError](err)
	return ok && defect.Code == "wrong-password"
}

// RefusedFile says which file could not be used.
func RefusedFile(path string, err error) error {
	defect, ok := errors.AsType[*pki.DefectError](err)
	if !ok {
		return err
	}
	return &Failure{
		Code: defect.Code, Message: path + ": " + defect.Sentence, Hint: defect.Mend,
		Serving: NothingChanged, Findings: pki.Findings{defect.Finding}, Exit: ExitRefused, Err: err,
	}
}

// CheckFileValue is the JSON of `check FILE`.
type CheckFileValue struct {
	Kind        string            `json:"kind"` // "file"
	File        string            `json:"file"`
	OK          bool              `json:"ok"`
	Certificate pki.Description   `json:"certificate"`
	Chain       []pki.Description `json:"chain"` // leaf first, with the root where one was found
	RootKnown   bool              `json:"rootKnown"`
	Findings    pki.Findings      `json:"findings"`
	// Judged is the chain that the findings are about.
	Judged []*x509.Certificate `json:"-"`
}

// CheckFile judges a certificate that was read from a file as for a roll-out, its
// chain completed. The failure is nil when nothing is worse than a note.
func CheckFile(ctx context.Context, network *egress.Network, name string, bundle *pki.Bundle, criteria pki.Criteria) (CheckFileValue, *Failure) {
	bundle = Complete(ctx, network, criteria.Roots, bundle)
	judgement := pki.Judge(bundle, criteria)
	value := CheckFileValue{
		Kind: "file", File: name, OK: len(Troubling(judgement.Findings)) == 0,
		Certificate: pki.Describe(bundle.Leaf), Chain: []pki.Description{},
		RootKnown: judgement.RootKnown, Findings: NotNull(judgement.Findings), Judged: judgement.Chain,
	}
	for _, cert := range judgement.Chain {
		value.Chain = append(value.Chain, pki.Describe(cert))
	}
	return value, findingsFailure(name, judgement.Findings)
}
