package cli

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// upload shows what will be put where, beside what is there now.
func (u *ui) upload(up *app.Upload, now time.Time) {
	value, name := up.Value, up.Name
	what := map[string]string{
		app.UploadCreated:   "a new certificate",
		app.UploadVersion:   "a new version; policy and tags stay",
		app.UploadRecovered: "it was deleted: it is recovered, and gets a new version",
		app.UploadUnchanged: "nothing: the file is its newest version already",
	}[value.Outcome]
	u.say(title(name), faint(" in vault "), value.Vault, faint(": "), what)
	if value.Outcome == app.UploadUnchanged {
		return
	}
	after := pki.Describe(up.Bundle.Leaf)
	var before *pki.Description
	if up.There.Leaf != nil {
		described := pki.Describe(up.There.Leaf)
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
func (u *ui) uploaded(value app.UploadValue) {
	if value.Outcome != app.UploadUnchanged {
		u.say(u.outStyle.tick(), " version ", value.Certificate.Version, " of ", title(value.Certificate.Name), " is in vault ", value.Vault)
	}
	u.fields(field{"a gateway follows", words(value.Certificate.Follow)})
}
