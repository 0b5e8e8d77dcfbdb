package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// DeploymentValue is one element of the JSON of `deployments`.
type DeploymentValue struct {
	deployment.Deployment
	// SubscriptionName is what people call it, absent when it is not known.
	SubscriptionName string `json:"subscriptionName,omitempty"`
	// CanUpdate tells whether the certificate can be renewed here; when not,
	// cannotUpdate says why.
	CanUpdate bool `json:"canUpdate"`
	// DaysLeft is until the first of the certificates ends, null when unknown.
	DaysLeft     *int               `json:"daysLeft"`
	Certificates []CertificateValue `json:"certificates"`

	// Ends is when the first of them ends, zero when unknown.
	Ends time.Time `json:"-"`
}

// CertificateValue is a certificate that a gateway serves, and where it lives.
type CertificateValue struct {
	// Entry is the gateway's sslCertificates entry, "" for one in IIS.
	Entry string `json:"entry"`
	// KeyVaultSecretID is set when the entry is a reference, Follows tells
	// whether a newer version in the vault reaches the gateway by itself.
	KeyVaultSecretID string `json:"keyVaultSecretId,omitempty"`
	Follows          *bool  `json:"follows,omitempty"`
	// Certificate is null when Azure does not tell it.
	Certificate *pki.Description `json:"certificate"`

	vault, secret string
}

func newDeploymentValue(d deployment.Deployment, now time.Time) DeploymentValue {
	value := DeploymentValue{Deployment: d, CanUpdate: d.CannotUpdate == "", Certificates: []CertificateValue{}}
	for _, entry := range d.Served() {
		certificate := CertificateValue{Entry: entry.Name, KeyVaultSecretID: entry.KeyVaultSecretID}
		if entry.KeyVaultSecretID != "" {
			certificate.ReadReference()
		}
		if len(entry.Chain) > 0 {
			described := pki.Describe(entry.Chain[0])
			certificate.Certificate = &described
		}
		value.Certificates = append(value.Certificates, certificate)
	}
	value.endsAt(d.NotAfter(), now)
	return value
}

// ReadReference tells whether the gateway follows the certificate in the vault:
// it looks for a newer one only when its reference names no version.
func (c *CertificateValue) ReadReference() {
	uri, name, version, err := cloud.SplitSecretID(c.KeyVaultSecretID)
	if err != nil {
		return
	}
	follows := version == ""
	c.Follows, c.secret = &follows, name
	c.vault, _, _ = strings.Cut(strings.TrimPrefix(uri, "https://"), ".")
}

func (v *DeploymentValue) endsAt(end, now time.Time) {
	if v.Ends = end; end.IsZero() {
		return
	}
	days := pki.DaysUntil(end, now)
	v.DaysLeft = &days
}

// lookAtWithoutGateway makes a handshake with each deployment whose
// certificate Azure knows nothing of, since it is in IIS.
func (s *Session) lookAtWithoutGateway(ctx context.Context, values []DeploymentValue) {
	const patience = 4 * time.Second // a list should not wait for what is gone
	looker := &handshake.Looker{Network: s.Network, Timeout: patience}
	var group errgroup.Group
	group.SetLimit(8)
	for i := range values {
		value := &values[i]
		if value.Generation != deployment.V1 || value.Domain == "" {
			continue
		}
		group.Go(func() error {
			if o := firstServed(looker.Look(ctx, handshake.Target{Host: value.Domain})); o != nil {
				described := pki.Describe(o.Leaf())
				value.Certificates = append(value.Certificates, CertificateValue{Certificate: &described})
				value.endsAt(pki.UTC(o.Leaf().NotAfter), s.app.Now())
			}
			return nil
		})
	}
	_ = group.Wait() // a failure is no certificate
	slices.SortStableFunc(values, func(a, b DeploymentValue) int {
		switch {
		case a.Ends.IsZero() == b.Ends.IsZero():
			return a.Ends.Compare(b.Ends)
		case a.Ends.IsZero():
			return 1
		}
		return -1
	})
}

// DeploymentValues are all deployments that may be seen, what ends first on top.
func (s *Session) DeploymentValues(ctx context.Context) ([]DeploymentValue, error) {
	found, err := s.Find(ctx)
	if err != nil {
		return nil, err
	}
	values := []DeploymentValue{}
	for _, d := range found.Deployments {
		values = append(values, newDeploymentValue(d, s.app.Now()))
	}
	if len(values) == 0 {
		return values, nil
	}
	names := s.subscriptionNames(ctx)
	for i := range values {
		values[i].SubscriptionName = names.of(values[i].SubscriptionID)
	}
	s.lookAtWithoutGateway(ctx, values)
	return values, nil
}
