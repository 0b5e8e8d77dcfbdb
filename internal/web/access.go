package web

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/web/door"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// Open makes the door to the pages for what listens at addr.
func (s *Server) Open(addr net.Addr, options door.Options) (*door.Door, error) {
	options.Refuse = s.refuse
	options.OnLock = func() {
		for _, forget := range s.onLock {
			forget()
		}
	}
	opened, err := door.New(addr, options)
	if err != nil {
		return nil, err
	}
	s.handle("POST /lock", func(w http.ResponseWriter, r *http.Request) error {
		opened.Lock()
		return leadTo(w, r, "/") // where it is said how to come in again
	})
	return opened, nil
}

// atLock adds what is forgotten when the pages are locked: secrets that were
// typed. What goes on goes on.
func (s *Server) atLock(forget func()) { s.onLock = append(s.onLock, forget) }

// refuse tells somebody who was not let in why, and what to do.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, refusal door.Refusal) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		refuseAPI(w, refusal)
		return
	}
	notice := pages.Notice{Kind: "warning", Title: "What to do", Text: refusal.Text}
	if refusal.Next != "" {
		notice.Next = []string{refusal.Next}
	}
	if refusal.Status == http.StatusUnauthorized {
		// A link in another program leads here without the cookie; one of our own has it.
		notice.Link, notice.LinkText = "/", "Try again"
		if r.Method == http.MethodGet {
			notice.Link = r.URL.RequestURI() // a path of this server: package door has looked at it
		}
	}
	if refusal.Status == http.StatusRequestEntityTooLarge {
		notice.Link, notice.LinkText = cameFrom(r), "Back to the form"
	}
	err := pages.Write(w, refusal.Status, "error", pages.Page{
		Title: refusal.Title, Bare: true, Frame: pages.Frame{Version: s.options.Version}, Data: notice,
	})
	if err != nil {
		http.Error(w, refusal.Title, refusal.Status)
	}
}

// cameFrom is the page of ours with the form that was sent, as the browser says.
func cameFrom(r *http.Request) string {
	page, err := url.Parse(r.Referer())
	if err != nil || page.Host != r.Host {
		return "/"
	}
	return ownPath(page.RequestURI())
}

// refuseAPI is the same in the form of every failure of the API.
func refuseAPI(w http.ResponseWriter, refusal door.Refusal) {
	type failure struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.Status)
	_ = json.NewEncoder(w).Encode(struct { // nobody is left to be told
		Error failure `json:"error"`
		Exit  int     `json:"exit"`
	}{failure{refusal.Code, refusal.Title + ". " + refusal.Text, refusal.Next}, refusedExit})
}

// refusedExit is with what a command would end that is not permitted.
const refusedExit = 4
