package cli

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// The functions of this file say flags as they are typed, for the commands that
// the program shows. A password is never among them, only the file that holds it.

// flagWord is a flag with its value; without one it is not typed.
func flagWord(name, value string) string {
	if value == "" {
		return ""
	}
	return " --" + name + " " + app.Quote(value)
}

func flagWords(name string, values []string) string {
	var text strings.Builder
	for _, value := range values {
		text.WriteString(flagWord(name, value))
	}
	return text.String()
}

func switchWord(name string, set bool) string {
	if !set {
		return ""
	}
	return " --" + name
}

// words are the flags behind the deployment.
func (o rollOutOptions) words() string {
	return flagWord("pfx", o.pfx.file) + o.vault.words() + flagWord("password-file", o.pfx.passwordFile) +
		flagWords("roots", o.rootFiles) + switchWord("assume-trusted", o.assumeTrusted) +
		switchWord("allow-older", o.allowOlder) + switchWord("allow-weaker", o.allowWeaker) +
		o.internal.words() + o.reach.words() + o.site.words() + o.azure.words()
}

func (t target) words() string {
	if t.Gateway != "" {
		return app.Called("--gateway "+app.Quote(t.Gateway), t.Names)
	}
	return app.Called(app.Quote(t.Deployment), t.Names)
}

func (f siteFlags) words() string {
	return flagWord("site-admin", f.siteAdmin) + flagWord("site-admin-password-file", f.siteAdminPasswordFile) +
		switchWord("without-portal", f.withoutPortal) +
		flagWord("service-account", f.serviceAccount) + flagWord("service-account-password-file", f.serviceAccountPasswordFile)
}

func (f azureFlags) words() string {
	return flagWord("cloud", f.cloud) + flagWord("sign-in", f.signIn) + flagWord("tenant", f.tenant) + flagWords("subscription", f.subscriptions) +
		flagWord("client-secret-file", f.clientSecretFile) + flagWord("client-certificate", f.clientCertificate) +
		flagWord("client-certificate-password-file", f.clientCertificatePasswordFile) + flagWord("managed-identity-client-id", f.managedIdentity)
}
