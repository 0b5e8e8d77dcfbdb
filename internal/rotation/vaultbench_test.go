package rotation_test

import (
	"fmt"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

const (
	entvault = "https://entvault.vault.azure.net"
	// followed is the certificate in entvault that the tests make the listener follow.
	followed = "live"
)

// newVaultBench is a bench in the world that has vaults.
func newVaultBench(t testing.TB) *bench {
	b := newBench(t, sim.Options{World: "ha"})
	b.goal.Bundle, b.goal.File = nil, ""
	b.pristine = b.get()
	return b
}

// issue makes a certificate for the deployment.
func (b *bench) issue() *authority.Issued {
	b.t.Helper()
	issued, err := b.world.Authority().Issue(authority.Spec{Names: b.found.Names(), Key: "p256"})
	if err != nil {
		b.t.Fatal(err)
	}
	return issued
}

// renew makes a certificate the newest version in the vault, behind our back.
func (b *bench) renew(issued *authority.Issued) {
	b.t.Helper()
	if _, err := b.world.Vault().Put("entvault", followed, vault.Seed{Pair: issued.TLS()}); err != nil {
		b.t.Fatal(err)
	}
}

// follow makes the listener follow the vault, as a person would do with az, and
// gives the fingerprint of what is served then.
func (b *bench) follow(version string) string {
	b.t.Helper()
	issued := b.issue()
	b.renew(issued)
	name := "followed"
	if version == "newest" {
		versions := b.world.Vault().Versions("entvault", followed) // oldest first
		name, version = "fixed"+fmt.Sprint(len(versions)), "/"+versions[len(versions)-1]
	}
	b.refer(name, followed+version)
	return pki.Fingerprint(issued.Leaf)
}

// refer points the listener to an entry that refers to a secret of the vault.
func (b *bench) refer(name, to string) {
	b.t.Helper()
	gateway, err := cloud.ParseGateway(b.get())
	if err != nil {
		b.t.Fatal(err)
	}
	listeners := []string{gateway.HTTPSListeners()[0].Name}
	document, err := gateway.WithReference(name, entvault+"/secrets/"+to, listeners)
	if _, exists := gateway.Certificate(name); exists {
		document, err = gateway.PointListeners(name, listeners)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	document["identity"] = map[string]any{"type": "UserAssigned", "userAssignedIdentities": map[string]any{b.world.Identities()[0].ID: map[string]any{}}}
	b.put(document)
	b.waitUntilServed(b.get())
}

// entry is what the listener points to.
func (b *bench) entry() (name, secretID string) {
	b.t.Helper()
	listener := b.observe().Listeners[0]
	return listener.Entry, listener.KeyVaultSecretID
}

// fromFile is a goal with a new file.
func (b *bench) fromFile() *authority.Issued {
	issued := b.issue()
	b.goal.Bundle = &pki.Bundle{Leaf: issued.Leaf, Key: issued.Key, Intermediates: issued.Chain[:1]}
	b.goal.File = "new.pfx"
	return issued
}

// fromVault is a goal with a certificate in the vault.
func (b *bench) fromVault(name string) {
	b.goal.Bundle, b.goal.File = nil, ""
	b.goal.Vault = rotation.InVault{Vault: entvault, Name: name}
}
