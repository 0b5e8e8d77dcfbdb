package app

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// VaultCertificatesValue is the JSON of `certificates`.
type VaultCertificatesValue struct {
	Vault string `json:"vault"`
	URI   string `json:"uri"`
	// Names are those of the deployment that --for names, else empty.
	Names        []string                `json:"names"`
	Certificates []VaultCertificateValue `json:"certificates"`
}

// VaultCertificateValue is one version of a certificate in a vault.
type VaultCertificateValue struct {
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	Kind     cloud.VaultKind `json:"kind"`
	SecretID string          `json:"secretId"`
	// Follow is the identifier without a version, which a gateway follows.
	Follow      string            `json:"follow"`
	Enabled     bool              `json:"enabled"`
	Created     *time.Time        `json:"created"`
	NotBefore   *time.Time        `json:"notBefore"`
	NotAfter    *time.Time        `json:"notAfter"`
	Thumbprint  string            `json:"thumbprint"`
	Tags        map[string]string `json:"tags"`
	ContentType string            `json:"contentType"`
	KeyType     string            `json:"keyType"`
	// Certificate is null when only the list's facts are known.
	Certificate *pki.Description `json:"certificate"`
	// Usable is null when it is not known, because a secret was not opened.
	Usable   *bool        `json:"usable"`
	Findings pki.Findings `json:"findings"`
	Unread   string       `json:"unread,omitempty"`

	// Judged is the chain that the findings are about.
	Judged []*x509.Certificate `json:"-"`
}

// NewVaultCertificateValue judges what is known of a version; public is its chain,
// nil when that was not looked for.
func NewVaultCertificateValue(v cloud.VaultCertificate, public *pki.Bundle, criteria pki.Criteria) VaultCertificateValue {
	judgement := v.Judge(public, criteria)
	value := VaultCertificateValue{
		Name: v.Name, Version: v.Version, Kind: v.Kind, SecretID: v.SecretID, Follow: v.Versionless(), Enabled: v.Enabled,
		Created: known(v.Created), NotBefore: known(v.NotBefore), NotAfter: known(v.NotAfter), Thumbprint: v.Thumbprint,
		Tags: v.Tags, ContentType: v.ContentType, KeyType: v.KeyType, Unread: v.Unread,
		Findings: judgement.Findings, Judged: judgement.Chain,
	}
	if public == nil { // what was not looked for is not missing
		value.Findings = refusals(judgement.Findings)
	}
	if v.Leaf != nil {
		described := pki.Describe(v.Leaf)
		value.Certificate = &described
	}
	switch {
	case value.Findings.Refused():
		value.Usable = new(false)
	case v.Leaf != nil:
		value.Usable = new(true)
	}
	return value
}

// publicChain is a certificate with the chain that it leads to.
func (s *Session) publicChain(ctx context.Context, v cloud.VaultCertificate, roots *pki.Roots) *pki.Bundle {
	if v.Leaf == nil {
		return nil
	}
	return Complete(ctx, s.Network, roots, &pki.Bundle{Leaf: v.Leaf})
}

// WhyNot says why a certificate cannot be chosen, "" when it can or when only
// the plan will know, because a secret is not opened for a list.
func (v VaultCertificateValue) WhyNot() string {
	switch {
	case v.Usable != nil && !*v.Usable:
		return mostTelling(v.Findings)
	case v.Usable == nil:
		return v.Unread
	}
	return ""
}
