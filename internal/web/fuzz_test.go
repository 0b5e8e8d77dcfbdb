package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// FuzzPages asks for any address and sends any form, as somebody whom the door has
// let in: no page or program's answer is a mistake of the program, and no password
// that was sent comes back. Nobody is signed in, and the network leads nowhere.
func FuzzPages(f *testing.F) {
	const typed = "typed-canary-7Qx"
	state := f.TempDir()
	lookup := func(name string) string {
		return map[string]string{"CARTOUCHE_STATE_DIR": state, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "LANG": "C.UTF-8"}[name]
	}
	s := New(f.Context(), Options{App: &app.App{Now: time.Now, Lookup: lookup, Version: "v0"}})
	renewal := s.renewals.Begin()
	forms := []string{
		"password=" + typed, "from=file&password=" + typed, "plan=x", "deployment=x", "site-admin=a&site-admin-password=" + typed,
		"internal=issue&valid-days=99999999999999999999", "subscription=x&tenant=y&client-secret=" + typed, "day=2026-99-99", "pfx=" + typed + "&reach=" + typed,
	}
	for i, pattern := range s.patterns {
		method, path, found := strings.Cut(pattern, " ")
		if !found {
			method, path = http.MethodPost, pattern
		}
		for _, id := range []string{"x", renewal.ID, "20261127-2200-abcd"} {
			f.Add(method == http.MethodPost, wildcard.ReplaceAllString(path, id)+"?day=2026-12-24", forms[i%len(forms)], "1", i%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, post bool, target, body, last string, files bool) {
		at, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") || len(body) > 64<<10 {
			return
		}
		method, kind := http.MethodGet, "application/x-www-form-urlencoded"
		if post {
			method = http.MethodPost
		}
		if files {
			kind = "multipart/form-data; boundary=x"
			fields, err := url.ParseQuery(body)
			if err != nil {
				return
			}
			var form strings.Builder
			for name, values := range fields {
				for _, value := range values {
					form.WriteString("--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n")
				}
			}
			body = form.String() + "--x--\r\n"
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, method, "http://127.0.0.1:8443/", strings.NewReader(body))
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = at.Path, at.RawPath, at.RawQuery, target
		r.Header.Set("Content-Type", kind)
		if strings.HasSuffix(at.Path, "/events") {
			r.Header.Set("Accept", "text/event-stream")
		}
		r.Header["Last-Event-Id"] = []string{last}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError || strings.Contains(w.Body.String(), "mistake in the program") {
			t.Errorf("%s %s answers %d:\n%s", method, target, w.Code, plain(w.Body.String()))
		}
		if strings.Contains(w.Body.String()+w.Header().Get("Location"), typed) && !strings.Contains(target, typed) {
			t.Errorf("%s %s shows what was typed as a password:\n%s", method, target, plain(w.Body.String()))
		}
	})
}
