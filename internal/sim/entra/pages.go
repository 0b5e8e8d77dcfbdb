package entra

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

//go:embed pages/*.html pages/style.css
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// page is what the templates show.
type page struct {
	Title, Problem, Number, Host string
	Action                       string
	Hidden                       url.Values
	User, Application, Tenant    string
	Permissions                  []string
	Text                         string
	Style                        template.CSS
	Nonce                        string // of style and script
}

// show renders a page that works without JavaScript.
func (s *Server) show(w http.ResponseWriter, status int, name string, p page) {
	style, _ := pageFiles.ReadFile("pages/style.css")
	p.Style, p.Nonce, p.Host = template.CSS(style), rand.Text(), s.options.Host
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name+".html", p); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-"+p.Nonce+"'; script-src 'nonce-"+p.Nonce+"'")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}

// showProblem ends a visit that cannot be sent back to a client.
func (s *Server) showProblem(w http.ResponseWriter, f *failure) {
	s.show(w, http.StatusBadRequest, "problem", page{Title: "Sorry, but we’re having trouble signing you in.", Text: f.Description})
}

// keepVisit remembers a visit between two pages; the name is in the form.
func (s *Server) keepVisit(v *visit) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, _ := s.visits.put(v)
	return url.Values{"ctx": {name}}
}

// takeVisit finds the visit of a form. Each page can be sent once.
func (s *Server) takeVisit(w http.ResponseWriter, r *http.Request) *visit {
	if f := readForm(r); f != nil {
		s.showProblem(w, f)
		return nil
	}
	s.mu.Lock()
	name := r.PostForm.Get("ctx")
	v, late, ok := s.visits.get(name)
	s.visits.drop(name)
	s.mu.Unlock()
	if !ok || late {
		s.showProblem(w, problem("invalid_request", 165000, "Invalid Request: the sign-in took too long, or the page was sent twice. Please start again.")) // guess: the text
		return nil
	}
	return v
}

func (s *Server) showSignIn(w http.ResponseWriter, v *visit, user string, wrong ...string) {
	p := page{Title: "Sign in", Action: "/" + v.tenantName + "/login", Hidden: s.keepVisit(v), User: v.hint, Application: v.application.Name}
	if user != "" {
		p.User = user
	}
	if len(wrong) == 2 {
		p.Number, p.Problem = wrong[0], wrong[1]
	}
	s.show(w, http.StatusOK, "signin", p)
}

// login takes the sign-in page. A wrong name or password is the person's to
// mend: the client hears nothing of it.
// Source: Microsoft Entra error codes 50034, 50126; the texts are those of the page.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	v := s.takeVisit(w, r)
	if v == nil {
		return
	}
	if r.PostForm.Has("cancel") {
		s.declined(w, v)
		return
	}
	user := clip(r.PostForm.Get("login"))
	p := s.person(user)
	switch {
	case p == nil:
		s.showSignIn(w, v, user, "AADSTS50034", "This username may be incorrect. Make sure you typed it correctly. Otherwise, contact your admin.")
	case subtle.ConstantTimeCompare([]byte(p.Password), []byte(r.PostForm.Get("passwd"))) != 1:
		s.showSignIn(w, v, user, "AADSTS50126", "Your account or password is incorrect. If you don’t remember your password, reset it now.")
	default:
		v.person = p
		s.openSession(w, p)
		s.afterSignIn(w, v)
	}
}

// afterSignIn looks whether the person belongs to the tenant, and asks for
// consent. Entra asks nothing of the kind for Microsoft's own programs when
// they come through the browser, and whether one is "trying to sign in to
// Microsoft Azure CLI" when they come by a code.
func (s *Server) afterSignIn(w http.ResponseWriter, v *visit) {
	tenant, f := s.tenantFor(v.person, v.tenantName, v.application)
	if f != nil {
		s.showProblem(w, f)
		return
	}
	v.tenant = tenant
	s.mu.Lock()
	consented := s.consents[v.consentKey()]
	s.mu.Unlock()
	if v.device == nil && v.prompt != "consent" && (consented || v.application.family && s.options.Guesses.TrustFirstParty) {
		s.giveCode(w, v)
		return
	}
	if v.prompt == "none" {
		f := problem("interaction_required", 65001, "The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource.", v.application.ClientID, v.application.Name)
		s.sendBack(w, v, url.Values{"error": {f.Code}, "error_description": {f.Description}})
		return
	}
	p := page{Title: "Permissions requested", Action: "/" + v.tenantName + "/consent", User: v.person.User, Application: v.application.Name, Tenant: tenant.Name, Permissions: s.permissions(v)}
	if v.device != nil {
		p.Title = "Are you trying to sign in to " + v.application.Name + "?"
	}
	p.Hidden = s.keepVisit(v)
	s.show(w, http.StatusOK, "consent", p)
}

func (v *visit) consentKey() string {
	return v.person.User + " " + v.tenant.ID + " " + strings.ToLower(v.application.ClientID) + " " + v.resource
}

// permissions says in words what a client asks for.
func (s *Server) permissions(v *visit) []string {
	out := []string{"View your basic profile"}
	for _, word := range v.scopes {
		switch word {
		case "offline_access":
			out = append(out, "Maintain access to data you have given it access to")
		case "openid", "profile", "email":
		default:
			out = append(out, "Act as you at "+strings.TrimRight(v.resource, "/"))
		}
	}
	return out
}

// consent takes the consent page.
func (s *Server) consent(w http.ResponseWriter, r *http.Request) {
	v := s.takeVisit(w, r)
	if v == nil {
		return
	}
	if v.person == nil || !r.PostForm.Has("accept") {
		s.declined(w, v)
		return
	}
	if v.device == nil {
		s.mu.Lock()
		s.consents[v.consentKey()] = true
		s.mu.Unlock()
		s.giveCode(w, v)
		return
	}
	s.mu.Lock()
	v.device.state, v.device.in = approved, v.signIn()
	s.mu.Unlock()
	s.show(w, http.StatusOK, "done", page{Title: v.application.Name, Text: "You have signed in to the " + v.application.Name + " application on your device. You may now close this window."})
}

// declined ends a visit that the person broke off.
// Source: Microsoft Entra error code 65004.
func (s *Server) declined(w http.ResponseWriter, v *visit) {
	if v.device != nil {
		s.mu.Lock()
		v.device.state = declined
		s.mu.Unlock()
		s.show(w, http.StatusOK, "done", page{Title: v.application.Name, Text: "You did not sign in. You may now close this window."})
		return
	}
	f := problem("access_denied", 65004, "User declined to consent to access the app.")
	s.sendBack(w, v, url.Values{"error": {f.Code}, "error_subcode": {"cancel"}, "error_description": {f.Description}})
}

// enterCode is the page of the device flow where the code is typed.
func (s *Server) enterCode(w http.ResponseWriter, r *http.Request) {
	p := page{Title: "Enter code to allow access", Action: r.URL.Path}
	if r.Method != http.MethodPost {
		s.show(w, http.StatusOK, "code", p)
		return
	}
	if f := readForm(r); f != nil {
		s.showProblem(w, f)
		return
	}
	d, late := s.deviceByCode(clip(r.PostForm.Get("otc")))
	switch {
	case d == nil:
		p.Number, p.Problem = "AADSTS70018", "That code didn’t work. Check the code and try again."
		s.show(w, http.StatusOK, "code", p)
	case late:
		p.Number, p.Problem = "AADSTS70019", "The code you entered has expired. Go back to your device, get a new code and try again."
		s.show(w, http.StatusOK, "code", p)
	default:
		s.showSignIn(w, &visit{tenantName: d.tenantName, application: d.application, resource: d.resource, scopes: d.scopes, device: d}, "")
	}
}
