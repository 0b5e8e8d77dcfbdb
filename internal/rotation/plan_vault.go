package rotation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

func equalID(a, b string) bool { return cloud.SameID(a, b) }

// applyAgain is the command that makes listeners follow Key Vault again.
func applyAgain(state State) string {
	return state.Command("apply")
}

// isV2 tells whether the gateway is of the second generation: those of the
// first cannot read Key Vault.
// Source: Azure documentation, "TLS termination with Key Vault certificates".
func isV2(state State) bool {
	sku := strings.ToLower(state.Gateway.SKU())
	return sku == "" || strings.HasSuffix(sku, "_v2")
}

// vaultFindings are what is to be said of listeners and Key Vault at any time.
// About listeners that a plan moves, the plan says it.
func vaultFindings(state State, moves []Move) pki.Findings {
	var found pki.Findings
	for _, listener := range state.Listeners {
		in, refers := ParseInVault(listener.KeyVaultSecretID)
		if !refers {
			continue
		}
		v, _ := state.vaulted(in.newest())
		if in.Version == "" {
			found = append(found, disabledNewest(v)...) // the next look may be that of our write
		}
		if slices.ContainsFunc(moves, func(m Move) bool { return m.Listener == listener.Name }) {
			continue
		}
		if v.Trouble != "" {
			found = append(found, vaultUnread(v, pki.Note))
		}
		if _, may := v.reader(func(r Reader) bool { return state.Gateway.HasIdentity(r.Identity) }); in.Version == "" && len(v.Readers) > 0 && may == No {
			found = append(found, pki.Finding{
				Code: "identity-cannot-read", Severity: pki.Warning,
				Sentence: fmt.Sprintf("no identity of the gateway may read the secret of %s, so listener %s gets no renewal", in, listener.Name),
				Mend:     grant(v),
			})
		}
		now := state.now(listener)
		renewed := v.readable() && v.chosen.Enabled && now.SHA256 != "" && pki.Fingerprint(v.chosen.Leaf) != now.SHA256
		switch {
		case in.Version != "":
			pinned := pki.Finding{
				Code: "key-vault-pinned", Severity: pki.Note,
				Sentence: fmt.Sprintf("listener %s refers to a fixed version in Key Vault (%s), so it never follows a renewal there", listener.Name, listener.KeyVaultSecretID),
				Mend:     applyAgain(state) + " --reference",
			}
			if _, held := heldBack(listener.Entry, listener.KeyVaultSecretID); held {
				pinned.Sentence = fmt.Sprintf("listener %s is held at %s since a run was taken back", listener.Name, listener.KeyVaultSecretID)
				pinned.Mend = applyAgain(state)
			}
			if renewed {
				pinned.Severity = pki.Warning
				pinned.Sentence += fmt.Sprintf("; there is a newer version, valid until %s", v.chosen.Leaf.NotAfter.UTC().Format("2 January 2006"))
			}
			found = append(found, pinned)
		case renewed:
			found = append(found, pki.Finding{
				Code: "key-vault-newer", Severity: pki.Warning,
				Sentence: fmt.Sprintf("%s was renewed (until %s), and listener %s does not serve that yet; gateways look every four hours, and at every write",
					in, v.chosen.Leaf.NotAfter.UTC().Format("2 January 2006"), listener.Name),
				Mend: applyAgain(state),
			})
		}
	}
	return dedupe(found)
}

// renewedMeanwhile refuses a write that is not about a renewal in Key Vault and
// would bring it all the same: the gateway looks at every write, and what was
// there before could not be proved to be there afterwards.
func renewedMeanwhile(state State, moves []Move) pki.Findings {
	found := slices.DeleteFunc(vaultFindings(state, moves), func(f pki.Finding) bool { return f.Code != "key-vault-newer" })
	for i := range found {
		found[i].Severity = pki.Refusal
		found[i].Sentence += ": this write would bring it, unproved"
		found[i].Mend = "take it over first: " + found[i].Mend
	}
	return found
}

// disabledNewest warns of a certificate whose newest version is disabled.
// Microsoft's pages disagree about it: by one the gateway takes the newest
// enabled version, by others ("Understanding disabled listeners", the error
// SecretDisabled) a disabled certificate disables the listener.
func disabledNewest(v Vaulted) pki.Findings {
	if len(v.Versions) == 0 || v.Versions[0].Enabled {
		return nil
	}
	return pki.Findings{{
		Code: "key-vault-newest-disabled", Severity: pki.Warning,
		Sentence: fmt.Sprintf("the newest version of %s is disabled: at its next look the gateway may disable the listeners that follow it", v.InVault),
		Mend:     "enable it, or import the right certificate as a new version",
	}}
}

func vaultUnread(v Vaulted, severity pki.Severity) pki.Finding {
	finding := pki.Finding{
		Code: "key-vault-unread", Severity: severity,
		Sentence: fmt.Sprintf("%s could not be read: %s", v.InVault, v.Trouble),
	}
	if failed, ok := v.trouble.(*cloud.Error); ok {
		finding.Mend = failed.Hint
	}
	return finding
}

// whoSeesTheKey says what becomes of the private key.
func whoSeesTheKey(state State, goal Goal, targets []target) string {
	reference := slices.ContainsFunc(targets, func(goes target) bool { return goes.secret != "" })
	plain := slices.ContainsFunc(targets, func(goes target) bool {
		in, _ := ParseInVault(goes.secret)
		v, _ := state.vaulted(in)
		return v.chosen.Kind == cloud.VaultKindSecret
	})
	switch {
	case goal.blind() && plain:
		return "stays in Key Vault; a plain secret is opened here to see which certificate is in it"
	case goal.blind():
		return "stays in Key Vault; it is not read"
	case goal.File == "":
		return "is read from Key Vault and copied to the gateway"
	case reference:
		return "goes from the file into Key Vault, where the gateway reads it"
	}
	return "goes from the file to the gateway"
}

// vaultAccess judges whether the gateway can read what listeners are to refer to, and
// says which identity it needs for that.
func vaultAccess(state State, goal Goal, targets []target, moves []Move) (found pki.Findings, identity string) {
	if len(moves) > 0 && goal.Vault.Named() && goal.form(state) == FormInline && goal.Form == FormFitting {
		v, _ := state.vaulted(goal.Vault)
		found = append(found, pki.Finding{
			Code: "copied-to-gateway", Severity: pki.Warning,
			Sentence: fmt.Sprintf("the gateway may not read %s, or that is not known, so it gets a copy with the key, which follows no renewal", v.InVault),
			Mend:     grant(v),
		})
	}
	if goal.Form == FormReference && !goal.Vault.Named() && slices.ContainsFunc(targets, func(goes target) bool { return goes.secret == "" }) {
		found = append(found, pki.Finding{
			Code: "reference-without-vault", Severity: pki.Refusal,
			Sentence: "a reference needs a certificate in Key Vault, and none was named",
			Mend:     "--vault VAULT --certificate NAME says which; with --pfx the file is imported there",
		})
	}
	for _, goes := range targets {
		in, refers := ParseInVault(goes.secret)
		if !refers || !goes.moves(moves) {
			continue
		}
		v, _ := state.vaulted(in)
		if !isV2(state) {
			found = append(found, pki.Finding{
				Code: "reference-unsupported", Severity: pki.Refusal,
				Sentence: fmt.Sprintf("a gateway of the first generation (%s) cannot read Key Vault", state.Gateway.SKU()),
				Mend:     "--inline copies the certificate to the gateway",
			})
		}
		reader, may := goal.reader(state, v)
		if may == Yes && !state.Gateway.HasIdentity(reader.Identity) {
			identity = reader.Identity
			if own := state.Gateway.IdentityIDs(); len(own) > 0 {
				found = append(found, pki.Finding{
					Code: "second-identity", Severity: pki.Warning,
					Sentence: fmt.Sprintf("the gateway has the identity %s already; that it reads Key Vault with a second one is not documented", lastPart(own[0])),
					Mend:     "let the one that it has read the vault, and leave --identity out: " + grant(v.of(own[0])),
				})
			}
		}
		if may != Unknown || !strings.EqualFold(goes.entry, goes.listener.Entry) { // an entry that is in use has been read
			found = append(found, accessFinding(v, reader, may)...)
		}
		if in.Version != "" {
			found = append(found, pki.Finding{
				Code: "version-pinned", Severity: pki.Warning,
				Sentence: "--version makes the listeners keep to this version; they will not follow a renewal",
				Mend:     "leave --version out to follow the newest",
			})
		}
	}
	return dedupe(found), identity
}

// accessFinding is a refusal when the gateway may not read a secret, a warning
// when nobody can tell.
func accessFinding(v Vaulted, reader Reader, may Knowledge) pki.Findings {
	switch may {
	case Yes:
		found := pki.Findings{}
		if v.Closed {
			found = append(found, pki.Finding{
				Code: "key-vault-closed", Severity: pki.Note,
				Sentence: fmt.Sprintf("the vault %s can be reached from %s; the gateway must be among them", v.vaultName(), v.Network),
			})
		}
		return found
	case Unknown:
		return pki.Findings{{
			Code: "identity-unknown", Severity: pki.Warning,
			Sentence: fmt.Sprintf("whether the identity %s may read %s is not known: %s", lastPart(reader.Identity), v.InVault, reader.Why),
			Mend:     "if it may not, the change fails and is taken back; ask for Reader on the vault to know beforehand",
		}}
	}
	sentence := fmt.Sprintf("no identity of the gateway may read the secret of %s", v.InVault)
	if len(v.Readers) == 0 {
		sentence = fmt.Sprintf("the gateway has no identity with which it could read %s", v.InVault)
	}
	return pki.Findings{{Code: "identity-cannot-read", Severity: pki.Refusal, Sentence: sentence, Mend: grant(v)}}
}

// grant is how the gateway is let in.
func grant(v Vaulted) string {
	principal, assign := "PRINCIPAL-ID", ""
	for _, reader := range v.Readers {
		if reader.Principal != "" {
			principal = reader.Principal
		}
	}
	if len(v.Readers) == 0 {
		assign = "name a user-assigned identity with --identity ID, and let it read: "
	}
	if v.VaultID != "" && !v.Roles {
		return assign + fmt.Sprintf("az keyvault set-policy --name %s --object-id %s --secret-permissions get", v.vaultName(), cloud.ShellWord(principal))
	}
	scope := v.VaultID
	if scope == "" {
		scope = "VAULT-ID"
	}
	return assign + fmt.Sprintf(`az role assignment create --role "Key Vault Secrets User" --assignee-object-id %s --assignee-principal-type ServicePrincipal --scope %s`, cloud.ShellWord(principal), cloud.ShellWord(scope))
}

func lastPart(id string) string { return id[strings.LastIndex(id, "/")+1:] }
