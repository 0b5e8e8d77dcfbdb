package app

import (
	"context"
	"crypto/x509"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Judging is what a person may say about how a new certificate is judged.
type Judging struct {
	// Roots are more authorities that Portal and Server know.
	Roots                                  []*x509.Certificate
	AssumeTrusted, AllowOlder, AllowWeaker bool
}

// Criteria are what a certificate for a deployment is judged by before it is
// observed. The plan judges again, by what is observed.
func (s *Session) Criteria(d deployment.Deployment, by Judging) pki.Criteria {
	criteria := pki.Criteria{
		Now: s.app.Now(), Roots: s.Roots.With(by.Roots...), Names: d.Names(),
		AssumeTrusted: by.AssumeTrusted, AllowOlder: by.AllowOlder, AllowWeaker: by.AllowWeaker,
	}
	if served := d.Served(); len(served) == 1 && len(served[0].Chain) > 0 {
		criteria.Serving = served[0].Chain[0]
	}
	return criteria
}

// JudgeFile judges what was in a file for a deployment, with the intermediates
// that it lacks.
func (s *Session) JudgeFile(ctx context.Context, bundle *pki.Bundle, d deployment.Deployment, by Judging) pki.Findings {
	criteria := s.Criteria(d, by)
	s.app.teller().Doing(rotation.PhaseObserve, "judging the certificate")
	defer s.app.teller().Done()
	return pki.Judge(Complete(ctx, s.Network, criteria.Roots, bundle), criteria).Findings
}

// RenewedInVault is what a listener refers to and was renewed in its vault.
type RenewedInVault struct {
	Vault, Name string
	Newest      pki.Description
	// Pinned tells that the listener refers to one version, and would have to
	// follow the newest.
	Pinned bool
}

// RenewedInVault finds what was renewed in the vault that a listener refers to.
// It is nil when nothing was, or the vault cannot be asked: the plan would say why.
func (s *Session) RenewedInVault(ctx context.Context, d deployment.Deployment) *RenewedInVault {
	for _, entry := range d.Served() {
		uri, name, version, err := cloud.SplitSecretID(entry.KeyVaultSecretID)
		if err != nil || len(entry.Chain) == 0 {
			continue
		}
		client, err := s.Vault(uri)
		if err != nil {
			continue
		}
		s.app.teller().Doing(rotation.PhaseObserve, "looking into vault "+client.Name())
		newest, err := client.Certificate(ctx, name, "")
		s.app.teller().Done()
		if err != nil || newest.Leaf == nil || newest.Leaf.Equal(entry.Chain[0]) {
			continue
		}
		return &RenewedInVault{Vault: client.Name(), Name: name, Newest: pki.Describe(newest.Leaf), Pinned: version != ""}
	}
	return nil
}

// CertificatesIn lists what is in a vault, judged by what a certificate has to be
// good for. No key is read.
func (s *Session) CertificatesIn(ctx context.Context, named string, criteria pki.Criteria) (VaultCertificatesValue, error) {
	client, err := s.Vault(named)
	if err != nil {
		return VaultCertificatesValue{}, err
	}
	value := VaultCertificatesValue{
		Vault: client.Name(), URI: client.URI(), Names: Filled(criteria.Names), Certificates: []VaultCertificateValue{},
	}
	s.app.teller().Doing(rotation.PhaseObserve, "looking into vault "+client.Name())
	defer s.app.teller().Done()
	found, err := client.Certificates(ctx)
	switch {
	case err != nil && (len(found) == 0 || ctx.Err() != nil):
		return value, WhileServing(s.Instead(err), NothingChanged, "cartouche vaults")
	case err != nil:
		s.app.Warn("a .pfx that is kept as a plain secret is not listed: " + err.Error())
	}
	for _, v := range found {
		value.Certificates = append(value.Certificates, NewVaultCertificateValue(v, nil, criteria))
	}
	return value, nil
}

// WhyNot says why a certificate of a vault cannot be chosen, "" when it can or when
// only the plan will know, because a secret is not opened for a list.
func (v VaultCertificateValue) WhyNot() string {
	switch {
	case v.Usable != nil && !*v.Usable:
		return MostTelling(v.Findings)
	case v.Usable == nil:
		return v.Unread
	}
	return ""
}
