package rotation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// target is where a listener is to go.
type target struct {
	listener Listener
	// entry is the sslCertificates entry, and secret what it refers to in Key
	// Vault, "" when it holds the certificate itself.
	entry  string
	secret string
	// bundle is what is to be served.
	bundle *pki.Bundle
	// into is the certificate in Key Vault that the bundle becomes the newest
	// version of first, where it is not that already.
	into InVault
}

// moves tells whether the target's listener is among those that move.
func (goes target) moves(moves []Move) bool {
	return slices.ContainsFunc(moves, func(m Move) bool { return m.Listener == goes.listener.Name })
}

// targets decides for each listener. A listener for which there is nothing to
// do has none; what keeps another from having one is a finding.
func targets(state State, goal Goal) (found []target, obstacles pki.Findings) {
	for _, listener := range state.Listeners {
		var goes *target
		var obstacle *pki.Finding
		switch {
		case goal.Vault.Named():
			goes = toNamed(state, goal, listener)
		case goal.Bundle != nil:
			goes, obstacle = toFile(state, goal, listener)
		default:
			goes, obstacle = toNewest(state, goal, listener)
		}
		if goes != nil {
			found = append(found, *goes)
		}
		if obstacle != nil {
			obstacles = append(obstacles, *obstacle)
		}
	}
	return found, obstacles
}

// toNamed is for a certificate in Key Vault that was named.
func toNamed(state State, goal Goal, listener Listener) *target {
	if goal.form(state) == FormInline {
		goes := inline(goal, listener)
		if goal.File != "" {
			goes.into = goal.Vault.newest()
		}
		return goes
	}
	now, refers := ParseInVault(listener.KeyVaultSecretID)
	// What serves it already is good as it is, unless it is held in another way
	// than was asked for.
	otherwise := refers && (now.newest().is(goal.Vault.newest()) || now.Version == "" && goal.Vault.Version != "")
	if goal.Form == FormFitting && goal.File == "" && listener.fingerprint() == pki.Fingerprint(goal.Bundle.Leaf) && !otherwise {
		return &target{listener: listener, entry: listener.Entry, secret: listener.KeyVaultSecretID, bundle: goal.Bundle}
	}
	goes := reference(state, goal.Vault, listener, goal.Bundle)
	if goal.File != "" {
		goes.into = goal.Vault.newest()
	}
	return goes
}

// toFile is for a file: a listener that follows Key Vault goes on following it.
func toFile(state State, goal Goal, listener Listener) (*target, *pki.Finding) {
	in, refers := ParseInVault(listener.KeyVaultSecretID)
	if held, ok := heldBack(listener.Entry, listener.KeyVaultSecretID); ok {
		in = held
	}
	switch {
	case !refers || goal.Form == FormInline:
		return inline(goal, listener), nil
	case in.Version != "" && goal.Form != FormReference:
		return nil, &pki.Finding{
			Code: "file-cuts-link", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("listener %s takes its certificate from Key Vault, by a fixed version (%s); a file would cut that link", listener.Name, listener.KeyVaultSecretID),
			Mend:     "--reference imports the file there and makes the listener follow the newest version; --inline cuts the link",
		}
	}
	v, _ := state.vaulted(in.newest())
	if v.Trouble != "" {
		found := vaultUnread(v, pki.Refusal)
		return nil, &found
	}
	goes := reference(state, in.newest(), listener, goal.Bundle)
	goes.into = in.newest()
	return goes, nil
}

// toNewest is for no certificate at all: what listeners follow is to be served.
func toNewest(state State, goal Goal, listener Listener) (*target, *pki.Finding) {
	in, refers := ParseInVault(listener.KeyVaultSecretID)
	if held, ok := heldBack(listener.Entry, listener.KeyVaultSecretID); ok {
		in = held
	}
	if !refers || in.Version != "" && goal.Form != FormReference {
		return nil, nil
	}
	for _, k := range goal.kept {
		if k.is(in.newest()) {
			return reference(state, in.newest(), listener, k.bundle), nil
		}
	}
	v, _ := state.vaulted(in.newest())
	found := vaultUnread(v, pki.Refusal)
	return nil, &found
}

// inline is the target of a certificate that is on the gateway itself. An entry
// that already holds the very leaf, under whatever name, is good as it is.
func inline(goal Goal, listener Listener) *target {
	goes := &target{listener: listener, entry: EntryName(goal.Bundle), bundle: goal.Bundle}
	if listener.fingerprint() == pki.Fingerprint(goal.Bundle.Leaf) && (goal.Form != FormInline || listener.KeyVaultSecretID == "") {
		goes.entry, goes.secret = listener.Entry, listener.KeyVaultSecretID
	}
	return goes
}

// reference is the target of a certificate that stays in Key Vault. The entry
// is one that refers to it already: the listener's own before any other.
func reference(state State, in InVault, listener Listener, bundle *pki.Bundle) *target {
	goes := &target{listener: listener, entry: referenceName(vaultPrefix, in), secret: in.SecretID(), bundle: bundle}
	for _, entry := range state.Gateway.Certificates() {
		refers, ok := ParseInVault(entry.KeyVaultSecretID)
		if !ok || !refers.is(in) {
			continue
		}
		own := strings.EqualFold(entry.Name, listener.Entry)
		if goes.entry, goes.secret = entry.Name, entry.KeyVaultSecretID; own {
			break
		}
	}
	return goes
}

// EntryName is the name of the sslCertificates entry for a certificate that is
// on the gateway itself. It follows from the certificate alone, so that a second
// run finds what the first one made; the date is when the certificate begins,
// for people who look at the gateway in the portal.
func EntryName(bundle *pki.Bundle) string {
	return entryPrefix + bundle.Leaf.NotBefore.UTC().Format("20060102") + "-" + pki.Fingerprint(bundle.Leaf)[:8]
}
