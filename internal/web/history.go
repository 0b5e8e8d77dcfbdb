package web

import (
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

func (s *Server) historyRoutes() {
	s.handle("GET /history", s.history)
	s.handle("GET /history/{run}", s.changes)
	s.handle("POST /history/{run}/evidence", s.makeEvidence)
	s.handle("GET /runs/{run}/evidence", s.evidencePage)
	s.handle("GET /runs/{run}/evidence.json", s.evidenceFile)
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) error {
	runs, err := s.options.App.Runs(r.Context())
	if err != nil {
		return err
	}
	return s.write(w, http.StatusOK, "history", pages.Page{
		Title: "History", Active: "history", Scripts: []string{"list.js"}, Data: historyOf(runs, r.URL.Query(), func(run journal.Run) historyRow {
			return historyRowOf(run, s.options.App.PurposeOfHead(r.Context(), run), s.options.App.IsGoingOn(r.Context(), run))
		}),
	})
}

func (s *Server) changes(w http.ResponseWriter, r *http.Request) error {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	view := changesOf(run, s.options.App.IsGoingOn(r.Context(), run))
	kept, found, err := s.options.App.EvidenceOf(run)
	if err != nil {
		return err
	}
	if key := s.options.SignKey; key != nil {
		view.Signer = key.String()
	}
	if found {
		view.Evidence = evidenceOf(kept.Report)
	}
	return s.write(w, http.StatusOK, "changes", pages.Page{Title: view.Row.What + " of " + run.DeploymentName, Active: "history", Data: view})
}
