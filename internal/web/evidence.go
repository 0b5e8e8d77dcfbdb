package web

import (
	"context"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

// makeEvidence writes the evidence of a run that has none yet, signed as that of
// the runs of the pages is.
func (s *Server) makeEvidence(w http.ResponseWriter, r *http.Request) error {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	signing := func(context.Context) (*evidence.Key, error) { return s.options.SignKey, nil }
	if _, err := s.options.App.EvidenceKept(r.Context(), run, signing); err != nil {
		return err
	}
	return leadTo(w, r, "/history/"+run.ID)
}

// willBeSigned says who signs the evidence of runs that begin here.
func (s *Server) willBeSigned() string {
	if s.options.SignKey == nil {
		return "is not signed"
	}
	return "is signed by " + s.options.SignKey.String()
}

// signedWords say whose signature the evidence of a run has, "" when it has no
// evidence, or none that can be read.
func (s *Server) signedWords(run journal.Run) string {
	held, found, err := s.options.App.EvidenceOf(run)
	if err != nil || !found {
		return ""
	}
	return app.SignedWords(held.File.Document)
}

func (s *Server) evidenceOfRun(r *http.Request) (app.Evidence, journal.Run, error) {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("run"))
	if err != nil {
		return app.Evidence{}, run, err
	}
	held, found, err := s.options.App.EvidenceOf(run)
	if err == nil && !found {
		err = notFound("Run " + run.ID + " has no evidence yet. It is written at the end of a run.")
	}
	return held, run, err
}

// evidencePolicy is of the one page that brings its own style with it, because it
// is a file to keep and to send: it may have that, and nothing else.
const evidencePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-modals"

// evidencePage is the page of a run's evidence, to read and to print.
func (s *Server) evidencePage(w http.ResponseWriter, r *http.Request) error {
	held, _, err := s.evidenceOfRun(r)
	if err != nil {
		return err
	}
	page, err := evidence.Page(held.File, held.Report)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", evidencePolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page) // nobody is left to be told
	return nil
}

// evidenceFile is the file itself, byte by byte as it was written, to be saved.
func (s *Server) evidenceFile(w http.ResponseWriter, r *http.Request) error {
	held, run, err := s.evidenceOfRun(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+run.ID+`.json"`)
	_, _ = w.Write(held.Data) // nobody is left to be told
	return nil
}
