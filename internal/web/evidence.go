package web

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

// heldEvidence is the file of a run, as it is now.
type heldEvidence struct {
	file   evidence.File
	data   []byte
	report evidence.Report
}

// evidence reads the file of a run and verifies it; false when there is none.
func (s *Server) evidence(run journal.Run) (heldEvidence, bool, error) {
	store, err := s.options.App.EvidenceStore()
	if err != nil {
		return heldEvidence{}, false, err
	}
	kept, found, err := store.Latest(run)
	if err != nil || !found {
		return heldEvidence{}, false, err
	}
	data, err := evidence.ReadFile(kept.Path)
	if err != nil {
		return heldEvidence{}, false, err
	}
	report := evidence.Verify([]evidence.Given{{Name: filepath.Base(kept.Path), Data: data}}, nil, s.options.Version)[0]
	return heldEvidence{kept.File, data, report}, true, nil
}

// makeEvidence writes the evidence of a run that has none yet. It is unsigned: a
// key is opened by who uses the command line.
func (s *Server) makeEvidence(w http.ResponseWriter, r *http.Request) error {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	unsigned := func(context.Context) (*evidence.Key, error) { return nil, nil }
	if _, err := s.options.App.EvidenceKept(r.Context(), run, unsigned); err != nil {
		return err
	}
	return leadTo(w, r, "/history/"+run.ID)
}

func (s *Server) evidenceOfRun(r *http.Request) (heldEvidence, journal.Run, error) {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("run"))
	if err != nil {
		return heldEvidence{}, run, err
	}
	held, found, err := s.evidence(run)
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
	page, err := evidence.Page(held.file, held.report)
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
	_, _ = w.Write(held.data) // nobody is left to be told
	return nil
}
