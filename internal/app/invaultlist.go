package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// VaultCertificates lists what is in a vault, and judges it.
func (s *Session) VaultCertificates(ctx context.Context, client *cloud.VaultClient, criteria pki.Criteria) (VaultCertificatesValue, error) {
	s.app.teller().Doing(rotation.PhaseObserve, "looking into vault "+client.Name())
	defer s.app.teller().Done()
	value := newVaultCertificatesValue(client, criteria)
	found, err := client.Certificates(ctx)
	switch {
	case err != nil && (len(found) == 0 || ctx.Err() != nil):
		return value, WhileServing(s.Instead(err), NothingChanged, "cartouche vaults")
	case err != nil:
		s.app.warn("a .pfx that is kept as a plain secret is not listed: " + err.Error())
	}
	for _, v := range found {
		value.Certificates = append(value.Certificates, NewVaultCertificateValue(v, nil, criteria))
	}
	return value, nil
}

// VaultVersions are all versions of one certificate in a vault, the newest judged
// in full; newest is which that is.
func (s *Session) VaultVersions(ctx context.Context, client *cloud.VaultClient, name string, criteria pki.Criteria) (value VaultCertificatesValue, newest string, err error) {
	s.app.teller().Doing(rotation.PhaseObserve, "looking into vault "+client.Name())
	defer s.app.teller().Done()
	value = newVaultCertificatesValue(client, criteria)
	latest, err := client.Certificate(ctx, name, "")
	if err != nil {
		return value, "", WhileServing(s.Instead(err), NothingChanged, "cartouche certificates --vault "+client.Name())
	}
	versions, err := client.Versions(ctx, name)
	switch {
	case ctx.Err() != nil:
		return value, "", WhileServing(err, NothingChanged, "")
	case err != nil: // who may read a secret need not be allowed to list any
		s.app.warn("only the newest version is shown: " + err.Error())
		versions = []cloud.VaultCertificate{latest}
	}
	for _, v := range versions {
		if v.Version == latest.Version {
			value.Certificates = append(value.Certificates, NewVaultCertificateValue(latest, s.publicChain(ctx, latest, criteria.Roots), criteria))
			continue
		}
		value.Certificates = append(value.Certificates, NewVaultCertificateValue(v, nil, pki.Criteria{Now: criteria.Now}))
	}
	return value, latest.Version, nil
}

func newVaultCertificatesValue(client *cloud.VaultClient, criteria pki.Criteria) VaultCertificatesValue {
	return VaultCertificatesValue{
		Vault: client.Name(), URI: client.URI(), Names: filled(criteria.Names), Certificates: []VaultCertificateValue{},
	}
}

// Renewed is a certificate in Key Vault that a listener refers to and that is newer
// there than what the gateway serves.
type Renewed struct {
	Vault, Name string
	Certificate pki.Description
	// Pinned tells that the listener refers to one version, so that it has to be
	// freed first; otherwise the gateway only has to look again.
	Pinned bool
}

// RenewedInVault finds one for a deployment. There is none when the vault cannot be
// asked: the plan would say why.
func (s *Session) RenewedInVault(ctx context.Context, chosen deployment.Deployment) (Renewed, bool) {
	for _, entry := range chosen.Served() {
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
		return Renewed{Vault: client.Name(), Name: name, Certificate: pki.Describe(newest.Leaf), Pinned: version != ""}, true
	}
	return Renewed{}, false
}
