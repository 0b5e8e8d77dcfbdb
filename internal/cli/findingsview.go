package cli

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// severity is a severity as a sign.
func (p palette) severity(s pki.Severity) span {
	switch s {
	case pki.Refusal:
		return p.cross()
	case pki.Warning:
		return caution("!")
	}
	return faint(p.glyph("·", "-"))
}

// findings shows findings, each with its code and with what mends it; what mends
// the next one of the kind as well is told below the last.
func (u *ui) findings(list pki.Findings) {
	for i, finding := range list {
		u.item(u.outStyle.severity(finding.Severity), finding.Sentence, faint(" ["+finding.Code+"]"))
		again := i+1 < len(list) && list[i+1].Code == finding.Code && list[i+1].Mend == finding.Mend
		if finding.Mend != "" && !again {
			u.advice(u.out, u.outStyle, 4, "mend: ", finding.Mend)
		}
	}
}

// findingsOf shows findings about a deployment: the commands that mend them can
// be copied as they stand.
func (u *ui) findingsOf(d deployment.Deployment, list pki.Findings) {
	list = slices.Clone(list)
	for i := range list {
		list[i].Mend = strings.ReplaceAll(list[i].Mend, " DEPLOYMENT ", " "+app.CallDeployment(d)+" ")
	}
	u.findings(list)
}
