package app

import (
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// VerifyValue is the JSON of `verify`.
type VerifyValue struct {
	Deployment string         `json:"deployment"`
	OK         bool           `json:"ok"`
	Findings   pki.Findings   `json:"findings"`
	State      rotation.State `json:"state"`
}

// Verify judges what was observed against what is configured. The failure is nil
// when nothing is worse than a note.
func (p *Prepared) Verify(roots *pki.Roots) (VerifyValue, *Failure) {
	name := p.State.Deployment.Name
	list := rotation.Verify(p.State, roots, p.Session.app.Now()).WorstFirst()
	f := findingsFailure(name, list)
	return VerifyValue{Deployment: name, OK: f == nil, Findings: NotNull(list), State: p.State}, f
}
