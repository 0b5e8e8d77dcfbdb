package rotation

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

func TestWhatTerraformWouldPutBack(t *testing.T) {
	const reference = "https://v.vault.azure.net/secrets/gis"
	for _, row := range []struct {
		name     string
		move     Move
		severity pki.Severity
		words    string
	}{
		{"the gateway looks again", Move{Listener: "a", From: "cert", To: "cert", Secret: reference}, pki.Note, "nothing to put back"},
		{"another reference", Move{Listener: "a", From: "cert", To: "cartouche-x", Secret: reference}, pki.Warning, "its own reference"},
		{"a copy", Move{Listener: "a", From: "cert", To: "cartouche-x"}, pki.Refusal, "would be undone"},
	} {
		t.Run(row.name, func(t *testing.T) {
			state := State{
				Gateway:    frontends(t, nil, public("a")),
				Deployment: deployment.Deployment{ManagedBy: "Terraform"},
				Listeners:  []Listener{{Name: "a", Entry: "cert", KeyVaultSecretID: reference + "/0123"}},
			}
			found := managed(state, []Move{row.move}).WorstFirst()
			if len(found) == 0 || found[0].Severity != row.severity || !strings.Contains(found[0].Sentence, row.words) {
				t.Errorf("found %+v, want a %s with %q", found, row.severity, row.words)
			}
			state.Deployment.ManagedBy = ""
			if found := managed(state, []Move{row.move}); len(found) != 0 {
				t.Errorf("found %+v where nobody else writes", found)
			}
		})
	}
}
