package rotation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Asked is what a goal names beyond the deployment, to be read along with it.
type Asked struct {
	// Certificate is one in Key Vault, the source or the place for a file.
	Certificate InVault
	// Identity is a user-assigned identity that the gateway is to get.
	Identity string
	// Claim tells that whoever changes anything claims the deployment before, so
	// that the right to do so is asked for.
	Claim bool
}

var errNoVaultClient = errors.New("this program was given no way to Key Vault")

// observeVaults reads the certificates in Key Vault that listeners refer to and
// the one that was asked for. Without any, nothing is asked of anybody. What
// cannot be read says why in itself.
func (r *Runner) observeVaults(ctx context.Context, state State, asked Asked) []Vaulted {
	wanted := vaultedNames(state, asked)
	if len(wanted) == 0 {
		return nil
	}
	readers := r.identities(ctx, state.Gateway, asked.Identity)
	found := make([]Vaulted, len(wanted))
	vaults, listed := r.listVaults(ctx, state, wanted)
	var group errgroup.Group
	group.SetLimit(4)
	for i, which := range wanted {
		group.Go(func() error {
			found[i] = r.readVaulted(ctx, which)
			r.readAccess(ctx, &found[i], vaults, listed, readers)
			return nil
		})
	}
	_ = group.Wait() // troubles are in what was found
	return found
}

// vaultedNames are the certificates to read, each once. Of one that a listener
// refers to by a version, it is the newest one that is worth knowing.
func vaultedNames(state State, asked Asked) []InVault {
	var names []InVault
	add := func(which InVault) {
		for _, known := range names {
			if known.is(which) {
				return
			}
		}
		names = append(names, which)
	}
	for _, listener := range state.Listeners {
		if which, ok := ParseInVault(listener.KeyVaultSecretID); ok {
			add(which.newest())
		}
	}
	if asked.Certificate.Named() {
		add(asked.Certificate)
	}
	return names
}

// readVaulted reads what a vault tells without giving a key away.
func (r *Runner) readVaulted(ctx context.Context, which InVault) Vaulted {
	found := Vaulted{InVault: which, Versions: []VaultVersion{}, Readers: []Reader{}}
	fail := func(err error) Vaulted {
		found.Trouble, found.trouble = err.Error(), err
		return found
	}
	client, err := r.vault(which.Vault)
	if err != nil {
		return fail(err)
	}
	versions, err := client.Versions(ctx, which.Name)
	if err != nil {
		return fail(err)
	}
	for _, version := range versions {
		found.Versions = append(found.Versions, VaultVersion{
			Version: version.Version, Thumbprint: version.Thumbprint, Enabled: version.Enabled, NotAfter: version.NotAfter,
		})
	}
	found.chosen, err = client.Certificate(ctx, which.Name, which.Version)
	if err != nil {
		return fail(err)
	}
	if found.chosen.Kind == cloud.VaultKindSecret {
		openVersions(ctx, client, found)
	}
	return found
}

// openedVersions is how many versions of a plain secret are opened.
const openedVersions = 4

// openVersions finds out which certificates the latest versions of a plain
// secret are, which no list tells: one of them is the way back. What cannot be
// opened stays unknown.
func openVersions(ctx context.Context, client *cloud.VaultClient, of Vaulted) {
	for i := range of.Versions[:min(len(of.Versions), openedVersions)] {
		version := &of.Versions[i]
		if !version.Enabled {
			continue
		}
		if opened, err := client.Certificate(ctx, of.Name, version.Version); err == nil && opened.Leaf != nil {
			version.Thumbprint, version.NotAfter = opened.Thumbprint, opened.NotAfter
		}
	}
}

func (r *Runner) vault(uri string) (*cloud.VaultClient, error) {
	if r.Vault == nil {
		return nil, errNoVaultClient
	}
	return r.Vault(uri)
}

// identities are those with which the gateway could read a vault.
func (r *Runner) identities(ctx context.Context, gateway *cloud.Gateway, asked string) []Reader {
	identities := gateway.Identities()
	if asked != "" && !gateway.HasIdentity(asked) {
		identities = append(identities, cloud.GatewayIdentity{ID: asked})
	}
	readers := []Reader{}
	for _, identity := range identities {
		reader := Reader{Identity: identity.ID, Principal: identity.PrincipalID, May: Unknown}
		if reader.Principal == "" {
			principal, err := r.Azure.IdentityPrincipal(ctx, identity.ID)
			reader.Principal, reader.Why = principal, trouble(err)
		}
		readers = append(readers, reader)
	}
	return readers
}

// listVaults lists vaults as Resource Manager knows them: those of the
// gateway's subscription, and all others only when one is not among them.
func (r *Runner) listVaults(ctx context.Context, state State, wanted []InVault) ([]cloud.Vault, error) {
	vaults, err := r.Azure.Vaults(ctx, []string{state.Gateway.SubscriptionID()})
	for _, which := range wanted {
		if _, ok := vaultAt(vaults, which.Vault); !ok {
			return r.Azure.Vaults(ctx, nil)
		}
	}
	return vaults, err
}

func vaultAt(vaults []cloud.Vault, uri string) (cloud.Vault, bool) {
	for _, vault := range vaults {
		if strings.EqualFold(vault.URI, uri) {
			return vault, true
		}
	}
	return cloud.Vault{}, false
}

// readAccess finds out which identities may read the secret.
func (r *Runner) readAccess(ctx context.Context, found *Vaulted, vaults []cloud.Vault, listed error, readers []Reader) {
	vault, ok := vaultAt(vaults, found.Vault)
	if ok {
		found.VaultID, found.Roles = vault.ID, vault.RBAC
		found.Network, found.Closed = vault.Network.Explain(), !vault.Network.Open()
	}
	for _, reader := range readers {
		switch {
		case reader.Why != "": // who it is, is not known
		case reader.Principal == "":
			reader.Why = "Azure does not tell its principal id"
		case !ok:
			reader.Why = fmt.Sprintf("the vault %s is not among those that this account may see", found.vaultName())
			if listed != nil {
				reader.Why += ": " + listed.Error()
			}
		case vault.RBAC:
			reader.May, reader.Why = answer(r.mayRead(ctx, vault.ID, found.Name, reader.Principal))
		default:
			reader.May, reader.Why = answer(vault.PolicyAllows(reader.Principal, cloud.VaultSecrets, "get"), nil)
		}
		found.Readers = append(found.Readers, reader)
	}
}

// mayRead asks for a role at the vault or above, then at the secret alone.
// Source: Azure documentation, "Individual keys, secrets, and certificates role
// assignments".
func (r *Runner) mayRead(ctx context.Context, vaultID, name, principal string) (bool, error) {
	may, err := r.Azure.MayDoData(ctx, vaultID, principal, cloud.ReadSecret)
	if may || err != nil {
		return may, err
	}
	may, err = r.Azure.MayDoData(ctx, vaultID+"/secrets/"+name, principal, cloud.ReadSecret)
	return may && err == nil, nil // who cannot be asked about the secret has answered for the vault
}

func answer(may bool, err error) (Knowledge, string) {
	switch {
	case err != nil:
		return Unknown, err.Error()
	case may:
		return Yes, ""
	}
	return No, ""
}
