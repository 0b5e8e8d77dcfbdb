// Package web is the pages of Cartouche: what the command line does, in a
// browser, for one person on their own computer.
//
// A request walks like this: package door lets it in, or answers it itself; a
// handler parses what was sent, asks the application layer, makes of what that says
// the value that a template shows, and package pages writes it into the frame. There
// is no logic in handlers, since the command line needs the same. What takes longer
// than a moment is begun as work of the server (package work), which goes on when
// nobody looks: the answer leads to the page of its progress, and that leads on. An
// error that a handler returns becomes a page, too.
//
// What a person has typed or been shown, and not yet said yes to, is kept in memory
// and nowhere else: renewals (package wizard), errands (errands.go), plans that wait
// for a yes (pending.go), what was found (found.go) and looked at (looks.go). Secrets
// among it go when the pages are locked, and all of it with the sign-in it came by.
//
// The files, by page:
//
//	every page            server.go, access.go (the door), fail.go and failure.go (errors),
//	                      status.go, live.go (parts that change while one looks)
//	/work/ID              workbegin.go, workpage.go
//	/                     deployments.go; find.go, found.go; list*.go
//	/deployments/ID       deployment.go; look.go, looks.go, shape.go; package portrait, package topology
//	…/clean, …/machines   cleanpage.go, replace*.go, machinesview.go
//	/renew/ID/STEP        renew*.go, review.go, compare.go, abouts.go; package wizard
//	…/rehearse            rehearse.go, rehearseview.go, as /rehearsals/ID; rehearseshape.go; package rehearse
//	/sign-in, /tenant …   signedin.go, signin.go, signingin.go, tenant.go
//	/runs/ID              runs.go, run*.go; begin.go and runstart.go begin one; package watch
//	/runs/ID/undo         runback.go; errand*.go and prepare.go, as for cleaning and machines
//	/history              history*.go, changesview.go, evidence.go, outcome.go
//	/upload, /uploaded    upload.go
//	/world                world.go, practice.go
//	/api/v1, /api         api*.go
package web

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// Options are what a Server is made of.
type Options struct {
	// App is what the pages do their work with: the same as the command line.
	App *app.App
	// Version is the program's.
	Version string
	// World is the name of the simulated world, "" for the real one.
	World string
	// SignKey signs the evidence of the runs that the pages begin, nil for none.
	SignKey *evidence.Key
	// Simulated is that world, for its panel; nil for the real one.
	Simulated *sim.World
	// Scale is how many times faster than ours the time of rehearsals goes; zero is
	// as fast as those of the command line.
	Scale float64
}

// Server is the pages, for one person.
type Server struct {
	options Options
	// ctx ends with the server. What goes on when a tab is closed is started with
	// it, never with the context of a request.
	ctx      context.Context
	mux      *http.ServeMux
	patterns []string  // of the routes, as they were added
	onLock   []func()  // see atLock
	practice *practice // of the simulated world
	book     *work.Book
	lookAt   looker
	looks    looks
	errands  errands  // work at deployments that is being prepared
	pending  pendings // plans that wait for a yes
	// rehearsals is how many go on.
	rehearsals atomic.Int32

	finder      finder // of deployments
	deployments foundKeeper
	signed      signedIn
	renewals    *wizard.Book
	uploads     *wizard.Book // files that are to be put into a Key Vault, and nothing else
	attempts    *wizard.Attempts
}

// New makes the pages. What they start ends in order when ctx ends.
func New(ctx context.Context, options Options) *Server {
	s := &Server{options: options, ctx: ctx, mux: http.NewServeMux(), book: work.NewBook(ctx, time.Now)}
	s.finder = s.findInAzure
	if options.App == nil { // a test of pages that ask nothing
		s.options.App = &app.App{Lookup: func(string) string { return "" }, Now: time.Now}
	}
	s.renewals, s.attempts = wizard.NewBook(time.Now), wizard.NewAttempts(time.Now)
	s.atLock(s.renewals.Lock)
	context.AfterFunc(ctx, func() { // nobody will go on with it
		s.signed.mu.Lock()
		defer s.signed.mu.Unlock()
		s.giveUp(context.WithoutCancel(ctx))
	})
	for _, add := range []func(){
		s.frameRoutes,
		s.worldRoutes,
		s.deploymentsRoutes,
		s.historyRoutes,
		s.workRoutes,
		s.deploymentRoutes,
		s.runRoutes,
		s.signInRoutes,
		s.renewRoutes,
		s.uploadRoutes,
		s.replaceRoutes,
		s.rehearseRoutes,
		s.claimRoutes,
		s.checkRoutes,
		s.apiRoutes,
	} {
		add()
	}
	return s
}

// ServeHTTP serves the pages to whom the door has let in; see [Server.Open].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// handler answers a request. An error that it returns becomes a page (under
// /api/ JSON) that says what happened, what is serving now and what to do next;
// then it must not have written anything.
type handler func(w http.ResponseWriter, r *http.Request) error

// handle adds a route; pattern is one of http.ServeMux with its method, such as
// "GET /runs/{id}".
func (s *Server) handle(pattern string, h handler) {
	s.patterns = append(s.patterns, pattern)
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		defer s.rescue(w)
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// leadTo answers a request with another page: after a form, so that a reload
// sends nothing twice.
func leadTo(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// write answers with a page, in its frame.
func (s *Server) write(w http.ResponseWriter, status int, name string, page pages.Page) error {
	page.Frame = s.frame()
	return pages.Write(w, status, name, page)
}

// frame is what is the same on every page.
func (s *Server) frame() pages.Frame {
	person, in := s.person()
	return pages.Frame{Person: person, Cloud: in, Version: s.options.Version, World: s.options.World}
}
