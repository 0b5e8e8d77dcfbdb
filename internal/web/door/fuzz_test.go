package door

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzRequest sends whatever a stranger may, with the person's cookie when good:
// what gets as far as a page was asked for under a name of ours, by a method that
// is known, from no other origin, and by the person.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/history", "127.0.0.1:8443", "", "", "same-origin", "", "", true)
	f.Add("POST", "/lock", "127.0.0.1:8443", "http://127.0.0.1:8443", "", "", "application/x-www-form-urlencoded", "a=b", true)
	f.Add("GET", "/assets/../history", "evil.example:8443", "null", "cartouche-8443=x; a=b", "cross-site", "text/plain", "", false)
	f.Add("GET", "/enter?token=x", "[::1]:8443", "https://127.0.0.1:8443", "", "none", "multipart/form-data; boundary=x", "--x", false)
	door, err := New(here, Options{ByNumber: true})
	if err != nil {
		f.Fatal(err)
	}
	cookie := visit(door, shown, pathOf(door.Address()), nil).Result().Cookies()[0]
	f.Fuzz(func(t *testing.T, method, target, host, origin, cookies, site, kind, body string, good bool) {
		at, err := url.ParseRequestURI(target)
		if err != nil || len(body) > 1<<16 {
			return
		}
		r := &http.Request{
			Method: method, URL: at, Host: host, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
		for name, value := range map[string]string{"Origin": origin, "Cookie": cookies, "Sec-Fetch-Site": site, "Content-Type": kind} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if good {
			r.AddCookie(cookie)
		}
		came := false
		w := httptest.NewRecorder()
		door.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			came = true
			_, _ = io.Copy(io.Discard, r.Body)
		})).ServeHTTP(w, r)
		if w.Header().Get("Content-Security-Policy") == "" || strings.Contains(w.Body.String(), cookie.Value) {
			t.Errorf("answered with %v %q", w.Header(), w.Body)
		}
		if !came {
			return
		}
		person := good || strings.HasPrefix(at.Path, open)
		ours := slices.Contains([]string{"127.0.0.1:8443", "localhost:8443", "[::1]:8443"}, strings.ToLower(host))
		from := origin == "" || strings.EqualFold(origin, "http://"+host)
		if !person || !ours || !from || !slices.Contains(methods, method) || strings.Contains(at.Path, "..") && strings.HasPrefix(at.Path, open) && !good {
			t.Errorf("a page was shown: by the person %v, under our name %v, from here %v", person, ours, from)
		}
	})
}
