package cloud

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAReferenceIsOneMoreEntry(t *testing.T) {
	g := parse(t, gatewayText(t))
	edited, err := g.WithReference("cartouche-kv-gis", "https://kv.vault.azure.net/secrets/gis", []string{"https"})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, change := range WithoutServerMade(Difference(g.Document(), edited)) {
		paths = append(paths, change.Path)
	}
	want := []string{"properties.httpListeners[https].properties.sslCertificate.id", "properties.sslCertificates[cartouche-kv-gis]"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("changed paths (-want +got):\n%s", diff)
	}
	after, err := ParseGateway(edited)
	if err != nil {
		t.Fatal(err)
	}
	entry, _ := after.Certificate("cartouche-kv-gis")
	listener, _ := after.Listener("https")
	if entry.KeyVaultSecretID != "https://kv.vault.azure.net/secrets/gis" || listener.CertificateName != "cartouche-kv-gis" {
		t.Errorf("entry %+v, listener points to %s", entry, listener.CertificateName)
	}
	if _, err := g.WithReference("x", "https://kv.vault.azure.net/keys/gis", nil); err == nil {
		t.Error("a key was taken for a secret")
	}
}

func TestAnIdentityIsAddedBesideTheOthers(t *testing.T) {
	const one, two = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/two"
	bare := `{"id":"` + gatewayID + `","properties":{}`
	for name, test := range map[string]struct {
		identity string
		kind     string
		ids      []string
	}{
		"none":            {``, "UserAssigned", []string{two}},
		"said to be none": {`,"identity":{"type":"None"}`, "UserAssigned", []string{two}},
		"another":         {`,"identity":{"type":"UserAssigned","userAssignedIdentities":{"` + one + `":{"principalId":"p"}}}`, "UserAssigned", []string{one, two}},
		"the same":        {`,"identity":{"type":"UserAssigned","userAssignedIdentities":{"` + two + `":{}}}`, "UserAssigned", []string{two}},
		"system-assigned": {`,"identity":{"type":"SystemAssigned","principalId":"p"}`, "SystemAssigned, UserAssigned", []string{two}},
	} {
		t.Run(name, func(t *testing.T) {
			edited, err := parse(t, bare+test.identity+"}").WithIdentity(two)
			if err != nil {
				t.Fatal(err)
			}
			after, err := ParseGateway(edited)
			if err != nil {
				t.Fatal(err)
			}
			if got := textAt(edited, "identity", "type"); got != test.kind {
				t.Errorf("type = %q, want %q", got, test.kind)
			}
			if diff := cmp.Diff(test.ids, after.IdentityIDs()); diff != "" {
				t.Errorf("identities (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := parse(t, bare+"}").WithIdentity(gatewayID); err == nil {
		t.Error("a gateway was taken for an identity")
	}
}
