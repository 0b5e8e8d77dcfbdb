package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// showTenants asks for the tenant when several know the person.
func (s *Server) showTenants(w http.ResponseWriter, r *http.Request) error {
	p := s.placeOf(r)
	login, err := s.choosing(r.Context())
	if err != nil {
		return leadTo(w, r, p.to("/sign-in"))
	}
	if len(login.Tenants) == 0 { // a sign-in that was kept has not asked yet
		login = login.Elsewhere(nil, cloud.Asked{}) // the one that is used stays as it is
		if _, err := login.FindTenant(r.Context(), true); err != nil {
			return err
		}
	}
	page := chooseTenantPage{step: s.stepAt(p, wizard.Tenant), Person: who(login), Then: p.thenField()}
	own := cmp.Or(login.Tenant.ID, login.Identity.TenantID)
	for _, t := range login.Tenants {
		page.List = append(page.List, option{Value: t.ID, Text: app.TenantTitle(t), Hint: t.ID, Chosen: strings.EqualFold(t.ID, own)})
	}
	return s.write(w, http.StatusOK, "tenant", pages.Page{Title: "The tenant", Data: page})
}

// thenField is the hidden field that carries where to go afterwards.
func (p place) thenField() string {
	if p.renewal != nil || p.then == "/" {
		return ""
	}
	return p.then
}

// chooseTenant goes into a tenant, which may demand a sign-in of its own.
func (s *Server) chooseTenant(w http.ResponseWriter, r *http.Request) error {
	p := s.placeOf(r)
	login, err := s.choosing(r.Context())
	if err != nil {
		return leadTo(w, r, p.to("/sign-in"))
	}
	wanted := r.PostFormValue("tenant")
	fresh := s.keepPending(login)
	wk := s.book.Start(work.Job{Kind: "sign-in", Title: "Signing in to the tenant", Key: "tenant", Next: p.then, Back: p.to("/tenant")}, func(ctx context.Context, wk *work.Work) (any, error) {
		other := login.Elsewhere(wk, askedBy(wk))
		if len(other.Tenants) == 0 {
			if _, err := other.FindTenant(ctx, true); err != nil {
				return nil, err
			}
		}
		tenant, err := app.TenantNamed(other.Tenants, wanted)
		if err != nil {
			return nil, app.Usage("choose one of the list", "tenant: %s", err)
		}
		other.Tenant = tenant
		next, err := s.afterTenant(ctx, other, p, fresh)
		if err == nil {
			wk.Lead(next)
		}
		return nil, err
	})
	wk.Wait(r.Context(), aMoment)
	return leadTo(w, r, p.to("/sign-in/"+wk.ID))
}

// showSubscriptions asks in which subscriptions to look.
func (s *Server) showSubscriptions(w http.ResponseWriter, r *http.Request) error {
	p := s.placeOf(r)
	login, err := s.choosing(r.Context())
	if err != nil {
		return leadTo(w, r, p.to("/sign-in"))
	}
	if len(login.Subscriptions) == 0 {
		login = login.Elsewhere(nil, cloud.Asked{})
		if _, err := login.FindSubscriptions(r.Context()); err != nil {
			return err
		}
	}
	page := chooseTenantPage{step: s.stepAt(p, wizard.Subscription), Person: who(login), Tenant: app.TenantTitle(login.Tenant), Then: p.thenField()}
	for _, sub := range login.Subscriptions {
		o := option{Value: sub.ID, Text: sub.Name, Hint: sub.ID}
		if sub.State != "" && !strings.EqualFold(sub.State, "Enabled") {
			o.Hint += " · " + sub.State
		}
		o.Chosen = slices.Contains(login.Scope.Subscriptions, sub.ID)
		page.List = append(page.List, o)
	}
	return s.write(w, http.StatusOK, "subscription", pages.Page{Title: "The subscription", Data: page})
}

// chooseSubscriptions takes those that were ticked; none means all of the tenant.
func (s *Server) chooseSubscriptions(w http.ResponseWriter, r *http.Request) error {
	p := s.placeOf(r)
	login, err := s.choosing(r.Context())
	if err != nil {
		return leadTo(w, r, p.to("/sign-in"))
	}
	if err := r.ParseForm(); err != nil {
		return leadTo(w, r, p.to("/subscription"))
	}
	login = login.Elsewhere(nil, cloud.Asked{}) // what goes on looks on where it did
	if len(login.Subscriptions) == 0 {
		if _, err := login.FindSubscriptions(r.Context()); err != nil {
			return err
		}
	}
	if err := s.remember(r.Context(), login, r.PostForm["subscription"]); err != nil {
		return err
	}
	return leadTo(w, r, p.then)
}
