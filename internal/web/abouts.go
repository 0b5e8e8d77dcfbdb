package web

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// about is a finding as the pages show it.
type about struct {
	pki.Finding
	// Kind is that of a notice, Word says it.
	Kind, Word string
	// Here leads to the page of the wizard where it is mended, which is Step; "" when
	// that is on none of them.
	Here string
	Step wizard.Step
	rank int
}

// abouts make findings fit to be shown.
func abouts(list pki.Findings) []about {
	var shown []about
	for _, f := range list {
		f.Sentence = pages.Capital(f.Sentence)
		a := about{Finding: f, Kind: "info", Word: "Note", rank: 2}
		switch f.Severity {
		case pki.Refusal:
			a.Kind, a.Word, a.rank = "error", "In the way", 0
		case pki.Warning:
			a.Kind, a.Word, a.rank = "warning", "Warning", 1
		}
		if a.Step = stepFor(f.Mend); a.Step != "" {
			a.Here = "Go to “" + a.Step.Title() + "”"
		}
		a.Mend = pages.InPages(f.Mend)
		shown = append(shown, a)
	}
	return shown
}

// steps are the pages of the wizard where what a mend names is said. More choices
// are on that of the certificate.
var steps = []struct {
	step  wizard.Step
	names []string
}{
	{wizard.Certificate, []string{"--allow-", "--roots", "--assume-trusted", "--reference", "--inline", "--identity", "--vault", "--version", "--pfx", "--no-lease", "--reach"}},
	{wizard.Credentials, []string{"--site-admin", "--service-account", "--without-portal", "--machine-ca", "-pfx-password-file"}},
	{wizard.Deployment, []string{"--name"}},
}

// stepFor is the page of the wizard where what a mend names is said, "" when there
// is none. Commands of Azure have flags of the same names.
func stepFor(mend string) wizard.Step {
	ours, _, _ := strings.Cut(" "+mend, " az ")
	for _, page := range steps {
		for _, name := range page.names {
			if strings.Contains(ours, name) {
				return page.step
			}
		}
	}
	return ""
}
