package app

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// EnterTenant gets a token of the chosen tenant. Another tenant may demand more
// of a person than their own, such as a second factor; then they are asked again.
func (l *Login) EnterTenant(ctx context.Context, tenant cloud.Tenant) error {
	l.Tenant = tenant
	options := &l.Choice.Options
	options.TenantID = l.Tenant.ID
	if strings.EqualFold(l.Tenant.ID, l.Identity.TenantID) {
		if l.person == nil {
			return nil
		}
		l.person = l.person.InTenant(l.Tenant.ID)
		return l.Use(options.Cloud, l.person)
	}
	if l.person == nil {
		credential, err := cloud.SignIn(ctx, *options)
		if err != nil {
			return err
		}
		if err := l.Use(options.Cloud, credential); err != nil {
			return err
		}
		l.Identity, err = l.Azure.Caller(ctx)
		return err
	}
	l.person = l.person.InTenant(l.Tenant.ID) // work that goes on stays in its tenant
	_, err := l.person.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{options.Cloud.Audience + "/.default"}})
	if cloud.NeedsPerson(err) {
		l.app.warn("tenant " + TenantTitle(l.Tenant) + " asks for a sign-in of its own")
		l.Identity, err = l.person.SignIn(ctx, l.Tenant.ID, l.Choice.person)
	}
	if err != nil {
		return err
	}
	// What was signed in to the other tenant is in the client's memory.
	return l.Use(options.Cloud, l.person)
}

// Resume takes the kept sign-in of a person; nobody is asked.
func (l *Login) Resume(ctx context.Context) error {
	options := &l.Choice.Options
	options.Client = l.client()
	person, err := cloud.NewPerson(*options)
	if err != nil {
		return err
	}
	token, err := person.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{options.Cloud.Audience + "/.default"}})
	if err != nil {
		return err
	}
	l.person, l.Identity = person, cloud.IdentityOf(token)
	return l.Use(options.Cloud, person)
}

// TenantTitle is how a tenant is called.
func TenantTitle(t cloud.Tenant) string {
	switch {
	case t.Name != "" && t.Domain != "":
		return t.Name + " (" + t.Domain + ")"
	case t.Name+t.Domain != "":
		return t.Name + t.Domain
	}
	return t.ID
}
