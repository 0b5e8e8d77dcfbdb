package app

import (
	"context"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// What an upload comes to.
const (
	UploadCreated   = "created"
	UploadVersion   = "new-version"
	UploadRecovered = "recovered"
	UploadUnchanged = "unchanged"
)

// UploadValue is the JSON of `upload`.
type UploadValue struct {
	// Outcome is created, new-version, recovered (and then a new version) or
	// unchanged: it was the newest version already.
	Outcome string `json:"outcome"`
	Vault   string `json:"vault"`
	// Before is the newest enabled version as it was, null when there was none.
	Before      *VaultCertificateValue `json:"before"`
	Certificate VaultCertificateValue  `json:"certificate"`
	Findings    pki.Findings           `json:"findings"`
}

// Upload is a file that is to become the newest version of a certificate in a vault.
type Upload struct {
	Value  UploadValue
	Name   string
	Bundle *pki.Bundle
	// There is the newest version as it is, without a leaf when there is none.
	There   cloud.VaultCertificate
	client  *cloud.VaultClient
	session *Session
}

// PrepareUpload judges a file and finds out what putting it there will come to.
func (s *Session) PrepareUpload(ctx context.Context, client *cloud.VaultClient, name string, bundle *pki.Bundle, criteria pki.Criteria) (*Upload, error) {
	criteria.Serving = nil // it is no roll-out: the older file may be wanted in the vault
	judgement, err := s.JudgeFile(ctx, bundle, criteria)
	if err != nil {
		return nil, err
	}
	u := &Upload{
		Value: UploadValue{Vault: client.Name(), Findings: NotNull(judgement.Findings)}, Name: name,
		Bundle: Complete(ctx, s.Network, criteria.Roots, bundle), client: client, session: s,
	}
	if err := u.meet(ctx); err != nil {
		return nil, WhileServing(s.Instead(err), NothingChanged, "cartouche vaults")
	}
	return u, nil
}

// meet finds out what the upload will come to, and what is there now.
func (u *Upload) meet(ctx context.Context) error {
	a := u.session.app
	a.teller().Doing(rotation.PhaseObserve, "looking into vault "+u.client.Name())
	defer a.teller().Done()
	there, err := u.client.Certificate(ctx, u.Name, "")
	switch {
	case cloud.IsNotFound(err):
		u.Value.Outcome = UploadCreated
		_, deleted, err := u.client.Deleted(ctx, u.Name)
		if deleted {
			u.Value.Outcome = UploadRecovered
		}
		if cloud.IsForbidden(err) {
			err = nil // an import would say it
		}
		return err
	case err != nil:
		return err
	}
	u.There, u.Value.Outcome = there, UploadVersion
	if there.Leaf != nil && there.Leaf.Equal(u.Bundle.Leaf) && len(there.Unusable(a.Now())) == 0 {
		u.Value.Outcome = UploadUnchanged
	}
	before := NewVaultCertificateValue(there, nil, pki.Criteria{Now: a.Now()})
	u.Value.Before = &before
	return nil
}

// As is the same upload, told to somebody else.
func (u *Upload) As(teller Teller) *Upload {
	other := *u
	other.session = u.session.With(teller)
	return &other
}

// NothingToDo tells that the file is the newest version already.
func (u *Upload) NothingToDo() bool { return u.Value.Outcome == UploadUnchanged }

// Carry puts the file there.
func (u *Upload) Carry(ctx context.Context) (UploadValue, error) {
	a, there := u.session.app, u.There
	if !u.NothingToDo() {
		var err error
		a.teller().Doing("upload", "putting "+u.Name+" into vault "+u.client.Name())
		there, err = u.client.Import(ctx, u.Name, u.Bundle)
		a.teller().Done()
		if err != nil {
			return u.Value, uploadFailed(u.session.Instead(err), u.client.Name(), u.Name)
		}
	}
	u.Value.Certificate = NewVaultCertificateValue(there, nil, pki.Criteria{Now: a.Now()})
	return u.Value, nil
}

// uploadFailed says whether the vault may have been changed all the same.
func uploadFailed(err error, vault, name string) error {
	look := "cartouche certificates --vault " + vault + " " + Quote(name)
	if cloud.Uncertain(err) || errors.Is(err, context.Canceled) {
		return WhileServing(err, "as before; whether the vault has taken the file is not known", look)
	}
	return WhileServing(err, NothingChanged, look)
}
