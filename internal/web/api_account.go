package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// signInFields are called as the flags of login are.
var signInFields = []string{
	"sign-in", "cloud", "tenant", "subscription", "client-id", "client-secret", "client-certificate", "client-certificate-password", "managed-identity-client-id",
}

// signInAsked is the answer while a person has to sign in somewhere else.
type signInAsked struct {
	// ID is that of this sign-in.
	ID string `json:"id"`
	// Address is where to sign in, in a browser: of this computer when there is no
	// code, and else of any.
	Address string `json:"address"`
	// Code is what to type there, and Until how long it is good; null for a browser.
	Code  *string    `json:"code"`
	Until *time.Time `json:"until"`
	// Result is where to ask what came of it, Stop gives it up.
	Result string `json:"result"`
	Stop   string `json:"stop"`
}

// signIn begins to sign in, and ends with it unless a person has to do the rest.
func (c *call) signIn() (any, error) {
	if err := c.mayChangeSignIn(); err != nil {
		return nil, err
	}
	asked, err := c.form.signIn()
	if err != nil {
		return nil, err
	}
	going := c.book.Start(work.Job{Kind: "sign-in", Title: "Signing in to Azure", Back: "/sign-in"}, func(ctx context.Context, wk *work.Work) (any, error) {
		asked.Person = askedBy(wk)
		var value app.AccountValue
		err := c.options.App.With(wk).LogIn(ctx, asked, "", func(ctx context.Context, login *app.Login) error {
			subscriptions, err := login.GoWhereAsked(ctx, app.Questions{})
			if err == nil {
				value, err = c.enterAs(ctx, login, subscriptions)
			}
			return err
		})
		return value, err
	})
	return c.signedInBy(going, false)
}

// goElsewhere takes another tenant or other subscriptions with the same sign-in. A
// person has to do something only where that tenant demands it.
func (c *call) goElsewhere() (any, error) {
	tenant, subscriptions := c.form.value("tenant"), c.form.subscriptions()
	if tenant == "" && len(subscriptions) == 0 {
		return nil, app.Usage("for all subscriptions of the tenant send the tenant alone", "neither a tenant nor a subscription is given")
	}
	if err := c.mayChangeSignIn(); err != nil {
		return nil, err
	}
	login, err := c.login(c.r.Context())
	if err != nil {
		return nil, err
	}
	going := c.book.Start(work.Job{Kind: "sign-in", Title: "Going to another tenant or subscription", Back: "/sign-in"}, func(ctx context.Context, wk *work.Work) (any, error) {
		other := login.Elsewhere(wk, askedBy(wk)) // the one that is used stays as it is until then
		ids, err := other.GoElsewhere(ctx, tenant, subscriptions)
		if err != nil {
			return nil, err
		}
		return c.enterAs(ctx, other, ids)
	})
	return c.signedInBy(going, false)
}

// enterAs makes it the sign-in of pages and programs, and tells what was remembered.
func (s *Server) enterAs(ctx context.Context, login *app.Login, subscriptions []string) (app.AccountValue, error) {
	if err := s.mayChangeSignIn(); err != nil { // a run has begun meanwhile
		return app.AccountValue{}, err
	}
	remembered, err := login.Remember(ctx, login.LookIn(subscriptions))
	if err != nil {
		return app.AccountValue{}, err
	}
	s.enter(login)
	chosen := login.Choice
	if s.options.App.Overridden() == "" {
		chosen.Origin = app.ByLogin // from now on
	}
	return login.Account(ctx, chosen, remembered, remembered.Subscriptions)
}

// signInResult is what came of a sign-in, or where the person is still to do it.
func (c *call) signInResult() (any, error) {
	going, err := c.signInOfAddress()
	if err != nil {
		return nil, err
	}
	wait, _ := preferredWait(c.r)
	return c.signedInBy(going, wait)
}

// stopSignIn gives one up.
func (c *call) stopSignIn() (any, error) {
	going, err := c.signInOfAddress()
	if err != nil {
		return nil, err
	}
	going.Stop()
	return c.signedInBy(going, true)
}

func (c *call) signInOfAddress() (*work.Work, error) {
	going, known := c.book.Get(c.r.PathValue("signin"))
	if !known || going.Job().Kind != "sign-in" {
		return nil, &app.Failure{Code: "not-found", Message: "there is no such sign-in, or it ended more than an hour ago", Hint: "GET " + apiPath + "/account", Exit: app.ExitUsage}
	}
	return going, nil
}

// signedInBy waits until a sign-in has ended or, unless that is to be waited for, a
// person has to do something.
func (c *call) signedInBy(going *work.Work, toTheEnd bool) (any, error) {
	bound := make(<-chan time.Time)
	if wait, seconds := preferredWait(c.r); wait && seconds > 0 {
		timer := time.NewTimer(seconds)
		defer timer.Stop()
		bound = timer.C
	}
	for {
		changed := going.Changed()
		if going.Ended() {
			events, _ := going.Events(0)
			for _, event := range events {
				c.Note(event.Kind, event.Text)
			}
			value, err := going.Result()
			if err == nil && value == nil { // somebody has begun it on a page
				return c.account()
			}
			return value, err
		}
		if asked, ok := going.Value("asked").(cloud.UserCode); ok && !toTheEnd {
			return c.askedFor(going, asked), nil
		}
		select {
		case <-changed:
		case <-bound:
			toTheEnd = false
		case <-c.r.Context().Done():
			return nil, c.r.Context().Err()
		}
	}
}

// askedFor says where the person has to sign in.
func (c *call) askedFor(going *work.Work, asked cloud.UserCode) any {
	at := apiPath + "/account/sign-in/" + going.ID
	value := signInAsked{ID: going.ID, Address: asked.Address, Result: at, Stop: at + "/stop"}
	if asked.Code != "" {
		value.Code, value.Until = &asked.Code, &asked.Expires
	}
	c.w.Header().Set("Location", at)
	return &reply{http.StatusAccepted, value}
}

// mayChangeSignIn fails while a run goes on: it needs the sign-in, also to go back.
func (s *Server) mayChangeSignIn() error {
	going := s.Running()
	if len(going) == 0 {
		return nil
	}
	return &app.Failure{
		Code: "locked", Message: "the sign-in was not changed: a run needs it, also to go back: " + going[0].Title,
		Hint: "wait for its end", Exit: app.ExitLocked,
	}
}

// signOut forgets the sign-in.
func (c *call) signOut() (any, error) {
	if err := c.mayChangeSignIn(); err != nil {
		return nil, err
	}
	value, _, err := c.options.App.With(c).SignOut(c.r.Context())
	if err != nil {
		return nil, err
	}
	c.enter(nil)
	return value, nil
}

// signIn is how to sign in. Nothing that was sent is kept but in memory.
func (f sentForm) signIn() (app.SignInAsked, error) {
	asked := app.SignInAsked{
		Cloud: f.value("cloud"), Tenant: f.value("tenant"), How: f.value("sign-in"), ClientID: f.value("client-id"),
		Principal: f.given("client-secret") || f.given("client-certificate"), ManagedIdentity: f.value("managed-identity-client-id"),
		Fits: func(kind cloud.SignInKind) error { return app.Fits(kind, f.given) },
	}
	var err error
	if _, err = f.among("sign-in", kindsOfSignIn()...); err == nil {
		_, err = f.among("cloud", cloud.Public().Name, cloud.USGovernment().Name, cloud.China().Name)
	}
	if err != nil {
		return asked, err
	}
	asked.Subscriptions = f.subscriptions()
	if !asked.Principal {
		return asked, nil
	}
	file, there, err := f.file("client-certificate")
	if err != nil {
		return asked, err
	}
	if !there {
		asked.Proof = func(_ context.Context, options *cloud.SignInOptions) error {
			options.ClientSecret = f.secrets["client-secret"]
			return nil
		}
		return asked, nil
	}
	defer clear(file.Data)
	read, err := cloud.ReadClientCertificate(file.Data, f.secrets["client-certificate-password"])
	if err != nil {
		return asked, app.RefusedFile(file.Name, err)
	}
	asked.Proof = func(_ context.Context, options *cloud.SignInOptions) error {
		options.ClientCertificate = read
		return nil
	}
	return asked, nil
}

// subscriptions are the ids or names that were sent.
func (f sentForm) subscriptions() (named []string) {
	for one := range strings.SplitSeq(f.value("subscription"), ",") {
		if one = strings.TrimSpace(one); one != "" {
			named = append(named, one)
		}
	}
	return named
}

func kindsOfSignIn() (names []string) {
	for _, kind := range cloud.SignInKinds() {
		names = append(names, string(kind))
	}
	return names
}
