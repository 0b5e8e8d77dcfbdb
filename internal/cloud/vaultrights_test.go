package cloud

import "testing"

func TestAccessPoliciesAndDataActions(t *testing.T) {
	v := Vault{Name: "oldvault", Policies: []VaultPolicy{
		{ObjectID: "AAAA", Certificates: []string{"get", "list"}, Secrets: []string{"get"}},
		{ObjectID: "bbbb", Certificates: []string{"all"}},
		{ObjectID: "cccc", Certificates: []string{"get"}},
	}}
	for _, test := range []struct {
		who, action string
		want        bool
	}{
		{"aaaa", ReadCertificates, true},
		{"aaaa", ReadSecret, true},
		{"aaaa", ImportCertificate, false},
		{"bbbb", ImportCertificate, true},
		{"bbbb", ReadSecret, false},
		{"cccc", ReadCertificates, false}, // reading versions takes list, too
		{"bbbb", "Microsoft.KeyVault/vaults/certificates/purge/action", false},
	} {
		if got := v.PolicyAllowsData(test.who, test.action); got != test.want {
			t.Errorf("%s, %s: %t, want %t", test.who, test.action, got, test.want)
		}
	}
	got := v.SetPolicyCommand("aaaa", []string{ReadCertificates, ImportCertificate, ReadSecret})
	want := "az keyvault set-policy --name oldvault --object-id aaaa --certificate-permissions get list import --secret-permissions get"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	v.Name = "x;reboot"
	if got := v.SetPolicyCommand("$(reboot)", nil); got != "az keyvault set-policy --name 'x;reboot' --object-id '$(reboot)'" {
		t.Errorf("got %s", got)
	}
}
