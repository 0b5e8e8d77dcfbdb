package web

import (
	"errors"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
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

// answer is an error that says itself with which page it is answered.
type answer struct {
	status int
	title  string
	notice pages.Notice
}

func (a *answer) Error() string { return a.notice.Text }

// badRequest is for a form that cannot be understood.
func badRequest(sentence string) error {
	return &answer{http.StatusBadRequest, "That cannot be done", pages.Notice{Kind: "warning", Title: "Nothing was changed", Text: sentence, Next: []string{"Go back and try again."}}}
}

// notFound is for something that is no longer there, or never was.
func notFound(sentence string) error {
	return &answer{http.StatusNotFound, "Not found", pages.Notice{Kind: "warning", Title: "Not found", Text: sentence, Link: "/", LinkText: "To the deployments"}}
}

// fail shows an error as a page.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if a, ok := errors.AsType[*answer](err); ok {
		if err = s.write(w, a.status, "error", pages.Page{Title: a.title, Data: a.notice}); err == nil {
			return
		}
	}
	if isNotSignedIn(err) && r.Method == http.MethodGet {
		_ = leadToSignIn(w, r, r.URL.RequestURI())
		return
	}
	status, page := failurePage(app.Explain(err))
	if err := s.write(w, status, "error", page); err != nil {
		http.Error(w, "the page of an error could not be made", http.StatusInternalServerError)
	}
}

func (s *Server) failed(w http.ResponseWriter, notice pages.Notice) {
	if err := s.write(w, http.StatusInternalServerError, "error", pages.Page{Title: "That did not work", Data: notice}); err != nil {
		http.Error(w, notice.Text, http.StatusInternalServerError)
	}
}

// rescue makes a page of a mistake in the program. What it panicked with is not
// shown: it may quote what it was working on.
func (s *Server) rescue(w http.ResponseWriter) {
	switch trouble := recover(); trouble {
	case nil:
	case http.ErrAbortHandler:
		panic(trouble)
	default:
		s.failed(w, pages.Notice{
			Kind: "error", Title: "A mistake in the program", Text: "This page could not be made. What was going on goes on.",
			Next: []string{"Please report it, with what you did before."}, Link: "/history", LinkText: "See the last runs",
		})
	}
}
