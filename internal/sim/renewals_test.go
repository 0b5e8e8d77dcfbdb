package sim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

func TestEveryNameOfAWorldHasARenewedCertificate(t *testing.T) {
	for world, names := range map[string][]string{
		"sites": {"imagery.example.com", "open.example.com"},
		"multi": {"www.example.net"}, // the shop is another team's
	} {
		t.Run(world, func(t *testing.T) {
			w, dir := start(t, sim.Options{World: world}), t.TempDir()
			if err := w.WriteDir(dir); err != nil {
				t.Fatal(err)
			}
			password, err := os.ReadFile(filepath.Join(dir, "new.pfx.password"))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := os.ReadFile(filepath.Join(dir, "world.json"))
			var described struct{ Renewals map[string]string }
			if err := json.Unmarshal(text, &described); err != nil || len(described.Renewals) != len(names) {
				t.Errorf("world.json has %v, %v", described.Renewals, err)
			}
			for _, name := range names {
				file, err := os.ReadFile(described.Renewals[name])
				if err != nil {
					t.Fatal(err)
				}
				_, leaf, _, err := pkcs12.DecodeChain(file, strings.TrimSpace(string(password)))
				if err != nil {
					t.Fatal(err)
				}
				if err := leaf.VerifyHostname(name); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
