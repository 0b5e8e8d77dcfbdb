package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// lookInAzure looks as the command line does: at the machines where they can be
// dialled from here, and with a login by the way that was chosen.
func (s *Server) lookInAzure(ctx context.Context, tell app.Teller, id string, login lookLogin) (portrait.Seen, error) {
	session, err := s.session(ctx)
	if err != nil {
		return portrait.Seen{}, err
	}
	session = session.With(tell)
	defer session.Close(ctx)
	d, err := s.chosen(ctx, session, id)
	if err != nil {
		return portrait.Seen{}, err
	}
	asked := app.Looking{Reach: app.Reach{Way: login.reach}, When: app.Nearby}
	credentials := rotation.Credentials{SiteAdmin: login.siteAdmin, SiteAdminPassword: login.password}
	if login.siteAdmin != "" {
		asked.When = app.WithLogin
	}
	prepared, _, err := trying(s, d, login.siteAdmin, func() (*app.Prepared, error) {
		seen, err := session.Look(ctx, d, credentials, asked)
		if app.NoGateway(err) != nil {
			err = nil // there is no gateway to look at, and the page says so
		}
		return seen, err
	})
	if errors.Is(err, errNotTried) {
		return portrait.Seen{}, tooOften(login.siteAdmin)
	}
	if err != nil {
		return portrait.Seen{}, err
	}
	return s.seenBy(ctx, tell, prepared), nil
}

// tooOften is for a login whose password was wrong so often that Portal might lock it.
func tooOften(siteAdmin string) error {
	return &answer{http.StatusConflict, "No more tries just now", pages.Notice{
		Kind: "warning", Title: "The password of " + siteAdmin + " was not tried",
		Text: fmt.Sprintf("%d passwords were wrong, and Portal locks a login after some more. Nothing was changed.", wizard.MostAttempts),
		Next: []string{"Find out the right one, and try it again in a quarter of an hour."}, Link: "/", LinkText: "To the deployments",
	}}
}

// chosen is the deployment that is called id in paths.
func (s *Server) chosen(ctx context.Context, session *app.Session, id string) (deployment.Deployment, error) {
	if kept, _ := s.deployments.get(); kept != nil {
		if l, ok := kept.byPath(id); ok {
			return l.Deployment, nil
		}
	}
	found, err := session.Find(ctx)
	if err != nil {
		return deployment.Deployment{}, err
	}
	for _, d := range found.Deployments {
		if PathID(d) == id {
			return d, nil
		}
	}
	return deployment.Deployment{}, notFound("No deployment that this sign-in may see is called so. It may have been removed since, or be in another subscription or tenant.")
}

// seenBy adds what only this computer and the claims tell to what was observed.
func (s *Server) seenBy(ctx context.Context, tell app.Teller, prepared *app.Prepared) portrait.Seen {
	a := s.options.App.With(tell)
	value, _, unread := a.Show(ctx, prepared, time.Time{})
	seen := portrait.Seen{
		State: value.State, Subscription: value.SubscriptionName, Roots: prepared.Session.Roots, Claims: value.Claims, InDoubt: value.InDoubt,
		Removable: value.LeftByRuns.Removable, Soaking: value.LeftByRuns.Soaking, MachinesWhy: prepared.Access.Why,
	}
	if unread != nil {
		seen.ClaimsUnread = unread.Error()
	}
	if prepared.State.Gateway == nil {
		return seen
	}
	runs, err := a.RunsOf(ctx, prepared.State.Gateway.ID())
	if err == nil && len(runs) > 0 && app.MayUndo(runs[0]) {
		seen.LastRun = runs[0].ID
	}
	return seen
}
