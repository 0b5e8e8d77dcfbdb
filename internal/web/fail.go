package web

import (
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// frameRoutes are what every page needs, and the answer to what is no page.
func (s *Server) frameRoutes() {
	s.mux.Handle("GET "+pages.AssetsPath, pages.Assets())
	s.handle("/", s.notFound)
}

func (s *Server) notFound(w http.ResponseWriter, _ *http.Request) error {
	return s.write(w, http.StatusNotFound, "error", pages.Page{Title: "There is no such page", Data: pages.Notice{
		Kind: "warning", Title: "Nothing is at this address",
		Text: "It may have been typed differently, or what it showed is no longer kept.",
		Link: "/", LinkText: "To the deployments",
	}})
}

// fail shows an error as a page.
func (s *Server) fail(w http.ResponseWriter, _ *http.Request, err error) {
	notice := pages.Notice{Kind: "error", Title: "What happened", Text: err.Error(), Link: "/", LinkText: "To the deployments"}
	if err := s.write(w, http.StatusInternalServerError, "error", pages.Page{Title: "That did not work", Data: notice}); err != nil {
		http.Error(w, notice.Text, http.StatusInternalServerError)
	}
}
