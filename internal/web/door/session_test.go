package door

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var here = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8443}

// visit asks the door without a network.
func visit(d *Door, pages http.Handler, path string, cookie *http.Cookie, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8443"+path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if cookie != nil {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	d.Guard(pages).ServeHTTP(w, r)
	return w
}

var shown = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a page")) })

// comeIn opens a new address and gives the cookie.
func comeIn(t *testing.T, d *Door) *http.Cookie {
	t.Helper()
	w := visit(d, shown, pathOf(d.Address()), nil)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || len(cookies) != 1 {
		t.Fatalf("the address answered %d %v", w.Code, w.Header())
	}
	return cookies[0]
}

func newDoor(t *testing.T, options Options) *Door {
	t.Helper()
	d, err := New(here, options)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheCookie(t *testing.T) {
	t.Parallel()
	d := newDoor(t, Options{})
	w := visit(d, shown, pathOf(d.Address()), nil)
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" || !cookie.Expires.IsZero() || cookie.MaxAge != 0 {
		t.Errorf("cookie %+v", cookie)
	}
	if cookie.Name != "cartouche-8443" || len(cookie.Value) < 32 {
		t.Errorf("cookie %s=%s", cookie.Name, cookie.Value)
	}
	if w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Error("the address with the token may be told to the next page")
	}
	other := newDoor(t, Options{})
	if comeIn(t, other).Value == cookie.Value || visit(other, shown, "/", cookie).Code != http.StatusUnauthorized {
		t.Error("the cookie of one server is good for another")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t, Options{})
		path := pathOf(d.Address())
		in := visit(d, shown, path, nil).Result().Cookies()[0]
		if w := visit(d, shown, path, nil); w.Code != http.StatusForbidden || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), "press Enter") {
			t.Errorf("used again: %d %s", w.Code, w.Body)
		}
		if w := visit(d, shown, path, in); w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 0 {
			t.Errorf("used again by who is in: %d", w.Code)
		}
	})
	t.Run("not after a newer one", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t, Options{})
		old, young := pathOf(d.Address()), pathOf(d.Address())
		if w := visit(d, shown, old, nil); w.Code != http.StatusForbidden {
			t.Errorf("the old one: %d", w.Code)
		}
		if w := visit(d, shown, young, nil); w.Code != http.StatusSeeOther {
			t.Errorf("the new one, after a wrong one: %d", w.Code)
		}
	})
	t.Run("not used up by looking ahead", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t, Options{})
		path := pathOf(d.Address())
		if w := visit(d, shown, path, nil, "Sec-Purpose", "prefetch"); w.Code != http.StatusForbidden {
			t.Errorf("prefetch: %d", w.Code)
		}
		if w := visit(d, shown, path, nil); w.Code != http.StatusSeeOther {
			t.Errorf("after it: %d", w.Code)
		}
	})
	t.Run("for ten minutes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d := newDoor(t, Options{})
			path := pathOf(d.Address())
			time.Sleep(tokenLife + time.Second)
			if w := visit(d, shown, path, nil); w.Code != http.StatusForbidden {
				t.Errorf("late: %d", w.Code)
			}
			path = pathOf(d.Address())
			time.Sleep(tokenLife - time.Second)
			if w := visit(d, shown, path, nil); w.Code != http.StatusSeeOther {
				t.Errorf("in time: %d", w.Code)
			}
		})
	})
	t.Run("are long, and never the same", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t, Options{})
		seen := map[string]bool{}
		for range 100 {
			address, err := url.Parse(d.Address())
			if err != nil {
				t.Fatal(err)
			}
			token := address.Query().Get("token")
			if len(token) != 40 || seen[token] { // 200 bits
				t.Fatalf("token %q", token)
			}
			seen[token] = true
		}
	})
}

func TestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		locked := 0
		d := newDoor(t, Options{Idle: 30 * time.Minute, OnLock: func() { locked++ }})
		cookie := comeIn(t, d)
		for range 3 { // a person who comes back in time
			time.Sleep(29 * time.Minute)
			if w := visit(d, shown, "/", cookie, "Sec-Fetch-Dest", "document"); w.Code != http.StatusOK {
				t.Fatalf("in time: %d", w.Code)
			}
		}
		for range 6 { // a page that is open somewhere, and looks again by itself
			time.Sleep(6 * time.Minute)
			visit(d, shown, "/runs/1/events", cookie, "Accept", "text/event-stream")
			visit(d, shown, "/runs/1", cookie, "Sec-Fetch-Dest", "empty")
		}
		synctest.Wait()
		if locked != 1 {
			t.Fatalf("told %d times that it is locked", locked)
		}
		if w := visit(d, shown, "/", cookie); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "locked") {
			t.Errorf("after it: %d %s", w.Code, w.Body)
		}
		again := comeIn(t, d)
		if visit(d, shown, "/", again).Code != http.StatusOK || visit(d, shown, "/", cookie).Code != http.StatusUnauthorized {
			t.Error("a new address does not open it, or opened it for the old cookie")
		}
		d.Lock()
	})
}

// TestSleepOfTheComputer: timers do not count while it sleeps, the wall's clock does.
func TestSleepOfTheComputer(t *testing.T) {
	t.Parallel()
	locked := false
	d := newDoor(t, Options{OnLock: func() { locked = true }})
	cookie := comeIn(t, d)
	d.mu.Lock()
	d.seen = d.seen.Add(-DefaultIdle - time.Second)
	d.mu.Unlock()
	if w := visit(d, shown, "/", cookie); w.Code != http.StatusUnauthorized || !locked {
		t.Errorf("answered %d, locked %v", w.Code, locked)
	}
}

func TestStreamsEndAtTheLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Options{})
		cookie := comeIn(t, d)
		ended := make(chan error, 1)
		go visit(d, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			ended <- r.Context().Err()
		}), "/runs/1/events", cookie, "Accept", "text/event-stream")
		synctest.Wait()
		d.Lock()
		<-ended
		synctest.Wait()
		if len(d.streams) != 0 {
			t.Errorf("%d streams are remembered", len(d.streams))
		}
	})
}

func TestAFewBrowsersMayBeIn(t *testing.T) {
	t.Parallel()
	d := newDoor(t, Options{})
	first := comeIn(t, d)
	var last *http.Cookie
	for range maxSessions {
		last = comeIn(t, d)
	}
	if visit(d, shown, "/", first).Code != http.StatusUnauthorized || visit(d, shown, "/", last).Code != http.StatusOK {
		t.Error("the oldest was to leave, and nobody else")
	}
}

func TestOnlyThisComputer(t *testing.T) {
	t.Parallel()
	for _, addr := range []net.Addr{
		&net.TCPAddr{IP: net.IPv4zero, Port: 1}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, &net.TCPAddr{IP: net.IPv6unspecified, Port: 1},
		&net.TCPAddr{Port: 1}, &net.UnixAddr{Name: "x", Net: "unix"},
	} {
		if _, err := New(addr, Options{}); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, ip := range []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback} {
		if _, err := New(&net.TCPAddr{IP: ip, Port: 1}, Options{}); err != nil {
			t.Error(err)
		}
	}
}

// TestTheNameIsItsOwn: cookies of 127.0.0.1 go to every port of it, those of a
// name that nobody knows do not.
func TestTheNameIsItsOwn(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for range 2 {
		address, err := url.Parse(newDoor(t, Options{}).Address())
		if err != nil {
			t.Fatal(err)
		}
		if name := address.Hostname(); !strings.HasSuffix(name, ".localhost") || len(name) < 20 || names[name] {
			t.Errorf("the address has the name %s", name)
		}
		names[address.Hostname()] = true
	}
	if numbered := newDoor(t, Options{ByNumber: true}).Address(); !strings.HasPrefix(numbered, "http://127.0.0.1:8443/enter?token=") {
		t.Errorf("by number: %s", numbered)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	d := newDoor(t, Options{})
	cookie := comeIn(t, d)
	for _, w := range []*httptest.ResponseRecorder{visit(d, shown, "/", cookie), visit(d, shown, "/", nil), visit(d, shown, "/enter", nil)} {
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "",
		} {
			if got := w.Header().Get(name); !strings.HasPrefix(got, want) || got == "" {
				t.Errorf("%d: %s is %q", w.Code, name, got)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("the policy has no %s: %s", want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("the policy allows too much: %s", policy)
		}
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	listeners, err := Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, listener := range listeners {
		defer listener.Close()
		addr := listener.Addr().(*net.TCPAddr)
		if !addr.IP.IsLoopback() || addr.Port != listeners[0].Addr().(*net.TCPAddr).Port {
			t.Errorf("listens on %s", addr)
		}
	}
	if _, err := Listen(t.Context(), listeners[0].Addr().(*net.TCPAddr).Port); err == nil || !strings.Contains(err.Error(), "another program listens") {
		t.Errorf("a port that is taken: %v", err)
	}
}

// Whoever leaves leaves nothing behind, also when nothing ever asks again.
func TestTheDoorShutsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		locked := false
		d := newDoor(t, Options{Idle: time.Minute, OnLock: func() { locked = true }})
		comeIn(t, d)
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if !locked {
			t.Error("nobody is there, and it is open")
		}
	})
}
