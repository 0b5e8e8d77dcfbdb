package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// Where a run on another computer has claimed a deployment: whose claim it is,
// and breaking it.

func (s *Server) claimRoutes() {
	s.handle("GET /deployments/{id}/claim", s.showClaims)
	s.handle("POST /deployments/{id}/claim", s.breakClaims)
}

// claimPage is claim.html.
type claimPage struct {
	Name, Path string
	Claims     []lease.Claim
	// Answer names the claims that are shown: others are not broken by it.
	Answer string
	// Unsure tells that the form came without the sentence being ticked.
	Unsure bool
	// Broken tells that they were broken just now.
	Broken bool
}

// claims finds who works on a deployment.
func (s *Server) claims(w http.ResponseWriter, r *http.Request) (found *app.Unlocking, page claimPage, sent bool, err error) {
	list, sent, err := s.found(w, r)
	if sent || err != nil {
		return nil, page, sent, err
	}
	chosen, known := list.byPath(r.PathValue("id"))
	if !known {
		return nil, page, false, notFound("There is no such deployment among those that you may see.")
	}
	page = claimPage{Name: chosen.Name, Path: "/deployments/" + chosen.path}
	session, err := s.session(r.Context())
	if err != nil {
		return nil, page, false, err
	}
	found, err = session.With(nil).PrepareUnlock(r.Context(), chosen.Deployment) // one question to Azure
	if err != nil {
		return nil, page, false, err
	}
	page.Claims, page.Answer = found.Value.Claims, claimsAnswer(found.Value.Claims)
	return found, page, false, nil
}

// claimsAnswer names claims.
func claimsAnswer(claims []lease.Claim) string {
	var runs []string
	for _, claim := range claims {
		runs = append(runs, claim.Tag())
	}
	return strings.Join(runs, " ")
}

func (s *Server) showClaims(w http.ResponseWriter, r *http.Request) error {
	_, page, sent, err := s.claims(w, r)
	if sent || err != nil {
		return err
	}
	page.Unsure, page.Broken = r.URL.Query().Has("unsure"), r.URL.Query().Has("broken") && len(page.Claims) == 0
	return s.write(w, http.StatusOK, "claim", pages.Page{Title: "Who works on " + page.Name, Active: "deployments", Data: page})
}

// breakClaims breaks the claims that were shown, when somebody has said that they
// have looked.
func (s *Server) breakClaims(w http.ResponseWriter, r *http.Request) error {
	found, page, sent, err := s.claims(w, r)
	if sent || err != nil {
		return err
	}
	switch {
	case page.Answer == "" || page.Answer != r.PostFormValue("claims"):
		return leadTo(w, r, page.Path+"/claim") // it is another one by now: look again
	case r.PostFormValue("sure") == "":
		return leadTo(w, r, page.Path+"/claim?unsure=1")
	}
	wk := s.begin(work.Job{Kind: "look", Title: "Breaking the claim on " + page.Name, Key: "break " + page.Path, Next: page.Path + "/claim?broken=1", Back: page.Path + "/claim"},
		func(ctx context.Context, _ *app.Session) (any, error) {
			_, err := found.Break(ctx)
			s.looks.forget()
			return nil, err
		})
	return s.showWork(w, r, wk)
}
