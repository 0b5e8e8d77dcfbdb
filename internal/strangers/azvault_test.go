package strangers

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAzureCLIAndKeyVault imports a certificate with azure-cli, sees its
// versions, deletes it and gets it back. Debian's `az keyvault` is broken before
// any request, so `az rest` stands in for it.
func TestAzureCLIAndKeyVault(t *testing.T) {
	needs(t, "az")
	if testing.Short() {
		t.Skip("az takes a second or two for each call")
	}
	t.Parallel()
	w := startWorld(t)
	signInToAzure(t, w)
	const name = "stranger"
	body := w.importBody(t)

	type certificate struct {
		ID, SID, X5T string
		Tags         map[string]string
	}
	imported := reads[certificate](t, w.vault(t, "post", "/certificates/"+name+"/import", "@"+body).ends(t, 0))
	if !strings.HasPrefix(imported.SID, vault+"/secrets/"+name+"/") || imported.X5T == "" {
		t.Errorf("import: sid %q, x5t %q", imported.SID, imported.X5T)
	}
	w.vault(t, "post", "/certificates/"+name+"/import", "@"+body).ends(t, 0)
	type list struct{ Value []certificate }
	if versions := reads[list](t, w.vault(t, "get", "/certificates/"+name+"/versions", "").ends(t, 0)); len(versions.Value) != 2 {
		t.Errorf("%d versions, want 2", len(versions.Value))
	}

	w.vault(t, "delete", "/certificates/"+name, "").ends(t, 0)
	w.eventually(t, "get", "/deletedcertificates/"+name)
	refused := w.vault(t, "post", "/certificates/"+name+"/import", "@"+body)
	if refused.status == 0 || !strings.Contains(string(refused.stderr), "Conflict") {
		t.Errorf("import over a deleted name: status %d, want Conflict in:\n%s", refused.status, refused.stderr)
	}
	w.vault(t, "post", "/deletedcertificates/"+name+"/recover", "{}").ends(t, 0)
	w.eventually(t, "get", "/certificates/"+name+"/")
}

// vault is one in which the sign-in may do all of this.
const vault = "https://oldvault.vault.azure.net"

// importBody writes the request for an import into a file, since it holds the
// password of the certificate, which must not be an argument.
func (w *world) importBody(t *testing.T) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"value": base64.StdEncoding.EncodeToString(readFile(t, w.pfx())), "pwd": strings.TrimSpace(string(readFile(t, w.passwordFile()))),
		"policy": map[string]any{"secret_props": map[string]any{"contentType": "application/x-pkcs12"}}, "tags": map[string]string{"by": "a stranger"},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.home, "import.json")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// vault calls the data plane of the vault.
func (w *world) vault(t *testing.T, method, path, body string) result {
	t.Helper()
	args := []string{"rest", "--output", "json", "--method", method, "--url", vault + path + "?api-version=7.4", "--resource", "https://vault.azure.net"}
	if body != "" {
		args = append(args, "--body", body)
	}
	return w.run(t, "az", args...)
}

// eventually asks until the answer is good: deleting and recovering go on after
// they were accepted.
func (w *world) eventually(t *testing.T, method, path string) {
	t.Helper()
	for began := time.Now(); ; {
		answer := w.vault(t, method, path, "")
		if answer.status == 0 {
			return
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%s %s: still %s", method, path, answer.stderr)
		}
	}
}
