package cloud

import (
	"fmt"
	"net/url"
	"strings"
)

// SplitSecretID takes the identifier of a secret or certificate in a Key Vault
// apart: https://v.vault.azure.net/secrets/n, with a version behind it or
// without (then version is ""). Host and kind may be in any case, the end may
// be a slash, and /certificates/ is taken as well. vaultURI is in lower case
// and has no slash at its end; name and version keep their case.
func SplitSecretID(id string) (vaultURI, name, version string, err error) {
	refused := fmt.Errorf("%q is not the identifier of a secret in a Key Vault", clean(id, 200))
	address, parseErr := url.Parse(strings.TrimSpace(id))
	if parseErr != nil || !strings.EqualFold(address.Scheme, "https") || address.Host == "" || address.User != nil ||
		address.Opaque != "" || address.RawQuery != "" || address.ForceQuery || address.Fragment != "" {
		return "", "", "", refused
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(address.EscapedPath(), "/"), "/"), "/")
	if len(parts) < 2 || len(parts) > 3 || !IsVaultName(parts[1]) ||
		!strings.EqualFold(parts[0], "secrets") && !strings.EqualFold(parts[0], "certificates") {
		return "", "", "", refused
	}
	if len(parts) == 3 {
		if version = parts[2]; !IsVaultName(version) {
			return "", "", "", refused
		}
	}
	host := strings.ToLower(address.Host)
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.:") != "" {
		return "", "", "", refused
	}
	return "https://" + host, parts[1], version, nil
}

// IsVaultName tells whether a text can be the name of a certificate or secret,
// or a version. Source: "Object identifiers" of about-keys-secrets-certificates:
// 1 to 127 characters of 0-9, a-z, A-Z and -.
func IsVaultName(text string) bool {
	return len(text) >= 1 && len(text) <= 127 &&
		strings.Trim(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// VaultAddress is the address of a vault by whatever people call it: its name,
// its resource id, or its address as it is.
func VaultAddress(in Cloud, vault string) (string, error) {
	vault = strings.TrimSpace(vault)
	name := vault
	switch {
	case strings.Contains(vault, "://"):
		address := strings.ToLower(strings.TrimRight(vault, "/")) // NewVaultClient looks whose it is
		if uri, _, _, err := SplitSecretID(vault); err == nil {
			return "", fmt.Errorf("%q is something in a vault; the vault is %s", clean(vault, 200), uri)
		}
		return address, nil
	case strings.HasPrefix(vault, "/"):
		id, err := ParseResourceID(vault)
		if err != nil || !strings.EqualFold(id.Type, "Microsoft.KeyVault/vaults") {
			return "", fmt.Errorf("%q is not the resource id of a key vault", clean(vault, 200))
		}
		name = id.Name
	case strings.HasSuffix(strings.ToLower(vault), "."+in.VaultSuffix):
		name = vault[:len(vault)-len(in.VaultSuffix)-1]
	}
	if !IsVaultName(name) {
		return "", fmt.Errorf("%q is neither the name of a key vault, nor its address or resource id", clean(vault, 200))
	}
	return "https://" + strings.ToLower(name) + "." + in.VaultSuffix, nil
}
