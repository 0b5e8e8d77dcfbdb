package cli

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// upload shows what will be put where, beside what is there now.
func (u *ui) upload(value uploadValue, there cloud.VaultCertificate, name string, bundle *pki.Bundle, now time.Time) {
	what := map[string]string{
		uploadCreated:   "a new certificate",
		uploadVersion:   "a new version; policy and tags stay",
		uploadRecovered: "it was deleted: it is recovered, and gets a new version",
		uploadUnchanged: "nothing: the file is its newest version already",
	}[value.Outcome]
	u.say(title(name), faint(" in vault "), value.Vault, faint(": "), what)
	if value.Outcome == uploadUnchanged {
		return
	}
	after := pki.Describe(bundle.Leaf)
	var before *pki.Description
	if there.Leaf != nil {
		described := pki.Describe(there.Leaf)
		before = &described
	}
	u.certificatePair(before, &after, now)
	if before != nil && after.NotAfter.Before(before.NotAfter) {
		u.item(caution("!"), "it ends before the version that is there, and gateways that follow ", title(name), " will take it")
	}
	if len(value.Findings) > 0 {
		u.sayFindings(value.Findings)
	}
}

// uploaded says what came of it, and what to type next.
func (u *ui) uploaded(value uploadValue) {
	if value.Outcome != uploadUnchanged {
		u.say(u.outStyle.tick(), " version ", value.Certificate.Version, " of ", title(value.Certificate.Name), " is in vault ", value.Vault)
	}
	u.fields(field{"a gateway follows", words(value.Certificate.Follow)})
}
