package app

import (
	"cmp"
	"context"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// LogIn signs in as asked, and goes on with then. Who asks for a way of persons, or
// for none, means to sign in as one. See LogInAs for hint.
func (a *App) LogIn(ctx context.Context, asked SignInAsked, hint string, then func(context.Context, *Login) error) error {
	chosen, err := a.ChooseSignIn(ctx, asked)
	if err != nil {
		return err
	}
	if chosen.Options.Kind.OfPerson() || chosen.Origin == ByLogin || chosen.Origin == ByDefault {
		chosen = a.PersonFirst(asked, chosen)
	}
	return a.LogInAs(ctx, chosen, hint, then)
}

// LogInAs signs in as chosen, and goes on with then. When either fails, no tokens are
// left behind, and hint is what helps when nothing better is known.
func (a *App) LogInAs(ctx context.Context, chosen Choice, hint string, then func(context.Context, *Login) error) error {
	l, err := a.NewLogin(chosen)
	if err != nil {
		return err
	}
	if err = l.SignIn(ctx); err == nil {
		err = then(ctx, l)
	}
	if err != nil {
		l.TakeBack(ctx)
		return WhileServing(l.Instead(err), NothingChanged, hint)
	}
	return nil
}

// Questions are asked where there is something to choose. What is nil is not asked:
// nobody is there.
type Questions struct {
	// Tenant chooses one of the login's tenants; its tenant is the one that is taken
	// by whoever does not mind.
	Tenant func(context.Context, *Login) (cloud.Tenant, error)
	// Subscriptions chooses some of the login's by their ids; none means all of them.
	Subscriptions func(context.Context, *Login) ([]string, error)
}

// GoWhereAsked goes into the tenant and the subscriptions that were asked for, else
// into those that somebody chooses, else into the person's own tenant, and all of its
// subscriptions. It gives the ids of those that were named.
func (l *Login) GoWhereAsked(ctx context.Context, questions Questions) (subscriptions []string, err error) {
	several, err := l.FindTenant(ctx, false)
	switch {
	case err != nil:
		return nil, err
	case several && questions.Tenant != nil:
		if l.Tenant, err = questions.Tenant(ctx, l); err != nil {
			return nil, err
		}
	case several:
		l.app.warn(fmt.Sprintf("%d tenants know %s; taken is %s; --tenant takes another", len(l.Tenants), l.Identity.Name, TenantTitle(l.Tenant)))
	}
	if err := l.EnterTenant(ctx, l.Tenant); err != nil {
		return nil, err
	}
	if _, err := l.FindSubscriptions(ctx); err != nil {
		return nil, err
	}
	if len(l.Subscriptions) == 0 {
		l.app.warn("there is no subscription in tenant " + TenantTitle(l.Tenant) + " that this sign-in may see; another tenant may have some: --tenant")
	}
	if given := l.Choice.Subscriptions; len(given) > 0 || len(l.Subscriptions) < 2 || questions.Subscriptions == nil {
		return MatchSubscriptions(l.Subscriptions, given)
	}
	return questions.Subscriptions(ctx, l)
}

// GoElsewhere goes with the same sign-in into another tenant, or stays where it is
// when that is "", and into subscriptions by id or name: all when none is named. It
// gives the ids of those that were named.
func (l *Login) GoElsewhere(ctx context.Context, tenant string, subscriptions []string) ([]string, error) {
	l.Choice.Options.TenantID, l.Choice.Subscriptions = cmp.Or(tenant, l.Tenant.ID), subscriptions
	ids, err := l.GoWhereAsked(ctx, Questions{})
	return ids, WhileServing(l.Instead(err), NothingChanged, "")
}

// Fits refuses what a way of signing in would pass over in silence: given tells which
// proofs there are, by what they are called.
func Fits(kind cloud.SignInKind, given func(proof string) bool) error {
	for _, proof := range []struct {
		name string
		of   cloud.SignInKind
	}{
		{"client-secret-file", cloud.ServicePrincipal}, {"client-secret", cloud.ServicePrincipal},
		{"client-certificate", cloud.ServicePrincipal}, {"client-certificate-password-file", cloud.ServicePrincipal}, {"client-certificate-password", cloud.ServicePrincipal},
		{"managed-identity-client-id", cloud.ManagedIdentity}, {"client-id", cloud.ServicePrincipal},
	} {
		if given(proof.name) && kind != proof.of {
			return Usage("--sign-in "+string(proof.of)+", or leave --"+proof.name+" out", "--%s is for --sign-in %s only", proof.name, proof.of)
		}
	}
	if (given("client-secret-file") || given("client-secret")) && given("client-certificate") {
		return Usage("choose one", "--client-secret-file and --client-certificate exclude each other")
	}
	return nil
}
