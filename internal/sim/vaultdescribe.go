package sim

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
