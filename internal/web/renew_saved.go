package web

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// Plans as files: the one of a review is saved, and one that was saved is carried
// out, here or by cartouche apply --plan.

// savePlan gives the plan that a review shows as a file. It holds no secret.
func (s *Server) savePlan(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	renewal.Lock()
	ready, made := renewal.Ready.(*app.Prepared)
	renewal.Unlock()
	if !made || ready.Failure() != nil {
		return leadTo(w, r, renewalPath(renewal, wizard.Review))
	}
	document, err := app.SavedPlan(ready.Plan)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="cartouche-plan-`+ready.Plan.Hash[:min(8, len(ready.Plan.Hash))]+`.json"`)
	_, _ = w.Write(document) // nobody is left to be told
	return nil
}

// takePlan takes a plan that was saved, and the file that it needs: it answers the
// deployment and the certificate.
func (s *Server) takePlan(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	back := renewalPath(renewal, wizard.Deployment)
	form, err := s.upload(w, r, renewal, back, "password")
	if form == nil {
		return err
	}
	wrong := map[string]string{}
	file, given := form.File("plan")
	var plan rotation.Plan
	if !given {
		wrong["plan"] = "Choose the file of the plan."
	} else if app.IsMachinesPlan(file.Data) {
		wrong["plan"] = file.Name + " is about the certificates of machines. The command line carries it out; here it is made anew, by “Replace their certificates” on the page of the deployment."
	} else if plan, err = app.ReadPlan(file.Data, ""); err != nil {
		f := app.Explain(err)
		wrong["plan"] = file.Name + ": " + pages.Sentences(f.Message, "It was not used")
	}
	pfx, givenPFX := form.File("pfx")
	var bundle *pki.Bundle
	if len(wrong) == 0 && plan.File != "" && givenPFX {
		if bundle, err = pki.ReadPFX(bytes.Clone(pfx.Data), form.Secret("password")); err != nil {
			for field, sentence := range unopened(pfx.Name, err) {
				wrong["plan-"+field] = strings.ReplaceAll(sentence, "The file is kept: type its password again.", "Choose both files again, and type its password.")
			}
		}
	} else if len(wrong) == 0 && plan.File != "" {
		wrong["plan-pfx"] = "This plan puts the certificate of " + path.Base(strings.ReplaceAll(plan.File, `\`, "/")) + " on the gateway: choose both files."
	}
	renewal.Lock()
	renewal.Wrong = wrong
	renewal.Unlock()
	if len(wrong) > 0 {
		return leadTo(w, r, back+"#plan")
	}
	job := work.Job{Kind: "look", Title: "Looking at the deployment of the plan", Key: renewal.ID + " plan " + plan.Hash, Next: renewalPath(renewal, wizard.Credentials), Back: back}
	return s.showWork(w, r, s.begin(job, func(ctx context.Context, session *app.Session) (any, error) {
		wrong := func(err error) error {
			f := app.Explain(err)
			renewal.Lock()
			defer renewal.Unlock()
			renewal.Wrong = map[string]string{"plan": pages.Sentences(f.Message, f.Hint)}
			return leadElsewhere(back + "#plan")
		}
		if plan.Cloud != session.In.Name {
			return nil, wrong(&app.Failure{Code: "usage", Message: "the plan is for the cloud " + plan.Cloud + ", and this sign-in for " + session.In.Name})
		}
		d, err := session.OfPlan(ctx, plan, nil)
		if err != nil {
			return nil, wrong(err)
		}
		renewal.Lock()
		defer renewal.Unlock()
		renewal.Choose(d, false)
		renewal.Chosen, renewal.Choices = answersOf(plan), choicesOf(plan)
		if bundle != nil {
			described := pki.Describe(bundle.Leaf)
			renewal.Chosen.File, renewal.Chosen.Bundle, renewal.Chosen.Description = pfx, bundle, &described
		}
		renewal.Saved = &plan
		renewal.Answers[wizard.Certificate] = chosenTitle(renewal.Chosen)
		renewal.Notice = "The plan that was saved will be carried out, if nothing has changed since. It says what the logins are for when you have given them."
		return nil, nil
	}))
}

// answersOf is the certificate that a plan was made with, as it is answered.
func answersOf(plan rotation.Plan) wizard.Chosen {
	c := wizard.Chosen{Source: wizard.Again}
	asked := app.VaultOfPlan(plan)
	switch {
	case plan.File != "" && asked.Vault != "":
		c.Source = wizard.Create
	case plan.File != "":
		c.Source = wizard.FromFile
	case asked.Vault != "":
		c.Source = wizard.FromVault
	case asked.Reference:
		c.Source = wizard.Follow
	}
	c.Vault, c.Name, c.Version = asked.Vault, asked.Certificate, asked.Version
	return c
}

// choicesOf are the advanced choices that a plan was made with. What else is known
// of authorities is no part of a plan: they are named again where they are needed.
func choicesOf(plan rotation.Plan) wizard.Choices {
	asked := app.Renewal{}.OfPlan(plan)
	return wizard.Choices{
		AssumeTrusted: asked.AssumeTrusted, AllowOlder: asked.AllowOlder, AllowWeaker: asked.AllowWeaker,
		Form: asked.Vault.Form(), Identity: asked.Vault.Identity, Reach: asked.Reach.Way,
	}
}
