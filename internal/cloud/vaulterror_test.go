package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

func TestWhoIsKeptOutLearnsTheWayIn(t *testing.T) {
	const oid = "11111111-2222-3333-4444-555555555555"
	forbidden := func(inner, message string) string {
		return compact(t, map[string]any{"error": map[string]any{"code": "Forbidden", "message": message, "innererror": map[string]any{"code": inner}}})
	}
	for _, test := range []struct {
		body string
		want []string
	}{
		{forbidden("ForbiddenByPolicy", "The user, group or application 'appid=a;oid="+oid+";iss=https://sts.windows.net/x/' does not have certificates list permission on key vault 'entvault;location=westeurope'."),
			[]string{"az keyvault set-policy --name entvault --object-id " + oid + " --certificate-permissions get list"}},
		{forbidden("ForbiddenByRbac", "Caller is not authorized to perform action on resource.\r\nCaller: appid=a;oid="+oid+";iss=x\r\nAction: 'Microsoft.KeyVault/vaults/certificates/read'"),
			[]string{`az role assignment create --role "Key Vault Reader" --assignee ` + oid, "az keyvault show --name entvault"}},
		{forbidden("ForbiddenByFirewall", "Client address is not authorized and caller is not a trusted service.\r\nClient address: 203.0.113.7\r\nCaller: appid=a;oid="+oid),
			[]string{"network rules of vault entvault do not admit this computer", "az keyvault network-rule add --name entvault --ip-address 203.0.113.7"}},
		{forbidden("ForbiddenByFirewall", "no address is told"), []string{"--ip-address ADDRESS"}},
		{forbidden("ForbiddenByConnection", "Public network access is disabled and request is not from a trusted service nor via an approved private link."),
			[]string{"private endpoint"}},
	} {
		vault := newFakeVault(t)
		vault.on("GET /certificates", 403, test.body)
		_, err := vault.client().Certificates(t.Context())
		var e *Error
		if !errors.As(err, &e) || !IsForbidden(err) || !strings.Contains(err.Error(), "list certificates of vault entvault") {
			t.Fatalf("got %v", err)
		}
		for _, want := range test.want {
			if !strings.Contains(e.Hint, want) {
				t.Errorf("hint %q\nlacks %q", e.Hint, want)
			}
		}
	}
}

func TestAVaultOfAnotherTenantSaysWhich(t *testing.T) {
	vault := newFakeVault(t)
	vault.on("GET /certificates", 401, `{"error":{"code":"Unauthorized","message":"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/x/, found https://sts.windows.net/y/."}}`)
	_, err := vault.client().Certificates(t.Context())
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "--tenant "+vaultTenant) {
		t.Errorf("got %v, hint %q", err, e.Hint)
	}
}

func TestANameThatIsKnownInsideOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		lost := &http.Client{Transport: lostName{&asked}}
		c, err := NewVaultClient(Public(), vaultAddress, credential{}, Options{Client: lost})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Versions(t.Context(), "web")
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint, "private network only") {
			t.Errorf("got %v, hint %q", err, e.Hint)
		}
		if asked != 1 {
			t.Errorf("it was asked for %d times", asked)
		}
	})
}

type lostName struct{ asked *int }

func (l lostName) RoundTrip(r *http.Request) (*http.Response, error) {
	*l.asked++
	return nil, &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}
}

// The vault quotes all that it was sent, and the key that it has.
func TestNoErrorHoldsWhatIsSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bundle := newBundle(t, "gis.example.com")
		vault := newFakeVault(t)
		var secrets []string
		vault.on("GET /certificates/", 404, notThere)
		vault.on("GET /deletedcertificates/", 404, notThere)
		vault.on("GET /secrets/web/versions", 404, notThere)
		vault.mux.HandleFunc("POST /certificates/web/import", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			var sent struct{ Value, Pwd string }
			if err := json.Unmarshal(body, &sent); err != nil || sent.Value == "" || sent.Pwd == "" {
				t.Errorf("sent %v %v", sent, err)
			}
			secrets = append(secrets, sent.Value, sent.Pwd, token)
			answer(w, 400, compact(t, map[string]any{"error": map[string]any{"code": "BadParameter", "message": "cannot take " + sent.Pwd + " for " + sent.Value}}))
		})
		_, err := vault.client().Import(t.Context(), "web", bundle)
		if err == nil || len(secrets) == 0 {
			t.Fatalf("got %v", err)
		}
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), compact(t, err)} {
			for _, hidden := range secrets {
				if strings.Contains(text, hidden) || len(hidden) > 40 && strings.Contains(text, hidden[:40]) {
					t.Errorf("%q is in %q", hidden, text)
				}
			}
		}
		if vault.count("POST") != 1 || Uncertain(err) {
			t.Errorf("a refusal was sent %d times; uncertain: %t", vault.count("POST"), Uncertain(err))
		}
	})
}

func TestANameThatNoVaultTakes(t *testing.T) {
	vault := newFakeVault(t)
	for _, name := range []string{"", "gis_example", "../x", strings.Repeat("a", 128)} {
		if _, err := vault.client().Import(t.Context(), name, &pki.Bundle{}); err == nil || Uncertain(err) || len(vault.asked) != 0 {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
