package rotation_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// keyVaultTest is one of several, each in a world and a bubble of its own.
type keyVaultTest struct {
	name string
	run  func(*testing.T, *bench)
}

func TestKeyVault(t *testing.T) {
	inBubbles(t, []keyVaultTest{
		{"the key is not read", keyIsNotRead},
		{"without an identity", withoutAnIdentity},
		{"a role at the secret alone", roleAtTheSecret},
		{"a file goes where the listener follows", fileGoesWhereTheListenerFollows},
		{"a renewal is taken over in one write", renewalIsTakenOver},
		{"something newer waits in the vault", somethingNewerWaits},
		{"a .pfx kept as a plain secret", plainSecret},
		{"Ctrl-C after the import", interruptedImport},
		{"what was imported is followed", followedImport},
		{"killed, and the write fails", killedAndFailed},
	})
}

func inBubbles(t *testing.T, tests []keyVaultTest) {
	t.Parallel()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			worldtest.InBubble(t, func(t *testing.T) { test.run(t, newVaultBench(t)) })
		})
	}
}

// The gateway gets the identity and the reference in one write, and our own
// sign-in, which may not read a secret here, never needs to.
func keyIsNotRead(t *testing.T, b *bench) {
	old := b.served()
	b.fromVault("maps")
	b.goal.Identity, b.goal.Form = b.world.Identities()[0].ID, rotation.FormReference
	b.fault("forbidden@vault-secret*1000")
	observer := b.watch()

	result := b.rotate(t.Context())

	renewed := b.served()
	observer.onlyServed(t, old, renewed)
	if result.Outcome != rotation.Verified || renewed == old {
		t.Fatalf("outcome %s (%s)", result.Outcome, result.Failure)
	}
	if writes := b.world.Ground().Ledger.Count(ground.GatewayWrite); writes != 1 || result.GatewayWrites != 1 { // it is the first of the world
		t.Errorf("%d writes, we say %d, want 1", writes, result.GatewayWrites)
	}
	if _, secret := b.entry(); secret != entvault+"/secrets/maps" {
		t.Errorf("the listener refers to %q", secret)
	}
	if again := b.rotate(t.Context()); again.Outcome != rotation.NothingToDo {
		t.Errorf("again: %s (%s)", again.Outcome, again.Failure)
	}
}

// Without an identity that may read the vault the key is copied, and with
// --reference nothing happens.
func withoutAnIdentity(t *testing.T, b *bench) {
	b.fromVault("maps")
	b.goal.Form = rotation.FormReference
	state := b.observe()
	var blocked *rotation.BlockedError
	if err := b.plan(state).Ready(); !errors.As(err, &blocked) || !blocked.Obstacles.Has("identity-cannot-read") {
		t.Fatalf("Ready() = %v, want that nobody can read", err)
	}

	b.fromVault("maps")
	b.goal.Form = rotation.FormFitting
	result := b.rotate(t.Context())
	if result.Outcome != rotation.Verified {
		t.Fatalf("outcome %s (%s)", result.Outcome, result.Failure)
	}
	if name, secret := b.entry(); secret != "" || !strings.HasPrefix(name, "cartouche-2") {
		t.Errorf("the listener is at %s (%q), want a copy", name, secret)
	}
}

// The identity may be let in to one secret and not to the vault.
func roleAtTheSecret(t *testing.T, b *bench) {
	grants := b.world.Grants()
	defer b.world.Manager().SetGrants(grants...)
	may := func(scope string) rotation.Knowledge {
		principal := b.world.Identities()[0].PrincipalID
		own := slices.DeleteFunc(slices.Clone(grants), func(g arm.Grant) bool { return g.Principal == principal })
		if scope != "" {
			own = append(own, arm.RoleGrant(principal, scope, "Key Vault Secrets User"))
		}
		b.world.Manager().SetGrants(own...)
		b.fromVault("maps")
		b.goal.Identity = b.world.Identities()[0].ID
		return b.observe().Vaulted[0].Readers[0].May
	}
	vault := b.world.Vaults()[0].ID
	for scope, want := range map[string]rotation.Knowledge{
		"": rotation.No, vault: rotation.Yes, vault + "/secrets/maps": rotation.Yes, vault + "/secrets/shop": rotation.No,
	} {
		if got := may(scope); got != want {
			t.Errorf("a role at %q: %s, want %s", scope, got, want)
		}
	}
}

// A file does not cut the link: it becomes the newest version of what the
// listener follows. Undo holds the listener at the version of before, and the
// next plan lets it follow again.
func fileGoesWhereTheListenerFollows(t *testing.T, b *bench) {
	old := b.follow("")
	entry, _ := b.entry()
	renewed := pki.Fingerprint(b.fromFile().Leaf)
	observer := b.watch()

	result := b.rotate(t.Context())
	observer.onlyServed(t, old, renewed)
	if result.Outcome != rotation.Verified || b.served() != renewed {
		t.Fatalf("outcome %s (%s)", result.Outcome, result.Failure)
	}
	if name, secret := b.entry(); name != entry || secret != entvault+"/secrets/"+followed {
		t.Errorf("the listener is at %s (%s) now, was at %s", name, secret, entry)
	}
	if versions := b.world.Vault().Versions("entvault", followed); len(versions) != 2 {
		t.Errorf("the certificate has %d versions, want 2", len(versions))
	}

	undo, undone := b.takeBack(result.RunID)
	if undone.Outcome != rotation.Verified || b.served() != old || undo.Certificate.SHA256 != old {
		t.Fatalf("undo: %s (%s), the plan says %s", undone.Outcome, undone.Failure, undo.Certificate.SHA256)
	}
	if _, secret := b.entry(); !strings.Contains(secret, followed+"/") {
		t.Errorf("after undo the listener refers to %s, want a version", secret)
	}

	b.goal.Bundle, b.goal.File = nil, ""
	again := b.rotate(t.Context())
	if name, _ := b.entry(); again.Outcome != rotation.Verified || b.served() != renewed || name != entry {
		t.Errorf("again: %s (%s), the listener is at %s", again.Outcome, again.Failure, name)
	}
}

func renewalIsTakenOver(t *testing.T, b *bench) {
	old := b.follow("")
	before := b.get()
	newest := b.issue()
	b.renew(newest)
	if state := b.observe(); !state.Obstacles.Has("key-vault-newer") {
		t.Errorf("what was seen does not tell of the renewal: %v", state.Obstacles)
	}
	writes := b.world.Ground().Ledger.Count(ground.GatewayWrite)
	observer := b.watch()

	result := b.rotate(t.Context())

	observer.onlyServed(t, old, pki.Fingerprint(newest.Leaf))
	if result.Outcome != rotation.Verified || b.served() != pki.Fingerprint(newest.Leaf) {
		t.Fatalf("outcome %s (%s)", result.Outcome, result.Failure)
	}
	if more := b.world.Ground().Ledger.Count(ground.GatewayWrite) - writes; more != 1 {
		t.Errorf("%d writes, want 1", more)
	}
	if changes := anybodys(before, b.get()); len(changes) > 0 {
		t.Errorf("the document changed: %v", changes)
	}

	// A fixed version does not follow; it is told, and freed when asked.
	b.follow("newest")
	b.renew(b.issue())
	state := b.observe()
	if plan := b.plan(state); !plan.NothingToDo() || !plan.Obstacles.Has("key-vault-pinned") {
		t.Errorf("moves %v, obstacles %v; want that the fixed version is told", plan.Moves, plan.Obstacles)
	}
	b.goal.Form = rotation.FormReference
	if freed := b.rotate(t.Context()); freed.Outcome != rotation.Verified {
		t.Errorf("freed: %s (%s)", freed.Outcome, freed.Failure)
	}
	if _, secret := b.entry(); secret != entvault+"/secrets/"+followed {
		t.Errorf("the listener refers to %s, want no version", secret)
	}
}

// The file is served already, but the vault has something newer, which the
// gateway would take within hours: the file becomes the newest again.
func somethingNewerWaits(t *testing.T, b *bench) {
	b.follow("")
	old := b.fromFile()
	b.renew(old)
	if err := b.world.Advance(t.Context(), 5*time.Hour); err != nil {
		t.Fatal(err)
	}
	b.waitUntilServed(b.get())
	b.renew(b.issue())
	if got := b.served(); got != pki.Fingerprint(old.Leaf) {
		t.Fatalf("%s is served, want the file's", got)
	}

	result := b.rotate(t.Context())

	if result.Outcome != rotation.Verified || result.GatewayWrites != 0 {
		t.Errorf("outcome %s with %d writes (%s), want none", result.Outcome, result.GatewayWrites, result.Failure)
	}
	if err := b.world.Advance(t.Context(), 5*time.Hour); err != nil {
		t.Fatal(err)
	}
	b.waitUntilServed(b.get())
	if got := b.served(); got != pki.Fingerprint(old.Leaf) {
		t.Errorf("after the gateway's own look %s is served, want the file's", got)
	}
}

// No list tells which certificate a version of a plain secret is; it is opened
// for that, or there were no way back.
func plainSecret(t *testing.T, b *bench) {
	keep := func() string {
		issued := b.issue()
		pfx, err := issued.PFX("")
		if err != nil {
			t.Fatal(err)
		}
		seed := vault.Seed{Value: base64.StdEncoding.EncodeToString(pfx), ContentType: "application/x-pkcs12"}
		if _, err := b.world.Vault().Put("entvault", "by-hand", seed); err != nil {
			t.Fatal(err)
		}
		return pki.Fingerprint(issued.Leaf)
	}
	old := keep()
	b.refer("plain", "by-hand")
	renewed := keep()

	b.fault("forbidden@vault-secret*1000") // who may not open it knows nothing
	if _, err := b.runner.Resolve(t.Context(), b.observe(), b.goal, b.complete); err == nil {
		t.Error("a secret that cannot be opened is rolled out")
	}
	b.world.Ground().Faults.Clear()

	if key := b.plan(b.observe()).Key; !strings.Contains(key, "is opened here") {
		t.Errorf("key: %q, want that the secret is opened", key)
	}
	b.fault("wrong-leaf@edge")
	if failed := b.rotate(t.Context()); failed.Outcome != rotation.Restored || b.served() != old {
		t.Errorf("a proof that failed: %s (%s; %v), want restored", failed.Outcome, failed.Failure, failed.NotRestored)
	}
	b.world.Ground().Faults.Clear()
	if again := b.rotate(t.Context()); again.Outcome != rotation.Verified || b.served() != renewed {
		t.Errorf("again: %s (%s)", again.Outcome, again.Failure)
	}
	b.fromVault("by-hand")
	b.goal.Form = rotation.FormInline
	if plan := b.plan(b.observe()); plan.Findings.Has("base64-file") || plan.Refused() {
		t.Errorf("a copy on the gateway: findings %v; that a vault keeps base64 is none", plan.Findings)
	}
	b.goal.Vault, b.goal.Form = rotation.InVault{}, rotation.FormFitting
	b.fromFile()
	if plan := b.plan(b.observe()); !plan.Obstacles.Has("permission-missing") {
		t.Errorf("a file into the secret, without the right to write one: %v", plan.Obstacles)
	}
}
