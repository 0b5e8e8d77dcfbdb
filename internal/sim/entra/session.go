package entra

import "net/http"

// sessionCookie is what keeps a person signed in in a browser; Entra's has
// this name, too.
const sessionCookie = "ESTSAUTH"

func (s *Server) openSession(w http.ResponseWriter, p *Person) {
	s.mu.Lock()
	name, ok := s.sessions.put(p.User)
	s.mu.Unlock()
	if ok {
		http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode})
	}
}

// session is who is signed in in the browser of a request, or nil.
func (s *Server) session(r *http.Request) *Person {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	user, late, ok := s.sessions.get(cookie.Value)
	s.mu.Unlock()
	if !ok || late {
		return nil
	}
	return s.person(user)
}

// logout signs out of the browser (OpenID Connect RP-Initiated Logout). A way
// back is followed only if it is an address of a known client.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		s.sessions.drop(cookie.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", Secure: true, HttpOnly: true, MaxAge: -1})
	if back := r.URL.Query().Get("post_logout_redirect_uri"); back != "" {
		clients := firstParty
		for _, tenant := range s.options.Tenants {
			clients = append(clients[:len(clients):len(clients)], tenant.Applications...)
		}
		for _, client := range clients {
			if s.mayRedirect(client, back) {
				http.Redirect(w, r, back, http.StatusFound)
				return
			}
		}
	}
	s.show(w, http.StatusOK, "done", page{Title: "You signed out of your account", Text: "It’s a good idea to close all browser windows."})
}
