package rehearsal

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

// vaults are those that listeners refer to, or that were asked for, and the
// identities of the gateway and of whoever was asked about.
func (c *copier) vaults() (vaults, identities []any) {
	known := map[string]bool{}
	identity := func(id string) {
		parsed, err := cloud.ParseResourceID(id)
		if err != nil || known[strings.ToLower(id)] {
			return
		}
		known[strings.ToLower(id)] = true
		c.addGroup(id)
		identities = append(identities, tree{"name": parsed.Name, "group": parsed.ResourceGroup, "subscription": c.subscription(parsed.SubscriptionID)})
	}
	for _, id := range c.gateway.IdentityIDs() {
		identity(id)
	}
	byName := map[string]tree{}
	var order []string
	at := func(address string) tree {
		name := vaultName(address)
		if byName[name] == nil {
			byName[name] = tree{"name": name, "group": c.gateway.ResourceGroup(), "rbac": true, "certificates": []any{}, "access": []any{
				tree{"who": "operator", "role": "Key Vault Certificates Officer"}, tree{"who": "operator", "role": "Key Vault Secrets User"}}}
			order = append(order, name)
		}
		return byName[name]
	}
	readers := map[string][]string{}
	for _, v := range c.shape.Vaults {
		vault := at(v.Vault)
		if id, err := cloud.ParseResourceID(v.ID); err == nil {
			vault["group"], vault["subscription"] = id.ResourceGroup, c.subscription(id.SubscriptionID)
			c.addGroup(v.ID)
		}
		if !v.Roles {
			vault["rbac"] = false
			vault["access"] = []any{tree{"who": "operator", "certificates": []string{"Get", "List", "Import", "Update", "Delete", "Recover"}, "secrets": []string{"get", "list"}}}
		}
		if v.Closed {
			c.missing("the network of vault " + vaultName(v.Vault) + ": in the rehearsal everybody reaches it")
		}
		for _, reader := range v.Readers {
			identity(reader.Identity)
			if reader.May != "no" {
				readers[vaultName(v.Vault)] = append(readers[vaultName(v.Vault)], reader.Identity)
			}
		}
	}
	done := map[string]bool{}
	put := func(address, name string, chain []string, more tree) {
		vault := at(address)
		entry := tree{"name": name, "chain": c.rolledOut(chain)}
		for key, value := range more {
			entry[key] = value
		}
		vault["certificates"] = append(vault["certificates"].([]any), entry)
	}
	find := func(address, name string) (shape.Vault, bool) {
		i := slices.IndexFunc(c.shape.Vaults, func(v shape.Vault) bool {
			return vaultName(v.Vault) == vaultName(address) && strings.EqualFold(v.Name, name)
		})
		if i < 0 {
			return shape.Vault{}, false
		}
		return c.shape.Vaults[i], true
	}
	for _, entry := range c.shape.Entries {
		address, name, version, err := cloud.SplitSecretID(entry.Vault)
		if err != nil || entry.Vault == "" {
			continue
		}
		key := vaultName(address) + "/" + strings.ToLower(name)
		v, read := find(address, name)
		if len(readers[vaultName(address)]) == 0 {
			readers[vaultName(address)] = c.gateway.IdentityIDs()
		}
		if done[key] {
			continue
		}
		done[key] = true
		chain := c.chainOf(entry)
		put(address, name, chain, tree{"age": 365, "secret": v.Secret})
		if read && v.Newest != "" && v.Newest != chain[0] {
			put(address, name, c.issuersOf(v.Newest), tree{"later": version == "", "secret": v.Secret})
		}
	}
	for _, v := range c.shape.Vaults {
		if key := vaultName(v.Vault) + "/" + strings.ToLower(v.Name); !done[key] && v.Newest != "" {
			done[key] = true
			put(v.Vault, v.Name, c.issuersOf(v.Newest), tree{"secret": v.Secret})
		}
	}
	for _, name := range order {
		vault := byName[name]
		for _, id := range compactFold(readers[name]) {
			access := tree{"who": c.identityName(id), "role": "Key Vault Secrets User"}
			if vault["rbac"] == false {
				access = tree{"who": c.identityName(id), "secrets": []string{"get"}}
			}
			vault["access"] = append(vault["access"].([]any), access)
		}
		vaults = append(vaults, vault)
	}
	return vaults, identities
}

// identityName is how a world's file calls an identity.
func (c *copier) identityName(id string) string {
	parsed, err := cloud.ParseResourceID(id)
	if err != nil {
		return id
	}
	return parsed.ResourceGroup + "/" + parsed.Name
}

func vaultName(address string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(address), "https://"), ".")
	return name
}

// versionOf is a version as the world takes it: of a build its first two parts.
func versionOf(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + "." + parts[1]
}
