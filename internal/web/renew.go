package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// The wizard: a renewal is prepared page by page, in the order of Cloud Builder's
// own. What was answered is in package wizard; nothing is changed anywhere before
// the review's yes.

func (s *Server) renewRoutes() {
	s.handle("POST /renew", s.beginRenewal)
	s.handle("GET /renew", s.mayBegin)
	s.handle("GET /renew/{wizard}", s.ofRenewal("", s.goOn))
	for _, page := range []struct {
		step      wizard.Step
		show, set renewalHandler
	}{
		{wizard.Deployment, s.showDeployments, s.chooseDeployment},
		{wizard.Certificate, s.showCertificate, s.giveCertificate},
		{wizard.Credentials, s.showCredentials, s.giveCredentials},
		{wizard.Review, s.showReview, nil},
	} {
		s.handle("GET /renew/{wizard}/"+string(page.step), s.ofRenewal(page.step, page.show))
		if page.set != nil {
			s.handle("POST /renew/{wizard}/"+string(page.step), s.ofRenewal(page.step, page.set))
		}
	}
	s.handle("POST /renew/{wizard}/certificate/use", s.ofRenewal(wizard.Certificate, s.useCertificate))
	s.handle("POST /renew/{wizard}/choices", s.ofRenewal(wizard.Certificate, s.setChoices))
	s.handle("POST /renew/{wizard}/plan", s.ofRenewal(wizard.Deployment, s.takePlan))
	s.handle("GET /renew/{wizard}/plan.json", s.ofRenewal(wizard.Review, s.savePlan))
	s.handle("POST /renew/{wizard}/again", s.ofRenewal(wizard.Review, s.planAgain))
	s.handle("POST /renew/{wizard}/go", s.ofRenewal(wizard.Review, s.goNow))
}

// renewalHandler answers a request about a renewal. It takes the renewal's lock
// itself, and never while it waits.
type renewalHandler func(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error

// ofRenewal finds the renewal, and leads to the step before that is not answered.
func (s *Server) ofRenewal(at wizard.Step, h renewalHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		renewal, known := s.renewals.Find(r.PathValue("wizard"))
		if !known {
			if run := s.answered(r.PathValue("wizard")); run != nil && r.Method == http.MethodPost {
				return s.showWork(w, r, run) // Go was clicked twice
			}
			return s.write(w, http.StatusNotFound, "error", pages.Page{Title: "This renewal is no longer kept", Data: pages.Notice{
				Kind: "info", Title: "It has ended, or nobody went on with it for long",
				Text: "What was typed is gone, and nothing was changed by it. A run that was started goes on: it is under History.",
				Link: "/", LinkText: "To the deployments",
			}})
		}
		_, _ = s.login(r.Context()) // who cannot be signed in by what was kept is asked
		renewal.Lock()
		s.answerSignIn(renewal)
		missing, sentence := renewal.Answers.Missing(at)
		if at != "" && missing != "" {
			renewal.Notice = cmp.Or(renewal.Notice, sentence) // why it is missing says more
		}
		renewal.Unlock()
		if at != "" && missing != "" {
			return leadTo(w, r, renewalPath(renewal, missing))
		}
		return h(w, r, renewal)
	}
}

// goOn leads to the first step that is not answered.
func (s *Server) goOn(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	renewal.Lock()
	missing, _ := renewal.Answers.Missing(wizard.Review)
	renewal.Unlock()
	if missing == "" {
		missing = wizard.Review
	}
	return leadTo(w, r, renewalPath(renewal, missing))
}

// mayBegin leads to where a renewal is begun: browsers ask for addresses that they
// only guess somebody will want, and begin nothing by that.
func (s *Server) mayBegin(w http.ResponseWriter, r *http.Request) error {
	if wanted := r.URL.Query().Get("deployment"); wanted != "" {
		return leadTo(w, r, "/deployments/"+url.PathEscape(wanted))
	}
	return leadTo(w, r, "/")
}

// beginRenewal makes a renewal, of a certain deployment if it is named.
func (s *Server) beginRenewal(w http.ResponseWriter, r *http.Request) error {
	renewal := s.renewals.Begin()
	wanted := r.PostFormValue("deployment")
	path := renewalPath(renewal, "")
	if wanted != "" {
		path = renewalPath(renewal, wizard.Deployment) + "?" + url.Values{"deployment": {wanted}}.Encode()
	}
	return leadTo(w, r, path)
}

func renewalPath(renewal *wizard.Renewal, at wizard.Step) string {
	return strings.TrimSuffix("/renew/"+renewal.ID+"/"+string(at), "/")
}

// stepOf is what the pages of a renewal have in common. Its notice is told once.
func (s *Server) stepOf(renewal *wizard.Renewal, at wizard.Step) step {
	common := step{Base: renewalPath(renewal, ""), Marks: renewal.Answers.Marks(at)}
	if renewal.Notice != "" {
		common.Notice = &pages.Notice{Kind: "info", Title: renewal.Notice}
		renewal.Notice = ""
	}
	return common
}

// upload reads a form of the wizard. What cannot be read is told on the page it
// came from.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal, back string, secrets ...string) (*wizard.Upload, error) {
	form, err := wizard.ReadUpload(w, r, secrets...)
	if err == nil {
		return form, nil
	}
	notice := "What was sent could not be read. Please choose the file once more."
	if _, tooLarge := errors.AsType[*wizard.TooLargeError](err); tooLarge {
		notice = "What was sent is too large: a .pfx file has some kilobytes, and 4 MiB are the most that is taken."
	}
	renewal.Lock()
	renewal.Notice = notice
	renewal.Unlock()
	return nil, leadTo(w, r, back)
}
