package strangers

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAzureCLIAtMachines has azure-cli run scripts in both forms of Run Command,
// list extensions, and send and fetch blobs. Nothing stands in for anything.
func TestAzureCLIAtMachines(t *testing.T) {
	needs(t, "az")
	needsCommands(t)
	if testing.Short() {
		t.Skip("az takes a second or two for each call")
	}
	t.Parallel()
	w := startWorldNamed(t, "gitops", "--run-scripts", "--scale", "300")
	signInToAzure(t, w)
	machine := w.Deployments[0].Machines[0].ID
	group, name := strings.Split(machine, "/")[4], machine[strings.LastIndex(machine, "/")+1:]
	az := func(args ...string) result {
		t.Helper()
		return w.run(t, "az", append(args, "--output", "json")...).ends(t, 0)
	}
	command := func(verb string, args ...string) result {
		t.Helper()
		return az(append([]string{"vm", "run-command", verb, "--resource-group", group, "--vm-name", name}, args...)...)
	}

	// The older form, as azure-cli's own help has it.
	type status struct{ Code, Message string }
	invoked := reads[struct{ Value []status }](t, az("vm", "run-command", "invoke", "--resource-group", group, "--name", name,
		"--command-id", "RunShellScript", "--scripts", `echo "$1 $2"`, "echo trouble >&2", "--parameters", "hello", "world"))
	if want := (status{"ProvisioningState/succeeded", "Enable succeeded: \n[stdout]\nhello world\n\n[stderr]\ntrouble\n"}); len(invoked.Value) != 1 || invoked.Value[0] != want {
		t.Errorf("az vm run-command invoke: %q, want %q", invoked.Value, want)
	}

	// The managed form. What is protected is told to nobody but the script.
	type ran struct {
		ProvisioningState   string
		Parameters          []struct{ Name, Value string }
		ProtectedParameters []any
		InstanceView        struct {
			ExecutionState, ExecutionMessage, Output, Error string
			ExitCode                                        int
		}
	}
	created := command("create", "--name", "stranger", "--script", `echo "$open ${#closed}"; exit 3`, "--parameters", "open=door", "--protected-parameters", "closed=sesame")
	if bytes.Contains(created.stdout, []byte("sesame")) {
		t.Errorf("a protected parameter is in the answer: %s", created.stdout)
	}
	shown := reads[ran](t, command("show", "--name", "stranger", "--instance-view"))
	if view := shown.InstanceView; view.ExecutionState != "Failed" || view.ExitCode != 3 || view.Output != "door 6\n" {
		t.Errorf("az vm run-command show: %+v", view)
	}
	if shown.ProvisioningState != "Succeeded" || len(shown.Parameters) != 1 || shown.ProtectedParameters != nil {
		t.Errorf("az vm run-command show: %+v", shown)
	}
	command("delete", "--name", "stranger", "--yes")
	if names := w.az(t, "vm", "run-command", "list", "--resource-group", group, "--vm-name", name, "--query", "[].name"); len(names) > 0 {
		t.Errorf("after az vm run-command delete: %q", names)
	}

	if extensions := w.az(t, "vm", "extension", "list", "--resource-group", group, "--vm-name", name, "--query", "[].name"); len(extensions) > 0 {
		t.Errorf("az vm extension list: %q on a machine without", extensions)
	}
	w.sendBlobs(t)
}

// sendBlobs does it with the account's key, which azure-cli fetches for itself.
func (w *world) sendBlobs(t *testing.T) {
	t.Helper()
	accounts := w.az(t, "storage", "account", "list", "--query", "[].name")
	if len(accounts) == 0 {
		t.Fatal("az storage account list: none")
	}
	// Larger than one block, so that azure-cli sends a list of blocks.
	sent, up, down := bytes.Repeat([]byte("stranger"), 9<<20/8), filepath.Join(w.home, "up"), filepath.Join(w.home, "down")
	if err := os.WriteFile(up, sent, 0o600); err != nil {
		t.Fatal(err)
	}
	storage := func(args ...string) result {
		t.Helper()
		return w.run(t, "az", append(append([]string{"storage"}, args...), "--account-name", accounts[0], "--only-show-errors", "--output", "json")...)
	}
	storage("container", "create", "--name", "strangers", "--auth-mode", "key").ends(t, 0)
	storage("blob", "upload", "--container-name", "strangers", "--name", "a folder/ä+b.bin", "--file", up, "--no-progress", "--auth-mode", "key").ends(t, 0)
	storage("blob", "download", "--container-name", "strangers", "--name", "a folder/ä+b.bin", "--file", down, "--no-progress", "--auth-mode", "key").ends(t, 0)
	if got := readFile(t, down); !bytes.Equal(got, sent) {
		t.Errorf("az storage blob download: %d bytes of %d, or others", len(got), len(sent))
	}
	// Contributor is about the account, not about what is in it.
	if refused := storage("blob", "list", "--container-name", "strangers", "--auth-mode", "login"); refused.status == 0 || !bytes.Contains(refused.stderr, []byte("Storage Blob Data")) {
		t.Errorf("az storage blob list without a role for data: status %d\n%s", refused.status, refused.stderr)
	}
}
