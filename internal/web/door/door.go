// Package door decides who may come in to the pages: one person, on this
// computer, by an address that was shown to them.
//
//   - The pages listen on loopback addresses only ([Listen]).
//   - An address with a token is shown to the person ([Door.Address]). It is good
//     once and for some minutes, and is exchanged for a cookie, which is what
//     every other request needs. Whoever has neither gets the stylesheet, and a
//     page that says how to come in.
//   - A page of another origin cannot act in the person's name: the cookie is
//     SameSite=Strict, the name that was asked for must be ours (a name that is
//     rebound to 127.0.0.1 is not), and so must be the origin of a request.
//   - Cookies do not know ports: what listens on another port of 127.0.0.1, maybe
//     of another user of this computer, gets those of 127.0.0.1. So the address
//     has a name of its own under localhost, which nobody else can know.
//   - On Linux, where other users see the arguments with which a browser is
//     started, connections of other users are not accepted at all.
//   - After a time without a person, or when they say so, the door is shut: no
//     cookie is good any more. See [Door.Lock].
//   - Sizes and times of requests are bounded.
//
// What it does not guard against is another program of the same user: that can
// read what the person can.
package door

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// DefaultIdle is after how long without a person the pages lock themselves.
const DefaultIdle = 30 * time.Minute

// Options are what a Door is made of.
type Options struct {
	// Idle is after how long without a person the door shuts; 0 is DefaultIdle.
	Idle time.Duration
	// OnLock is told that the door was shut, to forget what only the person may
	// have. Nil is fine.
	OnLock func()
	// Refuse answers who is not let in. Headers are set, nothing is written. Nil
	// answers in plain text.
	Refuse func(http.ResponseWriter, *http.Request, Refusal)
	// ByNumber gives addresses with 127.0.0.1 in them, for computers whose
	// browsers do not know that names under localhost are here.
	ByNumber bool
}

// Door guards the pages. Use [New].
type Door struct {
	options Options
	host    string          // of the addresses that are shown
	hosts   map[string]bool // all that are ours, with the port
	cookie  string          // its name, which holds the port: cookies do not know ports

	mu       sync.Mutex
	token    ticket
	sessions []digest // of the cookies that are good, oldest first
	locked   bool     // somebody was in before
	locks    int      // how often the door was shut
	seen     time.Time
	timer    *time.Timer
	streams  map[*context.CancelFunc]context.CancelFunc

	large chan struct{} // see inTurn
}

// New makes a door for what listens at addr, which must be a loopback address.
func New(addr net.Addr, options Options) (*Door, error) {
	at, isTCP := addr.(*net.TCPAddr)
	if !isTCP || !at.IP.IsLoopback() {
		return nil, fmt.Errorf("%s is no address of this computer alone: pages are for one person, and are served on 127.0.0.1 and ::1 only", addr)
	}
	if options.Idle == 0 {
		options.Idle = DefaultIdle
	}
	if options.Refuse == nil {
		options.Refuse = func(w http.ResponseWriter, _ *http.Request, refusal Refusal) {
			http.Error(w, refusal.Title+". "+refusal.Text+" "+refusal.Next, refusal.Status)
		}
	}
	d := &Door{
		options: options, host: "127.0.0.1", hosts: map[string]bool{},
		cookie:  fmt.Sprintf("cartouche-%d", at.Port),
		streams: map[*context.CancelFunc]context.CancelFunc{},
		large:   make(chan struct{}, largeAtOnce),
	}
	if at.IP.To4() == nil {
		d.host = "[::1]"
	}
	own := "cartouche-" + strings.ToLower(randomText()[:12]) + ".localhost"
	if !options.ByNumber {
		d.host = own
	}
	for _, name := range []string{"127.0.0.1", "localhost", "[::1]", own} {
		d.hosts[fmt.Sprintf("%s:%d", name, at.Port)] = true
		if at.Port == 80 {
			d.hosts[name] = true // which browsers leave out
		}
	}
	d.host = fmt.Sprintf("%s:%d", d.host, at.Port)
	return d, nil
}

// open is what is shown to everybody on this computer: the stylesheet and its
// like, which the page of a refusal needs, too.
const open = "/assets/"

// Guard lets through to pages what may come in.
func (d *Door) Guard(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		for _, wrong := range []func(*http.Request) *Refusal{d.wrongHost, wrongMethod, strangePath, foreign, badBody} {
			if refusal := wrong(r); refusal != nil {
				d.refuse(w, r, *refusal)
				return
			}
		}
		switch {
		case r.URL.Path == enterPath:
			d.enter(w, r)
			return
		case strings.HasPrefix(r.URL.Path, open):
			pages.ServeHTTP(w, r)
			return
		}
		before := d.shut()
		if refusal := d.admit(r); refusal != nil {
			d.refuse(w, r, *refusal)
			return
		}
		defer d.forgetAfter(before)
		defer d.boundBody(w, r)()
		if isStream(r) {
			var end context.CancelFunc
			r, end = d.stream(r)
			defer end()
		}
		pages.ServeHTTP(w, r)
	})
}

func (d *Door) refuse(w http.ResponseWriter, r *http.Request, refusal Refusal) {
	if refusal.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", strings.Join(methods, ", "))
	}
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // what was sent is not read
	}
	d.options.Refuse(w, r, refusal)
}

func (d *Door) wrongHost(r *http.Request) *Refusal {
	if d.hosts[strings.ToLower(r.Host)] {
		return nil
	}
	return &Refusal{
		Status: http.StatusMisdirectedRequest, Code: "wrong-host", Title: "This is not the address of these pages",
		Text: "They were asked for under another name or port than their own, as a page on the internet would do it that wants to reach into this computer.",
		Next: newAddress,
	}
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost}

func wrongMethod(r *http.Request) *Refusal {
	for _, method := range methods {
		if r.Method == method {
			return nil
		}
	}
	return &Refusal{
		Status: http.StatusMethodNotAllowed, Code: "method", Title: "These pages do not know that kind of request",
		Text: "They answer GET, HEAD and POST.",
	}
}

// strangePath refuses paths that mean another one: nobody gets them by a link
// of ours, and what is decided by a path must not depend on who cleans it.
func strangePath(r *http.Request) *Refusal {
	asked := r.URL.Path
	clean := path.Clean("/" + asked)
	if len(asked) > 1 && strings.HasSuffix(asked, "/") {
		clean += "/"
	}
	if asked == clean && !strings.ContainsAny(asked, "\\\x00") {
		return nil
	}
	return &Refusal{
		Status: http.StatusBadRequest, Code: "path", Title: "This address cannot be read",
		Text: "It has parts in it that no address of these pages has.",
	}
}

// isStream tells that events are asked for, which go on by themselves. A program
// need not say that it wants them: their addresses do.
func isStream(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream") || strings.HasSuffix(r.URL.Path, "/events")
}

// stream makes a request end when the door is shut.
func (d *Door) stream(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	key := &cancel
	d.mu.Lock()
	d.streams[key] = cancel
	d.mu.Unlock()
	return r.WithContext(ctx), func() {
		d.mu.Lock()
		delete(d.streams, key)
		d.mu.Unlock()
		cancel()
	}
}

// endStreams ends what goes on by itself.
func (d *Door) endStreams() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, cancel := range d.streams {
		cancel()
	}
}
