package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Renewal is what is asked of a renewal: which certificate, and what may be passed over.
type Renewal struct {
	// Bundle is the certificate of a file, nil when there is none, and File what
	// the file is called.
	Bundle *pki.Bundle
	File   string
	Vault  InVault
	// Roots are more authorities that Portal and Server know.
	Roots []*x509.Certificate
	// AssumeTrusted accepts a chain to an authority that is not known, AllowOlder a
	// certificate that ends before the one that is served, AllowWeaker a shorter key.
	AssumeTrusted, AllowOlder, AllowWeaker bool
	Reach                                  Reach
	// NoLease goes on without claiming the deployment.
	NoLease bool
}

// Goal is what is asked for, as the engine takes it.
func (r Renewal) Goal(in cloud.Cloud, now time.Time) (rotation.Goal, error) {
	goal := rotation.Goal{
		Bundle: r.Bundle, File: r.File, Form: r.Vault.Form(), Identity: r.Vault.Identity, Now: now,
		AssumeTrusted: r.AssumeTrusted, AllowOlder: r.AllowOlder, AllowWeaker: r.AllowWeaker,
	}
	var err error
	goal.Vault, err = r.Vault.Named(in)
	return goal, err
}

// Prepare observes a deployment and makes the plan for it.
func (s *Session) Prepare(ctx context.Context, chosen deployment.Deployment, credentials rotation.Credentials, asked Renewal) (*Prepared, error) {
	if err := asked.Reach.Check(false); err != nil {
		return nil, err
	}
	if err := asked.Vault.Check(asked.Bundle != nil); err != nil {
		return nil, err
	}
	asked.Reach.Way = cmp.Or(asked.Reach.Way, ReachAuto)
	ready, err := s.planFor(ctx, chosen, credentials, asked, Unneeded)
	if err == nil && ready.Access.Way == nil && asked.Reach.Way == ReachAuto && ready.Plan.Findings.Has(RootNotKnown) && credentials.SiteAdmin != "" {
		// Only the machines can tell whether they know it, or be told.
		near, lost := s.planFor(ctx, chosen, credentials, asked, Wanted)
		if lost != nil || near.Access.Way != nil {
			return near, lost
		}
		ready.Access = near.Access
	}
	return ready, err
}

// RootNotKnown is the finding that a chain ends in an authority that nobody
// here knows.
const RootNotKnown = "root-not-known"

// planFor observes a deployment, with its machines as far as they are needed, and
// makes the plan for it.
func (s *Session) planFor(ctx context.Context, chosen deployment.Deployment, credentials rotation.Credentials, asked Renewal, machines Need) (*Prepared, error) {
	goal, err := asked.Goal(s.In, s.app.Now())
	if err != nil {
		return nil, err
	}
	ready := &Prepared{Session: s, Credentials: credentials, Runner: s.Runner(credentials)}
	ready.Access, err = s.OpenWay(ctx, chosen, credentials, asked.Reach, machines)
	if err != nil {
		return nil, err
	}
	WithMachines(ready.Runner, ready.Access, asked.Reach)
	s.Changes = true
	ready.State, err = s.Observe(ctx, ready.Runner, chosen, rotation.Asked{Certificate: goal.Vault, Identity: goal.Identity, Claim: !asked.NoLease})
	if err != nil {
		return nil, err
	}
	goal.Roots = s.Roots.With(asked.Roots...)
	unchanged := Serving(ready.State) + "; nothing was changed"
	if goal.Bundle == nil && !goal.Vault.Named() && !ready.State.Follows() {
		return nil, WhileServing(Usage("cartouche plan "+CallDeployment(chosen)+" --pfx FILE",
			"say which certificate: --pfx FILE, or --vault VAULT --certificate NAME (no listener follows Key Vault by itself)"), unchanged, "")
	}
	complete := func(bundle *pki.Bundle) *pki.Bundle { return Complete(ctx, s.Network, goal.Roots, bundle) }
	if goal.Bundle != nil {
		goal.Bundle = complete(goal.Bundle)
	}
	ready.Goal, err = ready.Runner.Resolve(ctx, ready.State, goal, complete)
	if err == nil {
		ready.Plan, err = rotation.NewPlan(ready.State, ready.Goal)
	}
	return ready, WhileServing(err, unchanged, "")
}
