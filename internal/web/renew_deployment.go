package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// mostOffered is how many deployments are offered at once; a search finds the others.
const mostOffered = 50

// showDeployments offers all deployments; those that cannot be updated stay in
// the list with the reason. One that the address names is taken at once.
func (s *Server) showDeployments(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	all, sent, err := s.found(w, r)
	if sent || err != nil {
		return err
	}
	if wanted := r.URL.Query().Get("deployment"); wanted != "" {
		if l, known := all.byPath(wanted); known && l.canUpdate {
			return s.chose(w, r, renewal, l.Deployment, false)
		}
	}
	query := filterOf(r.URL.Query())
	page := deploymentPage{Any: len(all.list) > 0, Searchable: len(all.list) > 10, Query: query.Text}
	renewal.Lock()
	defer renewal.Unlock()
	choosable := 0
	for i := range all.list {
		l := &all.list[i]
		if !query.matches(l, s.options.App.Now()) {
			continue
		}
		if page.Found++; page.Found > mostOffered {
			page.More++
			continue
		}
		row, badge := l.row(s.options.App.Now()), l.badge(s.options.App.Now())
		o := option{Value: row.Path, Text: row.Name, Hint: together(strings.Join(row.Names, ", "), row.Layout, strings.Join(row.Homes, ", "), cut(l.subscription, 40)), Badge: &badge}
		if !l.canUpdate {
			o.Refused = "Cannot be renewed here: " + cut(l.CannotUpdate, 300)
		} else {
			choosable++
		}
		o.Chosen = renewal.Deployment != nil && PathID(*renewal.Deployment) == row.Path
		page.List = append(page.List, o)
	}
	for i := range page.List {
		page.List[i].Chosen = page.List[i].Chosen || choosable == 1 && page.List[i].Refused == ""
	}
	if renewal.Gateway && renewal.Deployment != nil {
		page.Gateway, page.Names = renewal.Deployment.GatewayID, strings.Join(renewal.Deployment.GivenNames, ", ")
	}
	if wrong := renewal.Wrong["gateway"]; wrong != "" {
		page.Gateway, page.Names, page.GatewayError = renewal.Wrong["gateway-typed"], renewal.Wrong["names-typed"], wrong
	}
	page.Wrong = renewal.Wrong
	page.PlanOpen = renewal.Wrong["plan"]+renewal.Wrong["plan-pfx"]+renewal.Wrong["plan-password"] != ""
	page.step = s.stepOf(renewal, wizard.Deployment)
	return s.write(w, http.StatusOK, "renew-deployment", pages.Page{Title: "The deployment", Active: "deployments", Scripts: []string{"forget.js"}, Data: page})
}

// chooseDeployment takes one of the list, or any gateway by its resource id.
func (s *Server) chooseDeployment(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	back := renewalPath(renewal, wizard.Deployment)
	gateway, names := strings.TrimSpace(r.PostFormValue("gateway")), namesTyped(r.PostFormValue("names"))
	if gateway == "" {
		all, sent, err := s.found(w, r)
		if sent || err != nil {
			return err
		}
		l, known := all.byPath(r.PostFormValue("deployment"))
		if !known || !l.canUpdate {
			renewal.Lock()
			renewal.Notice = "Choose one of the deployments."
			renewal.Unlock()
			return leadTo(w, r, back)
		}
		return s.chose(w, r, renewal, l.Deployment, false)
	}
	wrong := func(text string) {
		renewal.Lock()
		defer renewal.Unlock()
		renewal.Wrong = map[string]string{"gateway": text, "gateway-typed": gateway, "names-typed": strings.Join(names, ", ")}
	}
	if !deployment.IsGatewayID(gateway) {
		wrong("That is not the resource id of an Application Gateway.")
		return leadTo(w, r, back)
	}
	next := renewalPath(renewal, wizard.Certificate)
	job := work.Job{Kind: "look", Title: "Reading the gateway " + app.LastSegment(gateway), Key: renewal.ID + " gateway " + gateway + " " + strings.Join(names, ","), Next: next, Back: back}
	return s.showWork(w, r, s.begin(job, func(ctx context.Context, session *app.Session) (any, error) {
		d, err := session.Choose(ctx, app.Target{Gateway: gateway, Names: names})
		if err != nil {
			f := app.Explain(err)
			wrong(pages.Sentences(f.Message, f.Hint))
			return nil, leadElsewhere(back)
		}
		renewal.Lock()
		defer renewal.Unlock()
		renewal.Choose(d, true)
		renewal.Wrong = nil
		return nil, nil
	}))
}

func (s *Server) chose(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal, d deployment.Deployment, gateway bool) error {
	renewal.Lock()
	renewal.Choose(d, gateway)
	renewal.Wrong = nil
	renewal.Unlock()
	return leadTo(w, r, renewalPath(renewal, wizard.Certificate))
}

// together joins what there is.
func together(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " · ")
}

// namesTyped reads names with commas or blanks between.
func namesTyped(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\t' || r == '\r' })
}
