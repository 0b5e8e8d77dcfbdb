package web

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
)

// deploymentRoutes are the page of one deployment and those of its certificates.
func (s *Server) deploymentRoutes() {
	s.lookAt = s.lookInAzure
	s.handle("GET /deployments/{id}", s.deployment)
	s.handle("POST /deployments/{id}/look", s.lookAgain)
	s.handle("GET /deployments/{id}/shape", s.saveShape)
	s.handle("GET /deployments/{id}/certificates/{sha256}", s.certificate)
}

// pathID is what [PathID] makes; nothing else is looked for.
var pathID = regexp.MustCompile(`^[a-z2-7]{16}$`)

// deployment shows a deployment as it was last looked at; the first time it is
// looked at now.
func (s *Server) deployment(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if !pathID.MatchString(id) {
		return s.notFound(w, r)
	}
	day, ok := dayAsked(r)
	if !ok {
		return leadTo(w, r, r.URL.Path)
	}
	seen, known := s.looks.get(id)
	if !known {
		if _, sent, err := awaited[portrait.Seen](w, r, s.look(id, lookLogin{})); sent || err != nil {
			return err
		}
		if seen, known = s.looks.get(id); !known { // somebody else has signed in meanwhile, or something was changed
			return leadTo(w, r, r.URL.RequestURI())
		}
	}
	return s.write(w, http.StatusOK, "deployment", pages.Page{
		Title: seen.State.Deployment.Name, Active: "deployments", Scripts: []string{"dates.js", "forget.js"}, Data: portrait.Of(seen, id, day),
	})
}

// dayAsked is the day as of which everything is to be judged, zero without one,
// and not ok when it is none.
func dayAsked(r *http.Request) (day time.Time, ok bool) {
	text := r.URL.Query().Get("at")
	if text == "" {
		return day, true
	}
	day, err := time.Parse(time.DateOnly, text)
	return day, err == nil
}

// lookAgain looks at a deployment once more, at its machines too where the site
// administrator's login is given.
func (s *Server) lookAgain(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if !pathID.MatchString(id) {
		return s.notFound(w, r)
	}
	login := lookLogin{
		siteAdmin: strings.TrimSpace(r.PostFormValue("site-admin")),
		password:  secret.New(r.PostFormValue("site-admin-password")),
		reach:     r.PostFormValue("reach"),
	}
	if !login.whole() {
		return s.write(w, http.StatusUnprocessableEntity, "error", pages.Page{Title: "A login is a name and a password", Active: "deployments", Data: pages.Notice{
			Kind: "warning", Title: "One of the two is missing", Text: "The machines were not looked at. Nothing was sent anywhere.",
			Link: "/deployments/" + id + "#look", LinkText: "Back to the deployment",
		}})
	}
	return s.showWork(w, r, s.look(id, login))
}

// whole tells whether a login has both parts, or none.
func (l lookLogin) whole() bool { return (l.siteAdmin == "") == l.password.Empty() }

// certificate tells about one certificate of a look.
func (s *Server) certificate(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	day, ok := dayAsked(r)
	seen, known := s.looks.get(id)
	if !known || !ok { // the way to it leads through the deployment
		if !pathID.MatchString(id) {
			return s.notFound(w, r)
		}
		return leadTo(w, r, "/deployments/"+id)
	}
	about, found := portrait.OfCertificate(seen, id, r.PathValue("sha256"), day)
	if !found {
		return s.notFound(w, r)
	}
	return s.write(w, http.StatusOK, "certificate", pages.Page{Title: about.Name, Active: "deployments", Data: about})
}
