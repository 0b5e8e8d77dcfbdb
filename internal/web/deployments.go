package web

import (
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

func (s *Server) deploymentsRoutes() {
	s.handle("GET /{$}", s.listDeployments)
	s.handle("POST /deployments/again", s.findAgain)
}

func (s *Server) listDeployments(w http.ResponseWriter, r *http.Request) error {
	list, sent, err := s.found(w, r)
	if err != nil || sent {
		return err
	}
	view := viewOf(list.list, r.URL.Query(), s.options.App.Now())
	view.AsOf, view.Notes = list.at, list.notes
	return s.write(w, http.StatusOK, "deployments", pages.Page{Title: "Deployments", Active: "deployments", Scripts: []string{"list.js"}, Data: view})
}

// findAgain looks for the deployments anew. What was found is shown until then.
func (s *Server) findAgain(w http.ResponseWriter, r *http.Request) error {
	_, sent, err := s.find(w, r, "/")
	if err != nil || sent {
		return err
	}
	return leadTo(w, r, "/")
}
