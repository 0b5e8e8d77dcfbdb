package app

import (
	"context"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// UnlockValue is the JSON of `unlock`.
type UnlockValue struct {
	// Outcome is broken; free, when nobody had claimed the deployment; or claimed, when
	// it was only looked who has.
	Outcome    string        `json:"outcome"`
	Deployment string        `json:"deployment"`
	Gateway    string        `json:"gateway"`
	Claims     []lease.Claim `json:"claims"`
}

// Unlocking is who works on a deployment, whose claim can be broken.
type Unlocking struct {
	Value   UnlockValue
	Name    string // as the deployment is typed
	session *Session
	site    lease.Site
}

// PrepareUnlock finds who has claimed a deployment.
func (s *Session) PrepareUnlock(ctx context.Context, d deployment.Deployment) (*Unlocking, error) {
	if d.GatewayID == "" {
		return nil, WhileServing(&Failure{Code: "cannot-update", Message: d.Name + ": " + d.CannotUpdate, Exit: ExitPreflight}, NothingChanged, "")
	}
	site := s.app.ClaimsOf(s.Runner(rotation.Credentials{}), d.GatewayID)
	claims, err := site.Claims(ctx)
	if err != nil {
		return nil, WhileServing(s.Instead(err), NothingChanged, "")
	}
	value := UnlockValue{Outcome: "claimed", Deployment: d.Name, Gateway: d.GatewayID, Claims: claims}
	if len(claims) == 0 {
		value.Outcome, value.Claims = "free", []lease.Claim{}
	}
	return &Unlocking{Value: value, Name: CallDeployment(d), session: s, site: site}, nil
}

// Only leaves the claim of one run, so that no other one is broken.
func (u *Unlocking) Only(run string) error {
	i := slices.IndexFunc(u.Value.Claims, func(c lease.Claim) bool { return c.Run == run })
	if i < 0 {
		return &Failure{
			Code: "moved", Message: "no claim on " + u.Value.Deployment + " is called so: it has ended, was broken, or is another one by now",
			Hint: "look again who works on it: cartouche unlock " + u.Name, Serving: "as before", Exit: ExitPreflight,
		}
	}
	u.Value.Claims = u.Value.Claims[i : i+1 : i+1]
	return nil
}

// Break ends the claims that were found. Their runs find out before their next
// change, make none any more, and do not go back either.
func (u *Unlocking) Break(ctx context.Context) (UnlockValue, error) {
	me, err := u.session.app.Holder()
	if err != nil {
		return u.Value, err
	}
	if err := u.site.Break(ctx, me, u.Value.Claims); err != nil {
		return u.Value, WhileServing(u.session.Instead(err), "as before", "cartouche unlock "+u.Name)
	}
	u.Value.Outcome = "broken"
	return u.Value, nil
}
