package web

import (
	"context"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

const (
	// lookEvery is how often the journal is asked about a run that goes on: in the
	// other cases nothing tells that it has got further.
	lookEvery = time.Second
	// lookSeldom is for runs that have no end and do not go on: somebody may look
	// what came of them.
	lookSeldom = 10 * time.Second
)

func (s *Server) runRoutes() {
	s.handle("GET /runs/{id}", s.runPage)
	s.handle("GET /runs/{id}/events", s.runEvents)
	s.handle("POST /runs/{id}/stop", s.stopRun)
	s.handle("GET /runs/{id}/undo", s.undoPage)
	s.handle("POST /runs/{id}/undo", s.undoNow)
	s.handle("POST /runs/{id}/undo/logins", s.undoLogins)
	for path, machines := range map[string]bool{"/deployments/{id}/clean": false, "/deployments/{id}/clean/machines": true} {
		s.handle("GET "+path, s.cleanPage(machines))
		s.handle("POST "+path, s.cleanNow(machines))
		s.handle("POST "+path+"/logins", s.cleanLogins(machines))
	}
	s.atLock(s.pending.forgetAll)
	s.atLock(s.errands.lock)
}

// runParts are the parts of the page of a run that change while it is open.
var runParts = []string{"run-head", "run-now", "run-stop", "run-outcome", "run-traffic", "run-steps", "run-told", "run-proof"}

// viewRun reads a run and makes the view of its page.
func (s *Server) viewRun(ctx context.Context, id string) (runView, *work.Work, error) {
	run, err := s.options.App.WholeRun(ctx, id)
	if err != nil {
		return runView{}, nil, err
	}
	live := liveRun{work: s.workOfRun(run.ID), now: s.options.App.Now()}
	switch {
	case live.work == nil:
		live.going = s.options.App.IsGoingOn(ctx, run)
	case live.work.Ended(): // after its last writing, which the first reading may not have seen
		if run, err = s.options.App.WholeRun(ctx, run.ID); err != nil {
			return runView{}, nil, err
		}
	}
	view := runViewOf(run, live)
	if !view.Going && !view.Cut {
		view.Signed = s.signedWords(run)
	}
	return view, live.work, nil
}

// workOfRun is a run as this server's work, nil when it is not, or not any more.
func (s *Server) workOfRun(id string) *work.Work {
	found := s.book.Find(func(w *work.Work) bool { return w.Job().Kind == runKind && w.Value(runKind) == id })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

func (s *Server) runPage(w http.ResponseWriter, r *http.Request) error {
	view, _, err := s.viewRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	page := pages.Page{Title: view.Title, Active: "history", Scripts: []string{"run.js"}, Data: view}
	if view.Going {
		page.Refresh = 3
	}
	return s.write(w, http.StatusOK, "run", page)
}

func (s *Server) runEvents(w http.ResponseWriter, r *http.Request) error {
	_, going, err := s.viewRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if going != nil {
		leave, err := going.Join()
		if err != nil {
			return err
		}
		defer leave()
	}
	return s.live(w, r, func() (lively, <-chan struct{}, time.Duration, error) {
		var changed <-chan struct{}
		if going != nil {
			changed = going.Changed()
		}
		view, now, err := s.viewRun(r.Context(), r.PathValue("id"))
		if now != nil {
			going = now
		}
		shown := lively{page: "run", parts: runParts, data: view}
		switch {
		case view.Going || view.Here: // the requests are counted until the work ends
			return shown, changed, lookEvery, err
		case view.Cut:
			return shown, nil, lookSeldom, err
		}
		shown.over = true // the parts say how it ended; the page stays
		return shown, nil, lookSeldom, err
	})
}

// stopRun asks a run of this server to stop; what that means its page has said.
func (s *Server) stopRun(w http.ResponseWriter, r *http.Request) error {
	run, err := s.options.App.WholeRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if going := s.workOfRun(run.ID); going != nil {
		going.Stop()
	}
	return leadTo(w, r, "/runs/"+run.ID)
}
