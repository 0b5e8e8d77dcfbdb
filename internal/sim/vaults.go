package sim

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

const (
	vaultKind    = "Microsoft.KeyVault/vaults"
	identityKind = "Microsoft.ManagedIdentity/userAssignedIdentities"
)

// openVaults listens under the names of the vaults, once in each net, so that
// their firewalls can tell the two doors apart.
func (w *World) openVaults() error {
	w.vault = vault.New(vault.Options{
		Ground: w.ground, Suffix: w.cloud.VaultSuffix, Login: w.cloud.Login, Issuer: w.cloud.Issuer, Verify: w.entra.Verify,
		Document:   func(name string) (map[string]any, bool) { return w.manager.Named(vaultKind, name) },
		AllowsData: w.manager.AllowsData, Guesses: w.options.Guesses.Vaults, PageSize: w.options.PageSize,
	})
	outside, inside := w.server(w.vault.From(vault.Outside)), w.server(w.vault.From(vault.Inside))
	w.vaultServers = []*http.Server{outside, inside}
	for _, server := range w.vaultServers {
		server.TLSConfig = w.authority.ServerConfig()
	}
	for _, v := range w.layout.Vaults {
		w.vault.Add(v.Name)
		host := w.vault.Host(v.Name)
		public, err := w.ground.Outside.Listen(host, 443)
		if err != nil {
			return err
		}
		go func() { _ = outside.ServeTLS(public, "", "") }()
		private, err := w.ground.Inside.Listen(host, 443)
		if err != nil {
			return err
		}
		go func() { _ = inside.ServeTLS(private, "", "") }()
	}
	return nil
}

// Vault is the data plane of the world's vaults: to change what is in them
// behind a client's back.
func (w *World) Vault() *vault.Server { return w.vault }

// fetch is how gateways read the vaults, which are opened after the manager.
func (w *World) fetch(ctx context.Context, principal, id string, newest bool) (tls.Certificate, error) {
	return w.vault.Fetch(ctx, principal, id, newest)
}

// issueVaults makes the certificates that vaults have from the beginning.
func (w *World) issueVaults() error {
	now := w.ground.Clock.Now()
	w.vaultIssued = map[*vaultEntry]*authority.Issued{}
	for i := range w.layout.Vaults {
		for j := range w.layout.Vaults[i].Certificates {
			entry := &w.layout.Vaults[i].Certificates[j]
			p, err := w.placeOf(entry.For)
			if err != nil {
				return fmt.Errorf("vault %s: %s: %w", w.layout.Vaults[i].Name, entry.Name, err)
			}
			spec := authority.Spec{Names: entry.Names, Key: entry.Key, Via: w.issuer(p.deployment)}
			if spec.Names == nil {
				spec.Names = p.certificateNames()
			}
			if spec.Key == "" {
				spec.Key = "p256"
			}
			days := entry.Days
			if days == 0 {
				days = 300
			}
			spec.NotAfter = now.AddDate(0, 0, days).Add(time.Hour)
			if days < 0 {
				spec.NotBefore = spec.NotAfter.AddDate(-1, 0, 0)
			}
			issued, err := w.authority.Issue(spec)
			if err != nil {
				return fmt.Errorf("vault %s: %s: %w", w.layout.Vaults[i].Name, entry.Name, err)
			}
			w.vaultIssued[entry] = issued
		}
	}
	return nil
}

// placeOf is a deployment by its prefix; "" is the first.
func (w *World) placeOf(prefix string) (place, error) {
	for _, p := range w.places {
		if prefix == "" || p.Prefix == prefix {
			return p, nil
		}
	}
	return place{}, fmt.Errorf("there is no deployment %q", prefix)
}

// addIdentities and vaults: their resources, and what is in them but for what
// comes later. current are the certificates that the deployments serve.
func (w *World) addVaults(current []*authority.Issued) error {
	for _, identity := range w.layout.Identities {
		if err := w.addIdentity(identity); err != nil {
			return err
		}
	}
	for i := range w.layout.Vaults {
		if err := w.addVault(&w.layout.Vaults[i]); err != nil {
			return err
		}
	}
	// What the deployments serve is older than what else the vaults have.
	for i, p := range w.places {
		if p.Certificate == nil {
			continue
		}
		seed := vault.Seed{Pair: current[i].TLS(), Created: w.ground.Clock.Now().AddDate(-1, 0, 0)}
		if _, err := w.vault.Put(p.Certificate.Vault, p.Certificate.Name, seed); err != nil {
			return err
		}
	}
	return w.fillVaults(false)
}

// fillVaults puts the entries in that are there from the beginning, or those
// that came later.
func (w *World) fillVaults(later bool) error {
	created := w.ground.Clock.Now().AddDate(0, 0, -30)
	if later {
		created = w.ground.Clock.Now()
	}
	for i := range w.layout.Vaults {
		v := &w.layout.Vaults[i]
		for j := range v.Certificates {
			entry := &v.Certificates[j]
			if entry.Later != later {
				continue
			}
			issued := w.vaultIssued[entry]
			seed := vault.Seed{Pair: issued.TLS(), PEM: entry.PEM, NotExportable: entry.NotExportable, Disabled: entry.Disabled, Tags: entry.Tags, Created: created}
			if entry.Secret {
				file, err := issued.PFX("")
				if err != nil {
					return err
				}
				seed.Value, seed.ContentType = base64.StdEncoding.EncodeToString(file), "application/x-pkcs12"
			}
			if _, err := w.vault.Put(v.Name, entry.Name, seed); err != nil {
				return err
			}
			if entry.Deleted {
				w.vault.Delete(v.Name, entry.Name)
			}
		}
	}
	return nil
}

// addGroup adds a resource group unless it is there.
func (w *World) addGroup(subscription, name string) {
	if w.manager.Document("/subscriptions/"+subscription+"/resourceGroups/"+name) == nil {
		w.manager.AddGroup(subscription, name, w.layout.Location, nil)
	}
}

func (w *World) addIdentity(identity identityFile) error {
	subscription, err := w.subscriptionNamed(identity.Subscription)
	if err != nil {
		return fmt.Errorf("identity %s: %w", identity.Name, err)
	}
	w.addGroup(subscription, identity.Group)
	// Source: Azure REST reference, User Assigned Identities - Get.
	return w.manager.Add(tree{"id": resourceID(subscription, identity.Group, identityKind, identity.Name), "location": w.layout.Location, "tags": tree{},
		"properties": tree{"tenantId": w.tenant.ID, "principalId": newGUID(), "clientId": newGUID()}})
}

func resourceID(subscription, group, kind, name string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers/" + kind + "/" + name
}

// addVault adds the vault's resource.
// Source: Azure REST reference, Vaults - Get.
func (w *World) addVault(v *vaultFile) error {
	subscription, err := w.subscriptionNamed(v.Subscription)
	if err != nil {
		return fmt.Errorf("vault %s: %w", v.Name, err)
	}
	w.addGroup(subscription, v.Group)
	policies := []any{}
	for _, access := range v.Access {
		for _, principal := range w.principals(access.Who) {
			if !v.RBAC {
				policies = append(policies, tree{"tenantId": w.tenant.ID, "objectId": principal,
					"permissions": tree{"certificates": orNone(access.Certificates), "secrets": orNone(access.Secrets), "keys": []string{}}})
			}
		}
	}
	retention := v.Retention
	if retention == 0 {
		retention = 90
	}
	properties := tree{"tenantId": w.tenant.ID, "vaultUri": "https://" + w.vault.Host(v.Name) + "/", "sku": tree{"family": "A", "name": "standard"},
		"accessPolicies": policies, "enableRbacAuthorization": v.RBAC, "enabledForDeployment": false, "enableSoftDelete": true, "softDeleteRetentionInDays": retention,
		"publicNetworkAccess": "Enabled", "provisioningState": "Succeeded"}
	if v.Protected { // it can be on, and absent, not off
		properties["enablePurgeProtection"] = true
	}
	if v.Closed {
		properties["publicNetworkAccess"] = "Disabled"
	}
	if v.Firewall {
		rules := []any{}
		for _, address := range v.Addresses {
			rules = append(rules, tree{"value": address})
		}
		properties["networkAcls"] = tree{"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": rules, "virtualNetworkRules": []any{}}
	}
	id := resourceID(subscription, v.Group, vaultKind, v.Name)
	if v.Endpoint {
		properties["privateEndpointConnections"] = []any{tree{"id": id + "/privateEndpointConnections/" + v.Name + "-pe", "properties": tree{"provisioningState": "Succeeded",
			"privateEndpoint":                   tree{"id": resourceID(subscription, v.Group, "Microsoft.Network/privateEndpoints", v.Name+"-pe")},
			"privateLinkServiceConnectionState": tree{"status": "Approved", "actionsRequired": "None"}}}}
	}
	return w.manager.Add(tree{"id": id, "location": w.layout.Location, "tags": v.Tags, "properties": properties})
}

func orNone(words []string) []string { return append([]string{}, words...) }

// principals are the object ids behind a name of a world's file.
func (w *World) principals(who string) []string {
	if who == operator {
		return w.operators()
	}
	if document, ok := w.identityNamed(who); ok {
		id, _ := document["properties"].(map[string]any)["principalId"].(string)
		return []string{id}
	}
	return nil
}

// identityNamed is an identity by its name, or by group and name where several
// have the same one.
func (w *World) identityNamed(name string) (map[string]any, bool) {
	group, own, found := strings.Cut(name, "/")
	if !found {
		return w.manager.Named(identityKind, name)
	}
	for _, identity := range w.layout.Identities {
		if identity.Group == group && identity.Name == own {
			subscription, err := w.subscriptionNamed(identity.Subscription)
			document := w.manager.Document(resourceID(subscription, group, identityKind, own))
			return document, err == nil && document != nil
		}
	}
	return nil, false
}

// operator is the name under which world files mean whoever runs rotations.
const operator = "operator"

// operators are the object ids of whoever runs rotations.
func (w *World) operators() []string {
	ids := []string{w.tenant.Applications[0].ObjectID, w.runner.ObjectID}
	for _, p := range w.people {
		if w.rights[p.User] == operator {
			ids = append(ids, p.ObjectID)
		}
	}
	return ids
}

// vaultGrants are the roles that vaults with RBAC give to somebody, by name.
func (w *World) vaultGrants(who func(string) []string) []arm.Grant {
	var grants []arm.Grant
	for _, v := range w.layout.Vaults {
		document, found := w.manager.Named(vaultKind, v.Name)
		if !found || !v.RBAC {
			continue
		}
		for _, access := range v.Access {
			for _, principal := range who(access.Who) {
				id, _ := document["id"].(string)
				grants = append(grants, arm.RoleGrant(principal, id, access.Role))
			}
		}
	}
	return grants
}

// refer makes the gateway's certificate a reference to the vault, and gives
// the gateway its identity.
func (w *World) refer(p place, document tree) error {
	if p.Identity != "" {
		identity, ok := w.identityNamed(p.Identity)
		if !ok {
			return fmt.Errorf("there is no identity %q", p.Identity)
		}
		id, _ := identity["id"].(string)
		ids := identity["properties"].(map[string]any)
		document["identity"] = tree{"type": "UserAssigned", "userAssignedIdentities": tree{id: tree{"principalId": ids["principalId"], "clientId": ids["clientId"]}}}
	}
	if p.Certificate == nil {
		return nil
	}
	id := "https://" + w.vault.Host(p.Certificate.Vault) + "/secrets/" + p.Certificate.Name
	if p.Certificate.Versioned {
		id += "/" + w.vault.Versions(p.Certificate.Vault, p.Certificate.Name)[0]
	}
	// The first entry is the deployment's own; others are of other listeners.
	own := document["properties"].(tree)["sslCertificates"].([]any)[0].(tree)
	own["properties"] = tree{"keyVaultSecretId": id}
	return nil
}

// VaultDescription is a vault in world.json.
type VaultDescription struct {
	Name string `json:"name"`
	ID   string `json:"id"`
	URI  string `json:"uri"`
}

// Vaults are the world's vaults.
func (w *World) Vaults() []VaultDescription {
	out := []VaultDescription{}
	for _, v := range w.layout.Vaults {
		if document, ok := w.manager.Named(vaultKind, v.Name); ok {
			id, _ := document["id"].(string)
			out = append(out, VaultDescription{v.Name, id, "https://" + w.vault.Host(v.Name) + "/"})
		}
	}
	return out
}

// IdentityDescription is a managed identity in world.json.
type IdentityDescription struct {
	Name        string `json:"name"`
	ID          string `json:"id"`
	PrincipalID string `json:"principalId"`
	ClientID    string `json:"clientId"`
}

// Identities are the world's user-assigned managed identities.
func (w *World) Identities() []IdentityDescription {
	out := []IdentityDescription{}
	for _, identity := range w.layout.Identities {
		if document, ok := w.identityNamed(identity.Group + "/" + identity.Name); ok {
			text := func(of map[string]any, key string) string { value, _ := of[key].(string); return value }
			p, _ := document["properties"].(map[string]any)
			out = append(out, IdentityDescription{identity.Name, text(document, "id"), text(p, "principalId"), text(p, "clientId")})
		}
	}
	return out
}
