package rotation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Move is one listener going from one certificate entry to another, or staying
// at an entry that is a reference to Key Vault, to be looked up there again.
type Move struct {
	Listener string `json:"listener"`
	From     string `json:"from"`
	// FromLeaf is the SHA-256 fingerprint behind From, "" when nobody knows.
	FromLeaf string `json:"fromLeaf,omitempty"`
	To       string `json:"to"`
	ToLeaf   string `json:"toLeaf"`
	// Secret is what To refers to in Key Vault, "" when it holds the certificate
	// itself.
	Secret string `json:"secret,omitempty"`
	// Back is how to go back where From would not serve FromLeaf any more,
	// because it follows Key Vault and the gateway looks there at every write.
	Back *Back `json:"back,omitempty"`
}

// Back holds a listener at the version that was served before.
type Back struct {
	Entry string `json:"entry"`
	// Secret has a version, so that the gateway does not look for a newer one.
	Secret   string    `json:"secret"`
	NotAfter time.Time `json:"notAfter"`
}

// again tells whether the listener stays where it is. If that is a reference,
// the gateway looks again.
func (m Move) again() bool { return strings.EqualFold(m.From, m.To) }

// moves are the targets that are not reached yet.
func moves(state State, targets []target) (found []Move, warnings pki.Findings) {
	found = []Move{}
	for _, goes := range targets {
		now := state.now(goes.listener)
		move := Move{
			Listener: goes.listener.Name, From: goes.listener.Entry, FromLeaf: now.SHA256,
			To: goes.entry, ToLeaf: pki.Fingerprint(goes.bundle.Leaf), Secret: goes.secret,
		}
		if move.again() && move.FromLeaf == move.ToLeaf && (goes.secret == "" || state.staged(goes)) {
			continue
		}
		back, warning := wayBackOf(state, goes, now)
		move.Back = back
		if warning != nil {
			warnings = append(warnings, *warning)
		}
		found = append(found, move)
	}
	return found, warnings
}

// wayBackOf is how to go back to what a reference without a version gave. Any
// write makes the gateway look for a newer version, so such an entry serves what
// it served only as long as that is the newest.
func wayBackOf(state State, goes target, now pki.Description) (*Back, *pki.Finding) {
	in, ok := ParseInVault(goes.listener.KeyVaultSecretID)
	if !ok || in.Version != "" {
		return nil, nil
	}
	v, _ := state.vaulted(in)
	newest := v.readable() && pki.Fingerprint(v.chosen.Leaf) == now.SHA256
	if newest && !goes.into.is(in) {
		return nil, nil
	}
	if old, ok := v.holding(now.Thumbprint); ok {
		held := in.at(old.Version)
		return &Back{Entry: referenceName(backPrefix, held), Secret: held.SecretID(), NotAfter: old.NotAfter}, nil
	}
	return nil, &pki.Finding{
		Code: "no-way-back", Severity: pki.Warning,
		Sentence: fmt.Sprintf("which version of %s listener %s serves now is not known, or that version is disabled: if the proof fails, nothing can bring it back", in, goes.listener.Name),
		Mend:     "see that the version is enabled: cartouche certificates --vault " + in.vaultName() + " " + in.Name,
	}
}

// now is what a listener gives to clients, as Azure tells. Where Azure does not
// tell of a reference, what was seen counts if Key Vault has it.
func (s State) now(listener Listener) pki.Description {
	in, refers := ParseInVault(listener.KeyVaultSecretID)
	if listener.Leaf != nil {
		return *listener.Leaf
	}
	v, _ := s.vaulted(in.newest())
	for _, observation := range s.Wire {
		leaf := served(observation)
		if !refers || leaf == nil || !spotOf(observation).speaksForName() {
			continue
		}
		own := s.ListenersAt(observation)
		known := slices.ContainsFunc(v.Versions, func(version VaultVersion) bool { return strings.EqualFold(version.Thumbprint, pki.Thumbprint(leaf)) })
		if known && len(own) == 1 && own[0].Name == listener.Name {
			return pki.Describe(leaf)
		}
	}
	return pki.Description{}
}

// Import is a file becoming the newest version of a certificate in Key Vault.
type Import struct {
	InVault
	// New tells that there is no such certificate yet.
	New bool `json:"new,omitempty"`
}

// imports are those that moves need and that are not there yet, each once.
func imports(state State, targets []target, moves []Move) []Import {
	var found []Import
	for _, goes := range targets {
		known := slices.ContainsFunc(found, func(i Import) bool { return i.is(goes.into) })
		if state.staged(goes) || known || !goes.moves(moves) {
			continue
		}
		v, _ := state.vaulted(goes.into)
		found = append(found, Import{InVault: goes.into, New: v.missing()})
	}
	return found
}

// staged tells that Key Vault has what a target needs of it as the newest
// version: any other the gateway would take within hours.
func (s State) staged(goes target) bool {
	v, _ := s.vaulted(goes.into)
	return !goes.into.Named() || v.readable() && v.chosen.Enabled && v.chosen.Leaf.Equal(goes.bundle.Leaf)
}
