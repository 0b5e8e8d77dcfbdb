package web

import (
	"context"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// Replacing the certificates of a deployment's machines, page by page: by what,
// with which logins, the plan. What was answered is in an errand.

func (s *Server) replaceRoutes() {
	base := "/deployments/{id}/machines"
	s.handle("GET "+base, func(w http.ResponseWriter, r *http.Request) error {
		return leadTo(w, r, "/deployments/"+r.PathValue("id")+"/machines/certificates")
	})
	s.handle("GET "+base+"/certificates", s.ofReplacing(false, s.showReplaceBy))
	s.handle("POST "+base+"/certificates", s.ofReplacing(false, s.takeReplaceBy))
	s.handle("GET "+base+"/logins", s.ofReplacing(true, func(w http.ResponseWriter, _ *http.Request, c replacing) error {
		return s.showLogins(w, c.plan(wizard.Credentials), c.errand, "deployments")
	}))
	s.handle("POST "+base+"/logins", s.ofReplacing(true, func(w http.ResponseWriter, r *http.Request, c replacing) error {
		return s.planWithLogins(w, r, c.plan(wizard.Credentials), c.prepare(s))
	}))
	s.handle("GET "+base+"/review", s.ofReplacing(true, s.showReplacement))
	s.handle("POST "+base+"/review", s.ofReplacing(true, s.replaceNow))
}

// replacing is a deployment whose machines are to get new certificates.
type replacing struct {
	listed
	errand *errand
	by     replaceBy
}

func replaceKey(path string) string { return "replace " + path }

// ofReplacing finds the deployment and what was answered; said tells that it must
// have been said by what the certificates are replaced.
func (s *Server) ofReplacing(said bool, h func(http.ResponseWriter, *http.Request, replacing) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		list, sent, err := s.found(w, r)
		if sent || err != nil {
			return err
		}
		chosen, known := list.byPath(r.PathValue("id"))
		if !known {
			return notFound("There is no such deployment among those that you may see.")
		}
		c := replacing{listed: chosen, errand: s.errand(replaceKey(chosen.path))}
		c.errand.Lock()
		c.by = c.errand.replace
		if said && c.by.source == "" {
			c.errand.notice = "Say first where the certificates come from."
		}
		c.errand.Unlock()
		if said && c.by.source == "" {
			return leadTo(w, r, c.base()+"/certificates")
		}
		return h(w, r, c)
	}
}

func (c replacing) base() string { return "/deployments/" + c.path + "/machines" }

// step is what the pages have in common.
func (c replacing) step(at wizard.Step) step {
	said := c.by.source != ""
	c.errand.Lock()
	asked := c.errand.asked
	c.errand.Unlock()
	return step{Base: c.base(), Marks: []wizard.Mark{
		{Step: "certificates", Title: "Certificates", Answer: c.by.text(), Done: said, Current: at == wizard.Certificate, Open: at != wizard.Certificate},
		{Step: "logins", Title: "Logins", Done: asked, Current: at == wizard.Credentials, Open: said && at != wizard.Credentials},
		{Step: "review", Title: "Review", Current: at == wizard.Review, Open: said && asked && at != wizard.Review},
	}}
}

// plan is the errand of it.
func (c replacing) plan(at wizard.Step) errandPlan {
	return errandPlan{
		key: replaceKey(c.path), title: "Looking at the machines of " + c.Name + " and making the plan", gateway: c.GatewayID, deployment: c.ID,
		logins: c.base() + "/logins", action: c.base() + "/logins", next: c.base() + "/review",
		step:   c.step(at),
		crumbs: []crumb{{"Deployments", "/"}, {c.Name, "/deployments/" + c.path}, {"Certificates of the machines", c.base() + "/certificates"}},
		lead:   "The site administrator changes the certificates at the machines. The logins are tried there right away, and the plan is made. That changes nothing.",
	}
}

// prepare looks at the machines and makes the plan.
func (c replacing) prepare(s *Server) func(context.Context, *app.Session, asked) (pending, error) {
	return func(ctx context.Context, session *app.Session, with asked) (pending, error) {
		ready, err := session.LookAtMachines(ctx, c.Deployment, with.credentials, with.reach, with.noClaim)
		if err != nil {
			return pending{}, err
		}
		if err := ready.Alone(ctx); err != nil {
			return pending{}, err
		}
		return pending{machines: ready}, ready.PlanFor(c.by.goal(s.options.App.Now()))
	}
}

// replaceByPage is machines-certificates.html.
type replaceByPage struct {
	step
	Name                     string
	Crumbs                   []crumb
	Source                   rollout.Source
	Days, Default, Most      int
	AuthorityFile            string
	Products                 []productField
	Anew, KeepOld, Undrained bool
	Wrong                    map[string]string
	Back                     string
}

func (s *Server) showReplaceBy(w http.ResponseWriter, _ *http.Request, c replacing) error {
	crumbs := c.plan(wizard.Certificate).crumbs
	page := replaceByPage{
		step: c.step(wizard.Certificate), Name: c.Name, Crumbs: crumbs[:2], Source: c.by.source, Days: c.by.days, Default: rollout.DefaultLeafDays, Most: mostDays,
		AuthorityFile: c.by.authorityFile, Products: productFields(c.Deployment, c.by),
		Anew: c.by.anew, KeepOld: c.by.keepOld, Undrained: c.by.undrained, Back: "/deployments/" + c.path,
	}
	if page.Source == "" {
		page.Source = rollout.Fresh
	}
	if page.Days == 0 {
		page.Days = rollout.DefaultLeafDays
	}
	c.errand.Lock()
	defer c.errand.Unlock()
	page.Wrong = c.errand.wrong
	switch {
	case page.Wrong["ca"]+page.Wrong["ca-password"] != "":
		page.Source = rollout.FromAuthority
	case page.Wrong["pfx"]+page.Wrong["pfx-password"] != "":
		page.Source = rollout.FromPFX
	}
	if c.errand.notice != "" {
		page.Notice = &pages.Notice{Kind: "info", Title: c.errand.notice}
		c.errand.notice = ""
	}
	return s.write(w, http.StatusOK, "machines-certificates", pages.Page{Title: "Certificates of the machines", Active: "deployments", Scripts: []string{"drop.js", "forget.js"}, Data: page})
}

// takeReplaceBy takes what the certificates are to be replaced by.
func (s *Server) takeReplaceBy(w http.ResponseWriter, r *http.Request, c replacing) error {
	form, err := wizard.ReadUpload(w, r, "ca-password", "pfx-password")
	c.errand.Lock()
	if err != nil {
		c.errand.notice = unreadableForm(err)
	} else {
		c.errand.wrong = c.errand.replace.take(form, productFields(c.Deployment, c.by))
		c.errand.turn++
	}
	again := err != nil || len(c.errand.wrong) > 0
	c.errand.Unlock()
	s.pending.forget(replaceKey(c.path))
	if again {
		return leadTo(w, r, c.base()+"/certificates")
	}
	return leadTo(w, r, c.base()+"/logins")
}

// replacementPage is machines-review.html.
type replacementPage struct {
	step
	Crumbs []crumb
	Name   string
	Answer string
	Plan   machinesPlan

	Rehearsal rehearsalOffer
}

func (s *Server) showReplacement(w http.ResponseWriter, r *http.Request, c replacing) error {
	kept, sent, err := s.prepared(w, r, c.plan(wizard.Review), "deployments", c.prepare(s))
	if sent || err != nil {
		return err
	}
	c.errand.Lock()
	reach := c.errand.reach
	c.errand.Unlock()
	page := replacementPage{step: c.step(wizard.Review), Crumbs: c.plan(wizard.Review).crumbs[:2], Name: c.Name, Answer: kept.answer, Plan: machinesPlanOf(kept.machines),
		Rehearsal: s.offerOf(c.base()+"/rehearse", kept.answer, reach, lessonsAtMachines)}
	return s.write(w, http.StatusOK, "machines-review", pages.Page{Title: "Review the plan", Active: "deployments", Data: page})
}

// replaceNow starts what was shown, and leads to its run.
func (s *Server) replaceNow(w http.ResponseWriter, r *http.Request, c replacing) error {
	answer := r.PostFormValue("plan")
	kept, there := s.pending.get(replaceKey(c.path), s.options.App.Now())
	if there && kept.answer == answer && kept.machines.Failure() == nil {
		kept, there = s.pending.take(replaceKey(c.path), answer)
	} else {
		there = false
	}
	if run := s.answered(answer); !there && run != nil {
		return s.showWork(w, r, run)
	}
	if !there {
		return leadTo(w, r, c.base()+"/review") // it was made anew: look again
	}
	s.errands.done(replaceKey(c.path))
	return s.showWork(w, r, s.startAtMachines("Replacing the machines’ certificates of "+c.Name, "/deployments/"+c.path, answer, kept.machines,
		func(ctx context.Context, report app.MachinesReport) error {
			return kept.machines.Apply(ctx, s.options.SignKey, report)
		}))
}
