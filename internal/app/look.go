package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Looking is how machines are treated by who looks.
type Looking struct {
	Reach Reach
	When  When
	// Changes tells that what is looked at is going to be changed.
	Changes bool
	// NoLease leaves out what claiming the deployment takes.
	NoLease bool
}

// When says when machines are looked at although no way was named.
type When int

// The times to look at machines.
const (
	Never When = iota
	// Nearby is where they can be dialled from here: that runs nothing on them
	// and writes nothing anywhere.
	Nearby
	// WithLogin is by whatever way is open, with the site administrator's login.
	WithLogin
)

func (l Looking) need(credentials rotation.Credentials) Need {
	switch {
	case l.When == Nearby:
		return IfNear
	case l.When == Never || credentials.SiteAdmin == "":
		return Unneeded
	}
	return Wanted
}

// Look observes a deployment. What is prepared has no plan and no goal yet.
func (s *Session) Look(ctx context.Context, chosen deployment.Deployment, credentials rotation.Credentials, at Looking) (*Prepared, error) {
	if err := at.Reach.Check(true); err != nil {
		return nil, err
	}
	seen := &Prepared{Session: s, Credentials: credentials, Runner: s.Runner(credentials)}
	s.Changes = at.Changes
	var err error
	seen.Access, err = s.OpenWay(ctx, chosen, credentials, at.Reach, at.need(credentials))
	if err != nil {
		return nil, err
	}
	WithMachines(seen.Runner, seen.Access, at.Reach)
	seen.State, err = s.Observe(ctx, seen.Runner, chosen, rotation.Asked{Claim: !at.NoLease})
	return seen, err
}
