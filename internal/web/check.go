package web

import (
	"context"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// Judging a file, or what a host serves. Nobody is signed in for it.

func (s *Server) checkRoutes() {
	s.handle("GET /check", func(w http.ResponseWriter, _ *http.Request) error { return s.showCheck(w, checked{}) })
	s.handle("POST /check", s.check)
	s.handle("GET /check/{work}", func(w http.ResponseWriter, r *http.Request) error {
		wk, there := s.book.Get(r.PathValue("work"))
		if there && wk.Job().Kind == checkKind {
			result, err := wk.Result()
			if shown, ok := result.(checked); ok && err == nil {
				return s.showCheck(w, shown)
			}
		}
		return leadTo(w, r, "/check")
	})
}

const checkKind = "check"

// checked is what came of a check, and check.html. It holds no secret.
type checked struct {
	// Host and Names were typed, Wrong says by field what is wrong with what was.
	Host, Names   string
	AssumeTrusted bool
	Wrong         map[string]string
	// What was judged, "" for nothing yet.
	What        string
	OK          bool
	Certificate *pki.Description
	Left        *pages.Badge
	Chain       []pki.Description
	Handshakes  []handshake.Observation
	About       []about
}

func (s *Server) showCheck(w http.ResponseWriter, page checked) error {
	return s.write(w, http.StatusOK, "check", pages.Page{Title: "Check a certificate", Active: "check", Scripts: []string{"drop.js", "forget.js"}, Data: page})
}

// check judges what was sent, as work of the server.
func (s *Server) check(w http.ResponseWriter, r *http.Request) error {
	form, err := wizard.ReadUpload(w, r, "password")
	if err != nil {
		return badRequest(unreadableForm(err))
	}
	page := checked{Host: form.Value("host"), Names: form.Value("for"), AssumeTrusted: form.Value("assume-trusted") != "", Wrong: map[string]string{}}
	file, given := form.File("pfx")
	what := file.Name
	if !given {
		what = page.Host
	}
	job := work.Job{Kind: checkKind, Title: "Checking " + what, Page: "/check/", Back: "/check"}
	return s.showWork(w, r, s.book.Start(job, func(ctx context.Context, wk *work.Work) (any, error) {
		a := s.options.App.With(wk)
		network, err := a.Network()
		if err != nil {
			return nil, err
		}
		criteria := pki.Criteria{Now: a.Now(), Names: namesTyped(page.Names), Roots: app.KnownRoots(network), AssumeTrusted: page.AssumeTrusted}
		switch {
		case given == (page.Host != ""):
			page.Wrong["host"] = "Choose a file, or type a host: one of the two."
		case given:
			bundle, err := pki.ReadPFX(file.Data, form.Secret("password"))
			clear(file.Data)
			if app.IsWrongPassword(err) {
				page.Wrong["password"] = "This is not the password of " + file.Name + ". Choose the file again and type its password."
				return page, nil
			} else if err != nil {
				page.Wrong["pfx"] = unusableFile(file.Name, err)
				return page, nil
			}
			value, _ := app.CheckFile(ctx, network, file.Name, bundle, criteria)
			page.judged(file.Name, value.OK, &value.Certificate, value.Findings, criteria)
			page.Chain = value.Chain
		default:
			target, err := handshake.ParseTarget(page.Host)
			if err != nil {
				page.Wrong["host"] = pages.Sentences(page.Host + ": " + err.Error())
				return page, nil
			}
			value, first, _ := a.CheckHost(ctx, network, target, criteria)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			page.judged(value.Target, value.OK, value.Certificate, value.Findings, criteria)
			page.Handshakes = value.Observations
			if first != nil {
				for _, cert := range first.Chain {
					page.Chain = append(page.Chain, pki.Describe(cert))
				}
			}
		}
		return page, nil
	}))
}

// judged takes over what was found out.
func (c *checked) judged(what string, ok bool, certificate *pki.Description, findings pki.Findings, by pki.Criteria) {
	c.What, c.OK, c.Certificate, c.About = what, ok, certificate, abouts(findings)
	for i := range c.About {
		c.About[i].Here = "" // this is no page of a renewal
	}
	if certificate != nil {
		days := pki.DaysUntil(certificate.NotAfter, by.Now)
		c.Left = &pages.Badge{Kind: pages.UrgencyOf(days), Text: pages.Days(days)}
	}
}
