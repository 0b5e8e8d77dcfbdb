package cloud

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Vault is a Key Vault as Resource Manager tells it: who may use it and from
// where, and nothing of what is in it.
type Vault struct {
	ID             string
	Name           string
	URI            string // of its data plane, "https://entvault.vault.azure.net", without a slash at its end
	SubscriptionID string
	ResourceGroup  string
	Location       string
	TenantID       string
	// RBAC tells that roles decide who may read it; else Policies do.
	RBAC     bool
	Policies []VaultPolicy
	Network  VaultNetwork
	// PurgeProtection and RetentionDays are about what is deleted.
	PurgeProtection bool
	RetentionDays   int
}

// VaultPolicy is one access policy: what one principal may do. Permissions are
// in lower case ("get", "list", "import", "all").
type VaultPolicy struct {
	TenantID      string
	ObjectID      string
	ApplicationID string // set when it holds only for calls through this application
	Certificates  []string
	Secrets       []string
}

// The kinds of things in a vault, for [Vault.PolicyAllows].
const (
	VaultCertificates = "certificates"
	VaultSecrets      = "secrets"
)

// PolicyAllows tells whether an access policy gives a principal a permission
// ("get") on a kind of things. In a vault with RBAC policies are dead letters,
// and the answer is no.
func (v Vault) PolicyAllows(objectID, kind, permission string) bool {
	return !v.RBAC && slices.ContainsFunc(v.Policies, func(p VaultPolicy) bool {
		granted := p.Certificates
		if kind == VaultSecrets {
			granted = p.Secrets
		}
		return strings.EqualFold(p.ObjectID, objectID) && p.ApplicationID == "" &&
			(slices.Contains(granted, strings.ToLower(permission)) || slices.Contains(granted, "all"))
	})
}

// Vault reads a vault by its resource id.
func (rm *ResourceManager) Vault(ctx context.Context, id string) (Vault, error) {
	document, err := rm.Get(ctx, id, VaultsAPI)
	if err != nil {
		return Vault{}, err
	}
	return newVault(document), nil
}

// Vaults lists the vaults of the named subscriptions, or of all that the caller
// may see when none is named, by name. When a subscription cannot be read, the
// vaults of the others come together with the error.
func (rm *ResourceManager) Vaults(ctx context.Context, subscriptions []string) ([]Vault, error) {
	if len(subscriptions) == 0 {
		all, err := rm.Subscriptions(ctx)
		if err != nil {
			return nil, err
		}
		for _, subscription := range all {
			subscriptions = append(subscriptions, subscription.ID)
		}
	}
	found := make([][]Vault, len(subscriptions))
	failures := make([]error, len(subscriptions))
	var lists errgroup.Group
	lists.SetLimit(vaultParallel)
	for i, subscription := range subscriptions {
		lists.Go(func() error {
			items, err := rm.List(ctx, "/subscriptions/"+subscription+"/providers/Microsoft.KeyVault/vaults", VaultsAPI, nil)
			failures[i] = err
			for _, item := range items {
				found[i] = append(found[i], newVault(item))
			}
			return nil
		})
	}
	_ = lists.Wait() // every failure is kept
	vaults := slices.Concat(found...)
	slices.SortFunc(vaults, func(a, b Vault) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return vaults, errors.Join(failures...)
}

func newVault(document Document) Vault {
	id := textAt(document, "id")
	parsed, _ := ParseResourceID(id) // a vault without an id has no group
	properties := objectAt(document, "properties")
	vault := Vault{
		ID: id, Name: textAt(document, "name"), URI: strings.TrimRight(textAt(properties, "vaultUri"), "/"),
		SubscriptionID: parsed.SubscriptionID, ResourceGroup: parsed.ResourceGroup,
		Location: textAt(document, "location"), TenantID: textAt(properties, "tenantId"),
		RBAC:            boolAt(properties, "enableRbacAuthorization"),
		Network:         newVaultNetwork(properties),
		PurgeProtection: boolAt(properties, "enablePurgeProtection"),
		RetentionDays:   numberAt(properties, "softDeleteRetentionInDays"),
	}
	for _, item := range listAt(properties, "accessPolicies") {
		vault.Policies = append(vault.Policies, VaultPolicy{
			TenantID: textAt(item, "tenantId"), ObjectID: textAt(item, "objectId"), ApplicationID: textAt(item, "applicationId"),
			Certificates: lowered(textsAt(item, "permissions", "certificates")),
			Secrets:      lowered(textsAt(item, "permissions", "secrets")),
		})
	}
	return vault
}

// lowered makes permissions comparable: Azure gives back the case that it got.
func lowered(texts []string) []string {
	for i, text := range texts {
		texts[i] = strings.ToLower(text)
	}
	return texts
}
