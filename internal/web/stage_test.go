package web

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/web/door"
)

// stage is a server that listens, with a person who has come in. The person's
// browser keeps cookies, follows redirects and says where a form comes from.
type stage struct {
	*Server
	door   *door.Door
	base   string // http://127.0.0.1:PORT
	client *http.Client
}

func newStage(t *testing.T, options Options) *stage {
	t.Helper()
	return stageOf(t, New(t.Context(), options))
}

// stageOf serves a server that was made.
func stageOf(t *testing.T, s *Server) *stage {
	t.Helper()
	listeners, err := door.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := s.Open(listeners[0].Addr(), door.Options{ByNumber: true})
	if err != nil {
		t.Fatal(err)
	}
	server := opened.Server(s)
	for _, listener := range listeners {
		go func() { _ = server.Serve(listener) }()
	}
	t.Cleanup(func() { _ = server.Close() })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	st := &stage{Server: s, door: opened, base: "http://" + listeners[0].Addr().String(), client: &http.Client{Jar: jar}}
	entered, err := st.client.Get(opened.Address()) // whatever "/" then shows
	if err != nil {
		t.Fatal(err)
	}
	_ = entered.Body.Close()
	return st
}

// get asks for a page, and gives its status and its text.
func (st *stage) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, st.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return st.do(t, r)
}

// post sends a form as a page of ours does, and gives what is shown then.
func (st *stage) post(t *testing.T, path string, form url.Values) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, st.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", st.base)
	return st.do(t, r)
}

func (st *stage) do(t *testing.T, r *http.Request) (status int, body string) {
	t.Helper()
	answer, err := st.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	noFlags(t, answer.Request.URL.Path, string(text))
	return answer.StatusCode, string(text)
}
