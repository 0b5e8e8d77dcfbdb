package web

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheExamplesOfTheDocumentation runs the commands of docs/api.md, all but the
// one that starts the pages, against a server on a world.
func TestTheExamplesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the examples need %s: %v", tool, err)
		}
	}
	document, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	st := newRenewalStage(t, "ha")
	directory := t.TempDir()
	address, err := json.Marshal(map[string]string{"address": st.door.Address()})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"serve.json": address, "new.pfx": st.pfx(t, nil, "opens it"), "password.txt": []byte("opens it\n"),
		"siteadmin.txt": []byte(st.variables["CARTOUCHE_SITE_ADMIN_PASSWORD"] + "\n"),
	} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	blocks := examples(string(document))
	if len(blocks) < 7 || !strings.HasPrefix(blocks[0], "cartouche serve --no-browser --json > serve.json") {
		t.Fatalf("%d examples, the first is %s", len(blocks), blocks[0])
	}
	if admin := st.variables["CARTOUCHE_SITE_ADMIN"]; admin != "siteadmin" {
		t.Fatalf("the world calls siteadmin %s", admin)
	}
	// The world with a vault has other names than the examples.
	ofWorld := strings.NewReplacer("gis.example.com", st.world.Deployments()[0].Domain, "GIS Production", "Contoso GIS")
	said := ""
	for _, block := range blocks[1:] {
		command := exec.CommandContext(t.Context(), "bash", "-e", "-u", "-o", "pipefail", "-c", ofWorld.Replace(block))
		command.Dir = directory
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + directory}
		text, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v: %s", block, err, text)
		}
		said += fmt.Sprintf("%s\n", text)
	}
	for _, want := range []string{"days: " + st.world.Deployments()[0].Domain, "true", "event: done", "\ncreated\n", "\nfree\n", "\ninterrupted\n", "\nverified\n", "prove that every endpoint serves the new certificate", "\nverified, "} {
		if !strings.Contains(said, want) {
			t.Errorf("the examples do not say %q:\n%s", want, said)
		}
	}
	if n := strings.Count(said, "\nverified\n"); n != 2 {
		t.Errorf("%d runs were verified, want the renewal and its undo:\n%s", n, said)
	}
}

// examples are the indented blocks of a document.
func examples(document string) []string {
	var blocks []string
	in := false
	for row := range strings.SplitSeq(document, "\n") {
		text, indented := strings.CutPrefix(row, "    ")
		switch {
		case indented && in:
			blocks[len(blocks)-1] += "\n" + text
		case indented:
			blocks = append(blocks, text)
		}
		in = indented
	}
	return blocks
}
