package door

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// opened is a door with pages behind it, and the cookie of who has come in.
type opened struct {
	*Door
	addr   string // 127.0.0.1:PORT
	cookie string // name=value
	calls  chan string
}

// stage opens a door; its pages read what is sent, and tell which path they showed.
func stage(t *testing.T, options Options) *opened {
	t.Helper()
	listeners, err := Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	options.ByNumber = true
	d, err := New(listeners[0].Addr(), options)
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{Door: d, addr: listeners[0].Addr().String(), calls: make(chan string, 1000)}
	server := d.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, "not read whole: "+err.Error(), http.StatusBadRequest)
			return
		}
		o.calls <- r.Method + " " + r.URL.Path
		_, _ = io.WriteString(w, "SHOWN")
	}))
	for _, listener := range listeners {
		go func() { _ = server.Serve(listener) }()
	}
	t.Cleanup(func() { _ = server.Close() })
	_, cookie, _ := strings.Cut(o.raw(t, "GET "+pathOf(d.Address())+" HTTP/1.1\r\nHost: "+o.addr+"\r\n\r\n").Header.Get("Set-Cookie"), "=")
	value, _, _ := strings.Cut(cookie, ";")
	o.cookie = d.cookie + "=" + value
	return o
}

func pathOf(address string) string {
	return address[strings.Index(address, enterPath):]
}

// raw sends bytes as they are, on a connection of their own.
func (o *opened) raw(t *testing.T, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", o.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(conn, request) }() // may be refused while it is sent
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.80q: %v", request, err)
	}
	return answer
}

// nothingWasShown fails when an attack got as far as a page.
func (o *opened) nothingWasShown(t *testing.T) {
	t.Helper()
	select {
	case call := <-o.calls:
		t.Errorf("it got as far as the page: %s", call)
	default:
	}
}

// TestAttacksAreRefused does what others would: each row is a request that has
// the person's cookie, where the browser would send it or the attacker has it,
// and is refused all the same.
func TestAttacksAreRefused(t *testing.T) {
	t.Parallel()
	o := stage(t, Options{})
	form := "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n"
	port := o.addr[strings.LastIndex(o.addr, ":"):]
	cases := []struct {
		name, request string
		status        int
	}{
		{"a form of another site", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n" + form + "\r\na=b", 403},
		{"a form of another site, from a browser that says only the origin", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: https://evil.example\r\n" + form + "\r\na=b", 403},
		{"a form of another site, without its origin", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nSec-Fetch-Site: cross-site\r\n" + form + "\r\na=b", 403},
		{"a form of a frame in a sandbox", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: null\r\n" + form + "\r\na=b", 403},
		{"a form of another port of this computer", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: http://127.0.0.1:1\r\nSec-Fetch-Site: same-site\r\n" + form + "\r\na=b", 403},
		{"a form of our own name by https", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: https://HERE\r\n" + form + "\r\na=b", 403},
		{"two origins, one of them ours", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: http://HERE\r\nOrigin: https://evil.example\r\n" + form + "\r\na=b", 403},
		{"a script of another site reads", "GET /api/v1/deployments HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\r\n", 403},
		{"a page as a picture of another site", "GET /history HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n\r\n", 403},
		{"a page in a frame of another site", "GET /history HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n\r\n", 403},
		{"a preflight", "OPTIONS /api/v1/deployments HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n", 405},
		{"a name that is rebound to this computer", "GET / HTTP/1.1\r\nHost: evil.example" + port + "\r\nCOOKIE\r\n\r\n", 421},
		{"a name that begins like ours", "GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example" + port + "\r\nCOOKIE\r\n\r\n", 421},
		{"a name under localhost that is not ours", "GET / HTTP/1.1\r\nHost: evil.localhost" + port + "\r\nCOOKIE\r\n\r\n", 421},
		{"our name without the port", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCOOKIE\r\n\r\n", 421},
		{"our name with another port", "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\nCOOKIE\r\n\r\n", 421},
		{"an address written in another way", "GET / HTTP/1.1\r\nHost: 2130706433" + port + "\r\nCOOKIE\r\n\r\n", 421},
		{"no name", "GET / HTTP/1.0\r\nCOOKIE\r\n\r\n", 421},
		{"two names", "GET / HTTP/1.1\r\nHost: HERE\r\nHost: evil.example\r\nCOOKIE\r\n\r\n", 400},
		{"as a proxy", "GET http://evil.example/ HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\n\r\n", 421},
		{"no cookie", "GET /history HTTP/1.1\r\nHost: HERE\r\n\r\n", 401},
		{"a forged cookie", "GET /history HTTP/1.1\r\nHost: HERE\r\nCookie: NAME=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n", 401},
		{"an empty cookie", "GET /history HTTP/1.1\r\nHost: HERE\r\nCookie: NAME=\r\n\r\n", 401},
		{"the cookie under another name", "GET /history HTTP/1.1\r\nHost: HERE\r\nCookie: cartouche=VALUE\r\n\r\n", 401},
		{"a forged token", "GET /enter?token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: HERE\r\n\r\n", 403},
		{"no token", "GET /enter HTTP/1.1\r\nHost: HERE\r\n\r\n", 403},
		{"an empty token, when none is out", "GET /enter?token= HTTP/1.1\r\nHost: HERE\r\n\r\n", 403},
		{"deleting", "DELETE /history HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\n\r\n", 405},
		{"putting", "PUT /history HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nContent-Length: 0\r\n\r\n", 405},
		{"tracing, which would show the cookie", "TRACE / HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\n\r\n", 405},
		{"a tunnel", "CONNECT HERE HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\n\r\n", 405},
		{"a method of nobody", "FROB / HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\n\r\n", 405},
		{"out of what is open", "GET /assets/../history HTTP/1.1\r\nHost: HERE\r\n\r\n", 400},
		{"the same, written in another way", "GET /assets/%2e%2e/history HTTP/1.1\r\nHost: HERE\r\n\r\n", 400},
		{"the same by a slash", "GET /assets/..%2fhistory HTTP/1.1\r\nHost: HERE\r\n\r\n", 400},
		{"the same by a backslash", "GET /assets/..%5chistory HTTP/1.1\r\nHost: HERE\r\n\r\n", 400},
		{"two slashes", "GET //evil.example/ HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\n\r\n", 400},
		{"an end in the middle", "GET /history%00.css HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\n\r\n", 400},
		{"headers that are too large", "GET / HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nX-Large: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431},
		{"a form that is too large", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n\r\n", 413},
		{"a file that is too large", "POST /renew HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 99999999999\r\n\r\n", 413},
		{"text, which a form of another site can send", "POST /api/v1/check HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415},
		{"something without a kind", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nContent-Length: 2\r\n\r\n{}", 415},
		{"a body where none belongs", "GET / HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\n" + form + "\r\na=b", 415},
		{"two lengths", "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\na=b", 400},
	}
	name, value, _ := strings.Cut(o.cookie, "=")
	for _, attack := range cases {
		t.Run(attack.name, func(t *testing.T) {
			request := strings.NewReplacer("HERE", o.addr, "COOKIE", "Cookie: "+o.cookie, "NAME", name, "VALUE", value).Replace(attack.request)
			answer := o.raw(t, request)
			if answer.StatusCode != attack.status {
				t.Errorf("answered %d, want %d", answer.StatusCode, attack.status)
			}
			body, _ := io.ReadAll(answer.Body)
			if strings.Contains(string(body), "SHOWN") || bytes.Contains(body, []byte(value)) {
				t.Errorf("answered %q", body)
			}
			if answer.Header.Get("Access-Control-Allow-Origin") != "" || answer.Header.Get("Server") != "" {
				t.Errorf("headers %v", answer.Header)
			}
			o.nothingWasShown(t)
		})
	}
}

// TestWhatThePersonDoesIsLetIn are the same kinds of request as they come from
// the person's own browser, or from their script.
func TestWhatThePersonDoesIsLetIn(t *testing.T) {
	t.Parallel()
	o := stage(t, Options{})
	port := o.addr[strings.LastIndex(o.addr, ":"):]
	form := "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n"
	for name, request := range map[string]string{
		"a page":                   "GET /history HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n",
		"an address that is typed": "GET /history HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n",
		"a link of another page":   "GET /history HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n",
		"by localhost":             "GET /history HTTP/1.1\r\nHost: LocalHost" + port + "\r\nCOOKIE\r\n\r\n",
		"by its other number":      "GET /history HTTP/1.1\r\nHost: [::1]" + port + "\r\nCOOKIE\r\n\r\n",
		"a form":                   "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: http://HERE\r\nSec-Fetch-Site: same-origin\r\n" + form + "\r\na=b",
		"a button":                 "POST /lock HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nOrigin: http://HERE\r\nContent-Length: 0\r\n\r\n",
		"a script of the person's": "POST /api/v1/check HTTP/1.1\r\nHost: HERE\r\nCOOKIE\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
		"a cookie among others":    "GET /history HTTP/1.1\r\nHost: HERE\r\nCookie: a=b; NAME=old\r\nCOOKIE\r\n\r\n",
		"the stylesheet, for all":  "GET /assets/style.css HTTP/1.1\r\nHost: HERE\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			answer := o.raw(t, strings.NewReplacer("HERE", o.addr, "COOKIE", "Cookie: "+o.cookie, "NAME", o.Door.cookie).Replace(request))
			if answer.StatusCode != http.StatusOK {
				body, _ := io.ReadAll(answer.Body)
				t.Errorf("answered %d: %s", answer.StatusCode, body)
			}
			<-o.calls
		})
	}
}

// TestAMethodInAHeaderIsNotBelieved: nothing here reads what would make a GET a POST.
func TestAMethodInAHeaderIsNotBelieved(t *testing.T) {
	t.Parallel()
	o := stage(t, Options{})
	o.raw(t, fmt.Sprintf("GET /lock?_method=POST HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nX-HTTP-Method-Override: POST\r\nX-HTTP-Method: POST\r\n\r\n", o.addr, o.cookie))
	if call := <-o.calls; call != "GET /lock" {
		t.Errorf("the page saw %s", call)
	}
}

// TestABodyIsBoundedWhateverItSays: in pieces, without a length beforehand.
func TestABodyIsBoundedWhateverItSays(t *testing.T) {
	t.Parallel()
	o := stage(t, Options{})
	piece := fmt.Sprintf("%x\r\n%s\r\n", 32<<10, strings.Repeat("a", 32<<10))
	answer := o.raw(t, fmt.Sprintf("POST /lock HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n", o.addr, o.cookie)+
		strings.Repeat(piece, 4)+"0\r\n\r\n")
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "too large") {
		t.Errorf("answered %d: %s", answer.StatusCode, body)
	}
	o.nothingWasShown(t)
}
