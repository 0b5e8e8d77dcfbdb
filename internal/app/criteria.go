package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Criteria is what certificates are judged by: the names of a deployment, when one
// is named, and what it serves now.
func (s *Session) Criteria(ctx context.Context, forWhat string, roots *pki.Roots) (pki.Criteria, error) {
	criteria := pki.Criteria{Now: s.app.Now(), Roots: roots}
	if forWhat == "" {
		return criteria, nil
	}
	found, err := s.Find(ctx)
	if err != nil {
		return criteria, err
	}
	chosen, err := deployment.Select(found.Deployments, forWhat)
	if err != nil {
		return criteria, WhileServing(err, NothingChanged, "")
	}
	return s.CriteriaOf(chosen, Renewal{}, roots), nil
}

// CriteriaOf are those for a deployment that was chosen, as far as a renewal is
// strict. The plan judges again, by what is observed.
func (s *Session) CriteriaOf(chosen deployment.Deployment, asked Renewal, roots *pki.Roots) pki.Criteria {
	criteria := pki.Criteria{
		Now: s.app.Now(), Roots: roots.With(asked.Roots...), Names: chosen.Names(),
		AssumeTrusted: asked.AssumeTrusted, AllowOlder: asked.AllowOlder, AllowWeaker: asked.AllowWeaker,
	}
	if served := chosen.Served(); len(served) == 1 && len(served[0].Chain) > 0 {
		criteria.Serving = served[0].Chain[0]
	}
	return criteria
}

// JudgeFile judges a certificate that was read from a file, its chain completed:
// the error is a [rotation.RefusedError] with everything that speaks against it.
func (s *Session) JudgeFile(ctx context.Context, bundle *pki.Bundle, criteria pki.Criteria) (pki.Judgement, error) {
	judgement := pki.Judge(Complete(ctx, s.Network, criteria.Roots, bundle), criteria)
	if refused := refusals(judgement.Findings); len(refused) > 0 {
		return judgement, WhileServing(&rotation.RefusedError{Findings: refused}, NothingChanged, "")
	}
	return judgement, nil
}

// Complete fetches the intermediates that a file lacks.
func Complete(ctx context.Context, network *egress.Network, roots *pki.Roots, bundle *pki.Bundle) *pki.Bundle {
	completed, _ := pki.Complete(ctx, bundle, pki.AIA{Transport: network.Transport(), Roots: roots})
	return completed
}
