package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// Rehearsing what a review shows: the same change, in a simulated world that is
// made of the deployment. What waits for its yes goes on waiting.

// rehearsalKind is of the work of a rehearsal, and of the report that it puts down.
const rehearsalKind = "rehearsal"

// mostRehearsals go on at the same time: each has a world of its own.
const mostRehearsals = 2

func (s *Server) rehearseRoutes() {
	s.handle("POST /renew/{wizard}/rehearse", s.ofRenewal(wizard.Review, s.rehearseRenewal))
	s.handle("POST /deployments/{id}/machines/rehearse", s.ofReplacing(true, s.rehearseReplacement))
	s.handle("GET /rehearsals/{id}", s.rehearsalPage)
	s.handle("GET /rehearse", func(w http.ResponseWriter, _ *http.Request) error { return s.showRehearseShape(w, shapeForm{}) })
	s.handle("GET /rehearse/{work}", s.rehearseShapeAgain)
	s.handle("POST /rehearse", s.rehearseShape)
}

// rehearsing is a rehearsal that is about to begin.
type rehearsing struct {
	// of is what is rehearsed, for who comes back to its review: see latestRehearsal.
	of     string
	d      deployment.Deployment
	review string
	asked  rehearse.Asked
	// credentials are those to read with.
	credentials rotation.Credentials
	// state, unless it is nil, is what was observed already.
	state *rotation.State
}

// rehearseRenewal rehearses the plan of a renewal.
func (s *Server) rehearseRenewal(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	faults, err := faultsOf(r.PostFormValue("fault"))
	if err != nil {
		return err
	}
	renewal.Lock()
	ready, made := renewal.Ready.(*app.Prepared)
	begun := rehearsing{of: rehearsalOfRenewal(renewal), review: renewalPath(renewal, wizard.Review), asked: rehearse.Asked{Renewal: renewalOf(renewal), WithoutPortal: renewal.Logins.WithoutPortal, Faults: faults}}
	renewal.Unlock()
	if !made {
		return leadTo(w, r, begun.review) // which says what is missing
	}
	begun.d, begun.credentials = ready.State.Deployment, ready.Credentials
	if ready.Access.Way != nil {
		begun.state = &ready.State
	}
	return s.rehearse(w, r, begun)
}

// rehearseReplacement rehearses the replacement of the machines' certificates.
func (s *Server) rehearseReplacement(w http.ResponseWriter, r *http.Request, c replacing) error {
	faults, err := faultsOf(r.PostFormValue("fault"))
	if err != nil {
		return err
	}
	review := c.base() + "/review"
	kept, there := s.pending.get(replaceKey(c.path), s.options.App.Now())
	if !there {
		return leadTo(w, r, review) // it is made anew
	}
	goal, state := c.by.goal(s.options.App.Now()), kept.machines.State
	c.errand.Lock()
	reach := c.errand.reachAsked()
	c.errand.Unlock()
	return s.rehearse(w, r, rehearsing{
		of: kept.answer, d: state.Deployment, review: review, state: &state, credentials: kept.machines.Runner.Rotation.Credentials,
		asked: rehearse.Asked{Machines: &goal, Renewal: app.Renewal{Reach: reach}, Faults: faults},
	})
}

// rehearsalOfRenewal names what a renewal is about to do; the lock is held.
func rehearsalOfRenewal(renewal *wizard.Renewal) string {
	return fmt.Sprint(renewal.ID, " ", renewal.Turn)
}

// faultsOf is what was chosen to go wrong in a rehearsal, if anything.
func faultsOf(chosen string) ([]ground.Fault, error) {
	if chosen == "" {
		return nil, nil
	}
	faults, err := rehearse.Faults([]string{chosen})
	if err != nil {
		return nil, badRequest("What was chosen is none of the things that can go wrong.") // not quoted: it may be anything
	}
	return faults, nil
}

// rehearse begins a rehearsal, and leads to its report.
func (s *Server) rehearse(w http.ResponseWriter, r *http.Request, begun rehearsing) error {
	job := work.Job{Kind: rehearsalKind, Title: "Rehearsing with a copy of " + begun.d.Name, Key: rehearsalKey(begun.of, begun.asked.Faults), Next: begun.review, Back: begun.review}
	begun.asked.Scale = s.scale()
	return s.showWork(w, r, s.play(job, begun, func(ctx context.Context, wk *work.Work) (*rehearse.Original, func(), error) {
		session, err := s.session(ctx)
		if err != nil {
			return nil, nil, err
		}
		session = session.With(wk)
		original, err := s.original(ctx, session, begun)
		return original, func() { session.Close(context.WithoutCancel(ctx)) }, err
	}))
}

// play rehearses, as work of the server, what read gives with how to close it; what
// comes of it is put down as a report. read gives nothing when it has said itself
// where one goes on.
func (s *Server) play(job work.Job, begun rehearsing, read func(context.Context, *work.Work) (*rehearse.Original, func(), error)) *work.Work {
	era := s.pending.now()
	return s.book.Start(job, func(ctx context.Context, wk *work.Work) (any, error) {
		leave, err := s.enterStage()
		if err != nil {
			return nil, err
		}
		defer leave()
		original, done, err := read(ctx, wk)
		if done != nil {
			defer done()
		}
		if err != nil || original == nil {
			return nil, err
		}
		if err := original.Check(ctx); err != nil {
			return nil, err
		}
		wk.Event(rotation.Event{At: time.Now(), Phase: rotation.PhaseObserve, Text: "it was read, and no more; what follows happens in a copy of it on this computer"})
		played, err := original.Play(ctx, s.options.App.With(wk))
		if err != nil {
			return nil, err
		}
		wk.Put(rehearsalKind, reportOf(played, begun, era, time.Now()))
		wk.Lead("/rehearsals/" + wk.ID)
		return nil, nil
	})
}

// enterStage makes sure that not too many rehearsals go on.
func (s *Server) enterStage() (leave func(), err error) {
	leave = func() { s.rehearsals.Add(-1) }
	if s.rehearsals.Add(1) > mostRehearsals {
		leave()
		return nil, &app.Failure{
			Code: "throttled", Message: fmt.Sprintf("%d rehearsals go on already, and each keeps this computer busy", mostRehearsals),
			Hint: "wait until one has ended", Serving: app.NothingChanged, Exit: app.ExitPreflight,
		}
	}
	return leave, nil
}

// scale is how many times faster than ours the time of a rehearsal goes.
func (s *Server) scale() float64 {
	if s.options.Scale == 0 {
		return rehearse.DefaultScale
	}
	return s.options.Scale
}

func rehearsalKey(of string, faults []ground.Fault) string {
	return fmt.Sprint("rehearse ", of, " ", faults)
}

// original is the deployment, read once more unless it was observed with its
// machines already.
func (s *Server) original(ctx context.Context, session *app.Session, begun rehearsing) (*rehearse.Original, error) {
	if begun.state != nil {
		return rehearse.Seen(ctx, session, session.Runner(begun.credentials), *begun.state, begun.asked)
	}
	original, _, err := trying(s, begun.d, begun.credentials.SiteAdmin, func() (*rehearse.Original, error) {
		return rehearse.Read(ctx, session, begun.d, begun.credentials, begun.asked)
	})
	if errors.Is(err, errNotTried) {
		return nil, tooOften(begun.credentials.SiteAdmin)
	}
	return original, err
}

// rehearsalPage shows the report of a rehearsal.
func (s *Server) rehearsalPage(w http.ResponseWriter, r *http.Request) error {
	wk, known := s.book.Get(r.PathValue("id"))
	if !known {
		return notFound("The report of this rehearsal is no longer kept: it ended more than an hour ago, or the program was started again since.")
	}
	report, made := wk.Value(rehearsalKind).(rehearsalReport)
	switch {
	case !made:
		return leadTo(w, r, "/work/"+wk.ID)
	case report.era != s.pending.now():
		return notFound("This rehearsal was made by another sign-in.")
	}
	return s.write(w, http.StatusOK, "rehearsal", pages.Page{Title: "Rehearsal of " + report.Deployment, Active: "deployments", Data: report})
}

// rehearsalOffer is what a review offers: what can go wrong in a rehearsal, and the
// latest one of what is reviewed.
type rehearsalOffer struct {
	// Not says why there is none, "" when there is one.
	Not     string
	Action  string
	Lessons []lesson
	// Latest is the report of one that has ended, Going the page of one that goes on.
	Latest        *rehearsalReport
	Report, Going string
}

// offerOf is the offer of a review, whose machines are reached by this way.
func (s *Server) offerOf(action, of, reach string, lessons []lesson) rehearsalOffer {
	if reach == app.ReachDSC {
		return rehearsalOffer{Not: "The machines are to be reached by their own DSC. That way is not rehearsed, since its settings are in Azure alone, where nobody can read them."}
	}
	offer := rehearsalOffer{Action: action, Lessons: lessons}
	for _, wk := range s.book.Find(func(wk *work.Work) bool { return strings.HasPrefix(wk.Job().Key, "rehearse "+of+" ") }) {
		report, made := wk.Value(rehearsalKind).(rehearsalReport)
		switch {
		case made && offer.Latest == nil && report.era == s.pending.now():
			offer.Latest, offer.Report = &report, "/rehearsals/"+wk.ID
		case !made && !wk.Ended():
			offer.Going = "/work/" + wk.ID
		}
	}
	return offer
}
