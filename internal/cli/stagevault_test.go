package cli_test

import (
	"crypto/tls"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// renewInVault makes a .pfx file the newest version of a certificate in a vault,
// as somebody else's renewal: VAULT NAME FILE.
func renewInVault(ts *testscript.TestScript, _ bool, args []string) {
	bundle, err := pki.ReadPFX([]byte(ts.ReadFile(args[2])), secret.New(strings.TrimSpace(ts.ReadFile(args[2]+".password"))))
	ts.Check(err)
	pair := tls.Certificate{PrivateKey: bundle.Key, Certificate: [][]byte{bundle.Leaf.Raw}}
	for _, intermediate := range bundle.Intermediates {
		pair.Certificate = append(pair.Certificate, intermediate.Raw)
	}
	_, err = onStage(ts).world.Vault().Put(args[0], args[1], vault.Seed{Pair: pair})
	ts.Check(err)
}

// checkVersions counts the versions of a certificate in a vault and sets VERSION
// to the newest, FIRST to the oldest: VAULT NAME [COUNT].
func checkVersions(ts *testscript.TestScript, _ bool, args []string) {
	versions := onStage(ts).world.Vault().Versions(args[0], args[1]) // oldest first
	if len(args) > 2 && strconv.Itoa(len(versions)) != args[2] {
		ts.Fatalf("%s has %d versions, want %s", args[1], len(versions), args[2])
	}
	if len(versions) > 0 {
		ts.Setenv("FIRST", versions[0])
		ts.Setenv("VERSION", versions[len(versions)-1])
	}
}
