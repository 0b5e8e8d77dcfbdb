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
	// Here says where in the pages it is mended, "" when it is not; Step is the
	// page of the wizard where that is.
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
		for _, flag := range inPages {
			if strings.Contains(f.Mend, flag.name) {
				a.Here, a.Step = flag.words, flag.step
				break
			}
		}
		shown = append(shown, a)
	}
	return shown
}

// inPages says where in the wizard the flags are that a mend names.
var inPages = []struct {
	name, words string
	step        wizard.Step
}{
	{"--allow-older", "Under “More choices”: accept a certificate that ends earlier.", wizard.Certificate},
	{"--allow-weaker", "Under “More choices”: accept a shorter key.", wizard.Certificate},
	{"--roots", "Under “More choices”: name a file with the authorities, or say that the machines know them already.", wizard.Certificate},
	{"--assume-trusted", "Under “More choices”: all machines know the authority already.", wizard.Certificate},
	{"--reference", "Under “More choices”: the gateway refers to Key Vault.", wizard.Certificate},
	{"--inline", "Under “More choices”: the gateway holds the certificate itself.", wizard.Certificate},
	{"--identity", "Under “More choices”: name the identity.", wizard.Certificate},
	{"--vault", "Choose the certificate from Key Vault.", wizard.Certificate},
	{"--pfx", "Choose a file.", wizard.Certificate},
	{"--no-lease", "Under “More choices”: go on without a claim.", wizard.Certificate},
	{"--reach", "Under “More choices”: choose how the machines are reached.", wizard.Certificate},
	{"--site-admin", "Give the site administrator’s login.", wizard.Credentials},
	{"--without-portal", "Go on without Portal.", wizard.Credentials},
	{"--name", "Give the names that users type with the deployment.", wizard.Deployment},
}
