package web

import (
	"context"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// cleanView is the page that shows what would be removed.
type cleanView struct {
	Name, DeploymentID string
	Answer             string
	Entries            []string
	Soaking            []rotation.Soaking
	// Now tells that what soaks goes, too.
	Now bool
	// Path is that of the page: the gateway's, or the machines'.
	Path string
	// Machines tells that this is about what replacing the certificates of machines
	// has left; Removals, Roots and Returns go then, Kept stays.
	Machines bool
	Removals []rollout.Removal
	Roots    []string
	Returns  []string
	Kept     []string
	// Count is how much goes.
	Count int
}

// cleanAsked is what a request to clean is about.
type cleanAsked struct {
	listed
	machines, now bool
	soak          rotation.Soak
}

// page is the address where it is shown.
func (c cleanAsked) page() string {
	if c.machines {
		return "/deployments/" + c.path + "/clean/machines"
	}
	return "/deployments/" + c.path + "/clean"
}

// errand is the cleaning as it is prepared.
func (c cleanAsked) errand() errandPlan {
	p := errandPlan{
		key: "clean " + c.path, title: "Looking what runs have left on " + c.Name, gateway: c.GatewayID, deployment: c.ID, optional: true,
		crumbs: []crumb{{"Deployments", "/"}, {c.Name, "/deployments/" + c.path}},
		lead:   "The gateway can be cleaned without a login. With the site administrator’s, Portal’s federation is looked at, too.",
		logins: c.page() + "?logins=1", action: c.page() + "/logins", next: c.page(),
	}
	if c.machines {
		p.key, p.title, p.optional = "clean machines "+c.path, "Looking what is left at the machines of "+c.Name, false
		p.lead = "To see what replacing the machines’ certificates has left there, the site administrator signs in at the machines. Nothing is changed by that."
	}
	if c.now {
		p.key, p.logins, p.action, p.next = p.key+" now", p.logins+"&now=1", p.action+"?now=1", p.next+"?now=1"
	}
	return p
}

// plan finds what would go.
func (c cleanAsked) plan(ctx context.Context, session *app.Session, with asked) (pending, error) {
	if !c.machines {
		cleaning, err := session.PrepareClean(ctx, c.Deployment, with.credentials, app.Looking{Reach: with.reach, NoLease: with.noClaim}, c.soak)
		if err != nil {
			return pending{}, err
		}
		return pending{ready: cleaning.Prepared, cleaning: cleaning}, nil
	}
	ready, err := session.LookAtMachines(ctx, c.Deployment, with.credentials, with.reach, with.noClaim)
	if err != nil {
		return pending{}, err
	}
	if err := ready.Alone(ctx); err != nil {
		return pending{}, err
	}
	left, err := ready.PlanClean(ctx, c.soak)
	return pending{machines: ready, left: left}, err
}

// cleanOf finds what a request to clean is about. sent tells that the
// deployments are looked for first.
func (s *Server) cleanOf(w http.ResponseWriter, r *http.Request, machines bool) (asked cleanAsked, sent bool, err error) {
	list, sent, err := s.found(w, r)
	if sent || err != nil {
		return asked, sent, err
	}
	chosen, known := list.byPath(r.PathValue("id"))
	if !known {
		return asked, false, notFound("There is no such deployment among those that you may see.")
	}
	asked = cleanAsked{listed: chosen, machines: machines, now: r.URL.Query().Get("now") != "", soak: rotation.Soak{Now: s.options.App.Now(), For: rotation.DefaultSoak}}
	if asked.now {
		asked.soak.For = 0
	}
	return asked, false, nil
}

// cleanPage shows what would go.
func (s *Server) cleanPage(machines bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		asked, sent, err := s.cleanOf(w, r, machines)
		if sent || err != nil {
			return err
		}
		kept, sent, err := s.prepared(w, r, asked.errand(), "deployments", asked.plan)
		if sent || err != nil {
			return err
		}
		view := cleanView{Name: asked.Name, DeploymentID: asked.path, Answer: kept.answer, Now: asked.now, Path: asked.page(), Machines: machines}
		if machines {
			view.Removals, view.Roots, view.Kept, view.Soaking = kept.left.Entries, kept.left.Roots, kept.left.Kept, kept.left.Soaking
			for _, member := range kept.left.Returns {
				view.Returns = append(view.Returns, member.Address+" to pool "+member.Pool)
			}
			view.Count = len(view.Removals) + len(view.Roots)
		} else {
			view.Entries, view.Soaking = kept.cleaning.Entries, kept.cleaning.Soaking
			view.Count = len(view.Entries)
		}
		return s.write(w, http.StatusOK, "clean", pages.Page{Title: "Clean up " + asked.Name, Active: "deployments", Data: view})
	}
}

// cleanLogins takes the logins with which is looked at what would go.
func (s *Server) cleanLogins(machines bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		asked, sent, err := s.cleanOf(w, r, machines)
		if sent || err != nil {
			return err
		}
		return s.planWithLogins(w, r, asked.errand(), asked.plan)
	}
}

// cleanNow removes what was shown.
func (s *Server) cleanNow(machines bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		asked, sent, err := s.cleanOf(w, r, machines)
		if sent || err != nil {
			return err
		}
		errand := asked.errand()
		kept, ok := s.pending.take(errand.key, r.PostFormValue("plan"))
		if run := s.answered(r.PostFormValue("plan")); !ok && run != nil {
			return s.showWork(w, r, run)
		}
		if !ok || kept.nothingLeft() {
			return leadTo(w, r, errand.next)
		}
		s.errands.done(errand.key)
		title, back := "Cleaning "+asked.Name, "/deployments/"+asked.path
		if machines {
			return s.showWork(w, r, s.startAtMachines(title, back, kept.answer, kept.machines,
				func(ctx context.Context, report app.MachinesReport) error {
					return kept.machines.Clean(ctx, kept.left, s.options.SignKey, report)
				}))
		}
		return s.showWork(w, r, s.startPrepared(title, back, kept.answer, kept.ready,
			func(ctx context.Context, report app.Report) error {
				return kept.cleaning.Clean(ctx, s.options.SignKey, report)
			}))
	}
}

// nothingLeft tells that there is nothing to clean.
func (p pending) nothingLeft() bool {
	if p.cleaning != nil {
		return len(p.cleaning.Entries) == 0
	}
	return p.left.Nothing()
}
