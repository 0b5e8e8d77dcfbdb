package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

const (
	// vaultTime bounds how long one of several vaults is waited for: a private
	// one may not answer at all.
	vaultTime = 20 * time.Second
	// vaultsAtOnce is how many vaults are looked into side by side.
	vaultsAtOnce = 4
)

// VaultValue is one element of the JSON of `vaults`.
type VaultValue struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	URI            string `json:"uri"`
	SubscriptionID string `json:"subscriptionId"`
	// SubscriptionName is what people call it, absent when it is not known.
	SubscriptionName string `json:"subscriptionName,omitempty"`
	ResourceGroup    string `json:"resourceGroup"`
	Location         string `json:"location"`
	TenantID         string `json:"tenantId"`
	// Access is who decides who may read: "roles" or "policies".
	Access          string            `json:"access"`
	Network         vaultNetworkValue `json:"network"`
	PurgeProtection bool              `json:"purgeProtection"`
	RetentionDays   int               `json:"retentionDays"`
	// Certificates is null when the vault could not be looked into; Unread says why.
	Certificates *VaultCount `json:"certificates"`
	Unread       *Failure    `json:"unread,omitempty"`
}

type vaultNetworkValue struct {
	Public           bool     `json:"public"`
	Firewall         bool     `json:"firewall"`
	TrustedServices  bool     `json:"trustedServices"`
	Addresses        []string `json:"addresses"`
	Subnets          []string `json:"subnets"`
	PrivateEndpoints []string `json:"privateEndpoints"`
	Explanation      string   `json:"explanation"`
}

// VaultCount counts certificates. What is not known to be usable is not said to
// be unusable.
type VaultCount struct {
	Usable   int `json:"usable"`
	Unusable int `json:"unusable"`
	// Unopened are secrets that may hold a .pfx.
	Unopened int `json:"unopened"`
	// Unread were listed and could not be read: the right to list is one of its own.
	Unread int `json:"unread"`
}

// lookIntoAll looks into several vaults side by side; each value holds its own failure.
func (s *Session) lookIntoAll(ctx context.Context, found []cloud.Vault) []VaultValue {
	values := make([]VaultValue, len(found))
	var looks errgroup.Group
	looks.SetLimit(vaultsAtOnce)
	for i, v := range found {
		looks.Go(func() error {
			values[i] = s.lookInto(ctx, v)
			return nil
		})
	}
	_ = looks.Wait()
	return values
}

// lookInto counts what is in a vault, as far as it lets this computer.
func (s *Session) lookInto(ctx context.Context, v cloud.Vault) VaultValue {
	value := newVaultValue(v)
	ctx, cancel := context.WithTimeoutCause(ctx, vaultTime, errors.New("the vault did not answer in time"))
	defer cancel()
	client, err := s.Vault(v.URI)
	if err != nil {
		value.Unread = unread(err)
		return value
	}
	certificates, err := client.Certificates(ctx)
	if err != nil && len(certificates) == 0 {
		value.Unread = unread(s.Instead(err))
		return value
	}
	count := NewVaultCount(certificates, s.app.Now())
	value.Certificates = &count
	return value
}

// NewVaultCount counts what was listed.
func NewVaultCount(certificates []cloud.VaultCertificate, now time.Time) (c VaultCount) {
	for _, certificate := range certificates {
		switch {
		case unopened(certificate):
			c.Unopened++
		case len(certificate.Unusable(now)) > 0:
			c.Unusable++
		case certificate.Leaf != nil:
			c.Usable++
		default:
			c.Unread++
		}
	}
	return c
}

func unread(err error) *Failure {
	f := Explain(err)
	return &f
}

// unopened is a secret that may hold a .pfx: to know, its key has to be read.
func unopened(v cloud.VaultCertificate) bool {
	return v.Kind == cloud.VaultKindSecret && v.Leaf == nil && v.Unread == ""
}

// Vault makes a client for the vault that a person names.
func (s *Session) Vault(named string) (*cloud.VaultClient, error) {
	address, err := cloud.VaultAddress(s.In, named)
	if err != nil {
		return nil, Usage("cartouche vaults", "--vault: %s", err)
	}
	client, err := cloud.NewVaultClient(s.In, address, s.Credential, cloud.Options{
		Client: &http.Client{Transport: s.proxy}, Version: s.app.Version, Observe: s.app.observeCall(),
	})
	if err != nil {
		return nil, Usage("cartouche vaults", "--vault: %s", err)
	}
	return client, nil
}

func newVaultValue(v cloud.Vault) VaultValue {
	access := "policies"
	if v.RBAC {
		access = "roles"
	}
	return VaultValue{
		ID: v.ID, Name: v.Name, URI: v.URI, SubscriptionID: v.SubscriptionID, ResourceGroup: v.ResourceGroup,
		Location: v.Location, TenantID: v.TenantID, Access: access,
		Network: vaultNetworkValue{
			Public: v.Network.Public, Firewall: v.Network.Firewall, TrustedServices: v.Network.TrustedServices,
			Addresses: filled(v.Network.Addresses), Subnets: filled(v.Network.Subnets),
			PrivateEndpoints: filled(v.Network.PrivateEndpoints), Explanation: v.Network.Explain(),
		},
		PurgeProtection: v.PurgeProtection, RetentionDays: v.RetentionDays,
	}
}

// VaultValues are all vaults that may be seen, each looked into as far as it lets
// this computer.
func (s *Session) VaultValues(ctx context.Context) ([]VaultValue, error) {
	s.app.teller().Doing(rotation.PhaseObserve, "looking for vaults")
	defer s.app.teller().Done()
	found, err := s.Azure.Vaults(ctx, s.Scope.Subscriptions)
	switch {
	case err != nil && len(found) == 0:
		return nil, WhileServing(s.Instead(err), NothingChanged, "cartouche vaults --verbose")
	case err != nil:
		s.app.warn("some vaults may be missing: " + err.Error())
	}
	values := s.lookIntoAll(ctx, found)
	if len(values) > 0 {
		names := s.subscriptionNames(ctx)
		for i := range values {
			values[i].SubscriptionName = names.of(values[i].SubscriptionID)
		}
	}
	return values, WhileServing(ctx.Err(), NothingChanged, "")
}
