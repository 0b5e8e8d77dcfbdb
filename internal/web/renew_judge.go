package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// judge opens a file, unless it is open already, and judges what is in it for the
// chosen deployment; then it leads to where that is shown.
func (s *Server) judge(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal, next string, open func() (*pki.Bundle, error)) error {
	renewal.Lock()
	turn, d, asked, name := renewal.Turn, *renewal.Deployment, renewalOf(renewal), renewal.Chosen.File.Name
	renewal.Unlock()
	job := work.Job{Kind: "check", Title: "Checking " + name, Key: fmt.Sprint(renewal.ID, " check ", turn), Next: next, Back: next}
	return s.showWork(w, r, s.begin(job, func(ctx context.Context, session *app.Session) (any, error) {
		bundle, err := open()
		var judged pki.Findings
		if err == nil {
			judgement, _ := session.JudgeFile(ctx, bundle, session.CriteriaOf(d, asked, session.Roots))
			judged = judgement.Findings // with what it is refused for
		}
		renewal.Lock()
		defer renewal.Unlock()
		if renewal.Turn != turn {
			return nil, nil // something else was said meanwhile
		}
		if err != nil {
			renewal.Wrong = unopened(name, err)
			if renewal.Wrong["pfx"] != "" {
				renewal.Chosen.File = wizard.File{}
			}
			return nil, nil
		}
		described := pki.Describe(bundle.Leaf)
		renewal.Chosen.Bundle, renewal.Chosen.Judged, renewal.Chosen.Description = bundle, judged, &described
		return nil, nil
	}))
}

// unopened says by field why a file could not be opened.
func unopened(name string, err error) map[string]string {
	f := app.Explain(err)
	if f.Code == "wrong-password" {
		return map[string]string{"password": "This password does not open " + name + ". The file is kept: type its password again."}
	}
	return map[string]string{"pfx": name + ": " + pages.Sentences(f.Message, f.Hint)}
}
