package cloud

import (
	"strings"
	"testing"
)

func TestSplitSecretID(t *testing.T) {
	const uri = "https://entvault.vault.azure.net"
	for _, test := range []struct{ id, name, version string }{
		{uri + "/secrets/web", "web", ""},
		{uri + "/secrets/web/", "web", ""},
		{uri + "/secrets/web/0123456789abcdef", "web", "0123456789abcdef"},
		{uri + "/secrets/web/0123456789abcdef/", "web", "0123456789abcdef"},
		{"HTTPS://EntVault.Vault.Azure.net/Secrets/Web", "Web", ""},
		{uri + "/certificates/web/0123", "web", "0123"},
	} {
		gotURI, name, version, err := SplitSecretID(test.id)
		if err != nil || gotURI != uri || name != test.name || version != test.version {
			t.Errorf("%s: got %q %q %q, %v", test.id, gotURI, name, version, err)
		}
	}
	for _, id := range []string{
		"", "web", "http://v.vault.azure.net/secrets/web", uri, uri + "/secrets", uri + "/secrets/", uri + "/keys/web", uri + "/secrets/web/1/2",
		uri + "/secrets/we b", uri + "/secrets/../web", uri + "/secrets/web?x=1", uri + "/secrets/web#x", "https://u:p@v.vault.azure.net/secrets/web",
		uri + "//secrets/web", uri + "/secrets/" + strings.Repeat("a", 128), uri + "/secrets/web%2Fx", "https:secrets/web",
	} {
		if gotURI, name, _, err := SplitSecretID(id); err == nil {
			t.Errorf("%q was taken for %q in %q", id, name, gotURI)
		}
	}
}

func FuzzSplitSecretID(f *testing.F) {
	for _, id := range []string{
		"https://v.vault.azure.net/secrets/n/0123", "https://V:443/Certificates/n/", "https://[::1]/secrets/n", "https://v/secrets/%6e", "\x00https://v/secrets/n",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		uri, name, version, err := SplitSecretID(id)
		if err != nil {
			if text := err.Error(); strings.ContainsAny(text, "\n\r") || len(text) > 300 {
				t.Errorf("not fit to be shown: %q", text)
			}
			return
		}
		if !IsVaultName(name) || version != "" && !IsVaultName(version) || uri != strings.ToLower(uri) || strings.HasSuffix(uri, "/") {
			t.Fatalf("%q became %q %q %q", id, uri, name, version)
		}
		// What it was taken for is written in one way only.
		again := strings.TrimSuffix(uri+"/secrets/"+name+"/"+version, "/")
		if uri2, name2, version2, err := SplitSecretID(again); err != nil || uri2 != uri || name2 != name || version2 != version {
			t.Errorf("%q: %q became %q %q %q, %v", id, again, uri2, name2, version2, err)
		}
	})
}

func TestVaultAddress(t *testing.T) {
	const want = "https://entvault.vault.azure.net"
	for _, vault := range []string{
		"entvault", " EntVault ", "entvault.vault.azure.net", want, want + "/", "HTTPS://ENTVAULT.vault.azure.net",
		"/subscriptions/s/resourcegroups/g/providers/microsoft.keyvault/VAULTS/EntVault",
	} {
		if got, err := VaultAddress(Public(), vault); got != want || err != nil {
			t.Errorf("%q: got %q, %v", vault, got, err)
		}
	}
	for _, vault := range []string{"", "ent vault", "a.b", want + "/secrets/gis", want + "/certificates/gis/v1", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/x", "/x"} {
		if got, err := VaultAddress(Public(), vault); err == nil {
			t.Errorf("%q became %q", vault, got)
		}
	}
}
