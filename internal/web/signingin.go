package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// signIn begins to sign in. A person does the rest on Microsoft's page.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := s.mayChange(); err != nil {
		return err
	}
	p := s.placeOf(r)
	asked := app.SignInAsked{Cloud: among(clouds, r.PostFormValue("cloud")), How: among(ways, r.PostFormValue("way")), Tenant: strings.TrimSpace(r.PostFormValue("tenant"))}
	if asked.How == string(cloud.ManagedIdentity) { // the field is shown for that way only
		asked.ManagedIdentity = strings.TrimSpace(r.PostFormValue("managed-identity-client-id"))
	}
	wk := s.book.Start(work.Job{Kind: "sign-in", Title: "Signing in to Azure", Next: p.then, Back: p.to("/sign-in")}, func(ctx context.Context, wk *work.Work) (any, error) {
		a := s.options.App.With(wk)
		wk.Put("typed", asked)
		asked.Person = askedBy(wk)
		return nil, a.LogIn(ctx, asked, "", func(ctx context.Context, login *app.Login) error {
			next, err := s.afterSignIn(ctx, login, p)
			if err == nil {
				wk.Lead(next)
			}
			return err
		})
	})
	wk.Wait(r.Context(), aMoment)
	return leadTo(w, r, p.to("/sign-in/"+wk.ID))
}

// askedBy shows where to sign in: the page of the work has a link, and opens nothing.
func askedBy(wk *work.Work) cloud.Asked {
	return cloud.Asked{
		Open: func(address string) error { wk.Put("asked", cloud.UserCode{Address: address}); return nil },
		Code: func(code cloud.UserCode) { wk.Put("asked", code) },
	}
}

// afterSignIn goes through tenant and subscription as far as there is nothing to
// ask, and says which page is next.
func (s *Server) afterSignIn(ctx context.Context, login *app.Login, p place) (next string, err error) {
	ask, err := login.FindTenant(ctx, false)
	switch {
	case err != nil:
		return "", err
	case ask:
		s.wait(ctx, login, true)
		return p.to("/tenant"), nil
	}
	return s.afterTenant(ctx, login, p, true)
}

func (s *Server) afterTenant(ctx context.Context, login *app.Login, p place, fresh bool) (next string, err error) {
	if err := login.EnterTenant(ctx, login.Tenant); err != nil {
		return "", err
	}
	ask, err := login.FindSubscriptions(ctx)
	switch {
	case err != nil:
		return "", err
	case ask:
		s.wait(ctx, login, fresh)
		return p.to("/subscription"), nil
	}
	return p.then, s.remember(ctx, login, nil)
}

// remember makes this the sign-in of all pages, and keeps it for the next start.
func (s *Server) remember(ctx context.Context, login *app.Login, subscriptions []string) error {
	if _, err := login.Remember(ctx, login.LookIn(subscriptions)); err != nil {
		return err
	}
	s.enter(login)
	return nil
}

// showSigningIn shows where to sign in, and goes on by itself when that is done.
func (s *Server) showSigningIn(w http.ResponseWriter, r *http.Request) error {
	p := s.placeOf(r)
	wk, known := s.book.Get(r.PathValue("work"))
	if !known || wk.Job().Kind != "sign-in" {
		return leadTo(w, r, p.to("/sign-in"))
	}
	if wk.Ended() {
		if _, err := wk.Result(); err != nil {
			f := app.Explain(err)
			notice := pages.Notice{Kind: "error", Title: "Signing in did not work", Text: pages.Sentences(f.Message)}
			if wk.Stopping() {
				notice = pages.Notice{Kind: "info", Title: "The sign-in was cancelled"}
			} else if f.Hint != "" {
				notice.Next = []string{pages.Sentences(f.Hint)}
			}
			typed, _ := wk.Value("typed").(app.SignInAsked) // none where a tenant was chosen
			return s.writeSignIn(w, r, http.StatusOK, &notice, typed)
		}
		return leadTo(w, r, wk.Next())
	}
	page := signingIn(p, wk)
	page.step = s.stepAt(p, wizard.SignIn)
	return s.write(w, http.StatusOK, "signing-in", pages.Page{Title: "Sign in", Scripts: []string{"run.js"}, Refresh: 3, Data: page})
}

// signingIn is the page of a sign-in that goes on.
func signingIn(p place, wk *work.Work) signingInPage {
	page := signingInPage{Events: p.to("/sign-in/" + wk.ID + "/events"), Cancel: p.to("/sign-in/" + wk.ID + "/cancel")}
	if asked, ok := wk.Value("asked").(cloud.UserCode); ok {
		page.Address, page.Code, page.Until = asked.Address, asked.Code, asked.Expires
	}
	return page
}

// signInEvents shows the address or the code as soon as there is one, and goes on
// when the sign-in has ended.
func (s *Server) signInEvents(w http.ResponseWriter, r *http.Request) error {
	p := s.placeOf(r)
	wk, known := s.book.Get(r.PathValue("work"))
	if !known || wk.Job().Kind != "sign-in" {
		return notFound("This sign-in ended a while ago, or the program was started again since.")
	}
	leave, err := wk.Join()
	if err != nil {
		return err
	}
	defer leave()
	return s.live(w, r, func() (lively, <-chan struct{}, time.Duration, error) {
		changed := wk.Changed()
		view := lively{page: "signing-in", parts: []string{"sign-in-asked"}, data: signingIn(p, wk)}
		if wk.Ended() {
			view.next = p.to("/sign-in/" + wk.ID)
		}
		return view, changed, time.Minute, nil
	})
}

func (s *Server) cancelSignIn(w http.ResponseWriter, r *http.Request) error {
	p := s.placeOf(r)
	wk, known := s.book.Get(r.PathValue("work"))
	if !known || wk.Job().Kind != "sign-in" {
		return leadTo(w, r, p.to("/sign-in"))
	}
	wk.Stop()
	wk.Wait(r.Context(), 2*time.Second)
	return leadTo(w, r, p.to("/sign-in/"+wk.ID))
}
