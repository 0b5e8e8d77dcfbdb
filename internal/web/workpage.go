package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

func (s *Server) workRoutes() {
	s.handle("GET /work/{id}", s.workPage)
	s.handle("GET /work/{id}/events", s.workEvents)
	s.handle("POST /work/{id}/stop", s.stopWork)
}

// workView is what the page of long work shows.
type workView struct {
	ID       string
	Job      work.Job
	Began    time.Time
	Stopping bool
	// Now is what is being done at this moment.
	Now  string
	Told []work.Event
}

func viewOfWork(w *work.Work) workView {
	view := workView{ID: w.ID, Job: w.Job(), Began: w.Began(), Stopping: w.Stopping()}
	events, _ := w.Events(0)
	for _, event := range events {
		switch {
		case event.Waiting:
			view.Now = pages.Capital(event.Text)
		case event.Kind != app.NoteAzure:
			view.Told = append(view.Told, event)
		}
	}
	return view
}

// workOf is the work that a request is about.
func (s *Server) workOf(r *http.Request) (*work.Work, error) {
	w, ok := s.book.Get(r.PathValue("id"))
	if !ok {
		return nil, notFound("This work ended a while ago, or the program was started again since.")
	}
	return w, nil
}

func (s *Server) workPage(w http.ResponseWriter, r *http.Request) error {
	going, err := s.workOf(r)
	if err != nil {
		return err
	}
	if next := going.Next(); next != "" {
		return leadTo(w, r, next)
	}
	if _, err := going.Result(); err != nil {
		if isNotSignedIn(err) {
			return leadToSignIn(w, r, going.Job().Next) // which begins it once more
		}
		return withWayBack(going, s.heldBy(r.Context(), going.Job().About, s.workFailed(going, err)))
	}
	if going.Ended() { // and nobody has said where its result is
		return leadTo(w, r, "/")
	}
	return s.write(w, http.StatusOK, "work", pages.Page{Title: going.Job().Title, Scripts: []string{"run.js"}, Refresh: 2, Data: viewOfWork(going)})
}

// workFailed is the error of work for its page: one that was stopped has not failed.
func (s *Server) workFailed(going *work.Work, err error) error {
	back := going.Job().Back
	if back == "" {
		back = "/"
	}
	if going.Stopping() && errors.Is(err, context.Canceled) {
		return &answer{http.StatusOK, "Stopped", pages.Notice{
			Kind: "info", Title: "Stopped, as you asked", Text: going.Job().Title + " was ended before it was done. Nothing was changed.", Link: back, LinkText: "Back",
		}}
	}
	return err
}

// withWayBack makes the page of a failure that leads nowhere lead to where the work
// was begun.
func withWayBack(going *work.Work, err error) error {
	if _, made := errors.AsType[*answer](err); made {
		return err
	}
	status, page := failurePage(app.Explain(err))
	notice, ok := page.Data.(pages.Notice)
	if !ok || notice.Link != "" {
		return err
	}
	notice.Link, notice.LinkText = cmp.Or(going.Job().Back, "/"), "Back"
	return &answer{status, page.Title, notice}
}

func (s *Server) workEvents(w http.ResponseWriter, r *http.Request) error {
	going, err := s.workOf(r)
	if err != nil {
		return err
	}
	leave, err := going.Join()
	if err != nil {
		return err
	}
	defer leave()
	return s.live(w, r, func() (lively, <-chan struct{}, time.Duration, error) {
		changed := going.Changed()
		view := lively{page: "work", parts: []string{"work-progress"}, data: viewOfWork(going)}
		if going.Ended() || going.Next() != "" {
			view.next = "/work/" + going.ID // which leads on
		}
		return view, changed, time.Minute, nil
	})
}

func (s *Server) stopWork(w http.ResponseWriter, r *http.Request) error {
	going, err := s.workOf(r)
	if err != nil {
		return err
	}
	going.Stop()
	return s.showWork(w, r, going)
}
