package rotation

import (
	"slices"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// managed says what becomes of the moves where another program writes the
// gateway as well. It writes whole documents, so an entry that it does not know
// loses its listeners at its next write; one that stays is as it wants it.
func managed(state State, moves []Move) pki.Findings {
	managers := state.Gateway.Managers()
	if by := state.Deployment.ManagedBy; by != "" {
		managers = append(managers, by)
	}
	stays := !slices.ContainsFunc(moves, func(m Move) bool { return !m.again() })
	var found pki.Findings
	for _, manager := range managers {
		finding := pki.Finding{
			Code: "managed-elsewhere", Severity: pki.Warning,
			Sentence: "the gateway is also managed by " + manager + ", which may put the old certificate back",
			Mend:     "renew the certificate there too",
		}
		switch secret := newReference(moves); {
		case stays:
			finding.Severity, finding.Mend = pki.Note, ""
			finding.Sentence = "the gateway is also managed by " + manager + "; what it wrote stays as it is, so it has nothing to put back"
		case secret != "":
			finding.Sentence = "the gateway is also managed by " + manager + ", which will put its own reference to Key Vault back"
			finding.Mend = "before it runs again, give it the new reference: " + secret
		}
		found = append(found, finding)
	}
	if state.Deployment.ManagedBy != "" {
		found = append(found, inlined(state, moves)...)
	}
	return found
}

// newReference is what the moves refer to in Key Vault, "" when nothing.
func newReference(moves []Move) string {
	for _, move := range moves {
		if move.Secret != "" && !move.again() {
			return move.Secret
		}
	}
	return ""
}

// inlined refuses to replace a reference by a copy where Terraform is known to
// hold the reference: at its next run the old certificate would come back.
func inlined(state State, moves []Move) pki.Findings {
	for _, move := range moves {
		refers := slices.ContainsFunc(state.Listeners, func(l Listener) bool { return l.Name == move.Listener && l.KeyVaultSecretID != "" })
		if move.Secret == "" && refers && !move.again() {
			return pki.Findings{{
				Code: "managed-reference", Severity: pki.Refusal,
				Sentence: "listener " + move.Listener + " takes its certificate from Key Vault because " + state.Deployment.ManagedBy + " says so; a copy on the gateway would be undone at its next run",
				Mend:     "leave --inline out: the certificate goes into the vault, and the reference stays",
			}}
		}
	}
	return nil
}
