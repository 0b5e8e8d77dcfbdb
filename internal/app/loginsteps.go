package app

import (
	"context"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/account"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// Kept is the sign-in that needs nobody: what the environment says, or what was
// kept of a person's. It is nil when there is none, or a person has to sign in again.
func (a *App) Kept(ctx context.Context) (*Login, error) {
	chosen, err := a.ChooseSignIn(ctx, SignInAsked{})
	if err != nil || chosen.Origin == ByDefault {
		return nil, err
	}
	l, err := a.NewLogin(chosen)
	if err != nil {
		return nil, err
	}
	if !chosen.Options.Kind.OfPerson() {
		err = l.SignIn(ctx)
	} else if chosen.Options.Tokens == nil {
		return nil, nil
	} else if err = l.Resume(ctx); cloud.NeedsPerson(err) {
		return nil, nil
	}
	if err == nil {
		_, err = l.FindTenant(ctx, false)
	}
	if err == nil {
		l.Scope, err = l.findSubscriptions(ctx, chosen.Subscriptions)
	}
	if err == nil && len(l.Scope.Subscriptions) > 0 {
		_, _ = l.FindSubscriptions(ctx) // for their names: nothing rests on them
	}
	return l, WhileServing(l.Instead(err), NothingChanged, "")
}

// Elsewhere is the same sign-in for another piece of work, which tells and asks
// elsewhere.
func (l *Login) Elsewhere(teller Teller, asked cloud.Asked) *Login {
	other := *l
	other.Session = l.With(teller)
	other.Choice.person = asked
	return &other
}

// FindTenant finds the tenants that know who signed in. ask tells that one of
// several has to be chosen; until then, and otherwise, it is the one that was
// said, or the one that was there, or the person's own. Anew it has to be chosen
// whatever was said.
func (l *Login) FindTenant(ctx context.Context, anew bool) (ask bool, err error) {
	if l.Tenants, err = l.Azure.Tenants(ctx); err != nil {
		return false, WhileServing(l.Instead(err), NothingChanged, "")
	}
	given := l.Choice.Options.TenantID
	if anew {
		given = ""
	}
	if len(l.Tenants) == 0 {
		l.Tenant = cloud.Tenant{ID: l.Identity.TenantID}
		return false, nil
	}
	if given != "" {
		if l.Tenant, err = TenantNamed(l.Tenants, given); err != nil {
			return false, Usage("cartouche account tenants lists them", "tenant %q: %s among the %d of this sign-in", given, err, len(l.Tenants))
		}
		return false, nil
	}
	taken := l.Tenants[0]
	for _, id := range []string{l.Identity.TenantID, l.Tenant.ID} {
		if found, err := TenantNamed(l.Tenants, id); id != "" && err == nil {
			taken = found
		}
	}
	l.Tenant = taken
	return len(l.Tenants) > 1, nil
}

// FindSubscriptions finds those of the tenant. ask tells that there is something
// to choose.
func (l *Login) FindSubscriptions(ctx context.Context) (ask bool, err error) {
	l.Subscriptions, err = l.Azure.Subscriptions(ctx)
	return len(l.Subscriptions) != 1, WhileServing(l.Instead(err), NothingChanged, "")
}

// LookIn makes the subscriptions with these ids those in which is looked, and
// gives them as they are remembered. None means all of the tenant, also those
// that come later.
func (l *Login) LookIn(ids []string) []account.Subscription {
	chosen := []account.Subscription{}
	l.Scope = deployment.Scope{}
	for _, id := range ids {
		at := slices.IndexFunc(l.Subscriptions, func(s cloud.Subscription) bool { return s.ID == id })
		if at >= 0 && !slices.Contains(l.Scope.Subscriptions, id) {
			chosen = append(chosen, account.Subscription{ID: id, Name: l.Subscriptions[at].Name})
			l.Scope.Subscriptions = append(l.Scope.Subscriptions, id)
		}
	}
	return chosen
}
