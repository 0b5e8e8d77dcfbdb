package rotation

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Access is what the caller may do where, as Azure told it.
type Access struct {
	// Caller is the object id of who is signed in, "" when it is not known.
	Caller string
	// Places are the resources that a rotation touches, each with its answers.
	Places []Place
	// Locks are those that hold on the gateway.
	Locks []cloud.Lock
	// LocksUnread says why they are not known, "" when they are.
	LocksUnread string
}

// Place is a resource and what the caller may do with it. Azure has counted in
// what is granted on its group and its subscription.
type Place struct {
	Scope       string
	Permissions cloud.Permissions
	// Vault is set for a vault: there access policies may decide instead of roles.
	Vault   *cloud.Vault
	Denials []cloud.DenyAssignment
	// PermissionsUnread and DenialsUnread say why they are not known.
	PermissionsUnread string
	DenialsUnread     string
}

// at finds a place by its id.
func (a Access) at(scope string) (Place, bool) {
	for _, place := range a.Places {
		if cloud.SameID(place.Scope, scope) {
			return place, true
		}
	}
	return Place{}, false
}

// observeAccess asks for the caller's rights at each scope, side by side. What
// cannot be read is said in the answer: nothing of it is needed for looking.
func (r *Runner) observeAccess(ctx context.Context, gatewayID string, scopes []string) Access {
	var access Access // each request owns its own fields
	var group errgroup.Group
	group.Go(func() error {
		caller, err := r.Azure.CallerID(ctx)
		if err == nil {
			access.Caller = caller
		}
		return nil
	})
	group.Go(func() error {
		locks, err := r.Azure.Locks(ctx, gatewayID)
		access.Locks, access.LocksUnread = locks, trouble(err)
		return nil
	})
	group.Go(func() error {
		access.Places = r.observePlaces(ctx, scopes)
		return nil
	})
	_ = group.Wait() // troubles are in the answers
	return access
}

// observePlaces asks for the caller's rights at each scope.
func (r *Runner) observePlaces(ctx context.Context, scopes []string) []Place {
	places := make([]Place, len(scopes))
	var group errgroup.Group
	group.SetLimit(8)
	for i, scope := range scopes {
		place := &places[i]
		place.Scope = scope
		group.Go(func() error {
			permissions, err := r.Azure.Permissions(ctx, scope)
			place.Permissions, place.PermissionsUnread = permissions, trouble(err)
			return nil
		})
		group.Go(func() error {
			denials, err := r.Azure.DenyAssignments(ctx, scope)
			place.Denials, place.DenialsUnread = denials, trouble(err)
			return nil
		})
		if id, err := cloud.ParseResourceID(scope); err != nil || !strings.EqualFold(id.Type, "Microsoft.KeyVault/vaults") {
			continue
		}
		group.Go(func() error {
			if vault, err := r.Azure.Vault(ctx, scope); err == nil {
				place.Vault = &vault
			}
			return nil
		})
	}
	_ = group.Wait() // troubles are in the answers
	return places
}
