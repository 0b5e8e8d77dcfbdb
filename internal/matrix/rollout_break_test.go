package matrix_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// intruder stands between a client and everything that it asks for, Azure and
// machines alike, its agents' requests included, and breaks the n-th of it.
type intruder struct {
	scene   *scene
	process *process // who may be killed
	n       int      // which request, from 1; 0 is none
	how     intrusion
	// then breaks once more, at the first request that it fits from the after-th on
	// that comes after the first break.
	then   *intrusion
	after  int
	others *rolloutOthers

	mu     sync.Mutex
	count  int
	struck string   // what the n-th was
	seen   []string // all of them
	again  string   // what was broken once more
	since  int      // requests since the first break
	// until is when it is over with what lasts.
	until  time.Time
	killed chan struct{}
}

// kill ends the process, once.
func (i *intruder) kill() {
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case <-i.killed:
	default:
		close(i.killed)
		i.process.kill()
	}
}

// wait waits, unless the client gives up or the case is over.
func (i *intruder) wait(r *http.Request, d time.Duration) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(i.scene.t.Context(), cancel)()
	_ = i.scene.world.Ground().Clock.Wait(ctx, d)
}

// intrusion is a way to break a request on the side of the world.
type intrusion struct {
	name string
	// machines: only a request to a machine can be broken so; azure likewise.
	machines, azure bool
	// lasting cuts every request for as long; claims wants a claim on the
	// deployment; quick a gateway that carries a change out in ten seconds.
	lasting       time.Duration
	claims, quick bool
	do            func(i *intruder, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter))
}

var intrusions = []intrusion{
	{name: "killed before", do: func(i *intruder, _ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) {
		i.kill()
		ground.Cut(r)
	}},
	{name: "killed after", do: func(i *intruder, _ http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		i.kill()
		ground.Unseen(r, serve)
	}},
	{name: "reset before", do: func(_ *intruder, _ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) { ground.Cut(r) }},
	{name: "reset after", do: func(_ *intruder, _ http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		ground.Unseen(r, serve)
	}},
	{name: "no answer", do: func(i *intruder, _ http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		// Ten minutes are more than anybody waits, and the world ends some time.
		i.wait(r, 10*time.Minute)
		ground.Cut(r)
	}},
	{name: "a minute late", do: func(i *intruder, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		i.wait(r, time.Minute)
		serve(w)
	}},
	{name: "401", do: refusal(http.StatusUnauthorized, `{"error":{"code":"ExpiredAuthenticationToken","message":"The access token expiry UTC time is earlier than current UTC time."}}`)},
	{name: "409", azure: true, do: refusal(http.StatusConflict, `{"error":{"code":"AnotherOperationInProgress","message":"Another operation on this or dependent resource is in progress."}}`)},
	{name: "412", azure: true, do: refusal(http.StatusPreconditionFailed, `{"error":{"code":"PreconditionFailed","message":"Precondition failed."}}`)},
	{name: "429", do: refusal(http.StatusTooManyRequests, `{"error":{"code":"TooManyRequests","message":"The request is being throttled."}}`)},
	{name: "500", do: refusal(http.StatusInternalServerError, `{"error":{"code":"InternalServerError","message":"An error occurred."}}`)},
	{name: "503", do: refusal(http.StatusServiceUnavailable, `{"error":{"code":"ServerTimeout","message":"The server is temporarily unable to process the request."}}`)},
	{name: "a page instead", do: refusal(http.StatusOK, "<!DOCTYPE html><title>Sign in to the hotel's network</title>")},
	{name: "another document", do: refusal(http.StatusOK, `{"name":"something else","properties":{"provisioningState":"Succeeded"}}`)},
	{name: "token refused", machines: true, do: refusal(http.StatusOK, `{"error":{"code":498,"message":"Invalid token.","details":[]}}`)},
	{name: "an error of ArcGIS", machines: true, do: refusal(http.StatusOK, `{"status":"error","messages":["The server machine could not complete the operation."],"code":500}`)},
}

func refusal(status int, body string) func(*intruder, http.ResponseWriter, *http.Request, func(http.ResponseWriter)) {
	kind := "application/json"
	if strings.HasPrefix(body, "<") {
		kind = "text/html"
	}
	return func(_ *intruder, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		w.Header().Set("Content-Type", kind)
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "5")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// stand is ground.Between.
func (i *intruder) stand(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
	place := rolloutPlace(r)
	how := i.strikes(place)
	if how == nil {
		serve(w)
		return
	}
	how.do(i, w, r, serve)
}

// strikes counts a request, and tells what is to happen to it.
func (i *intruder) strikes(place string) *intrusion {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count++
	i.seen = append(i.seen, place)
	begin := func(how *intrusion) *intrusion {
		if how.lasting > 0 {
			i.until = time.Now().Add(how.lasting)
		}
		return how
	}
	switch {
	case time.Now().Before(i.until):
		return &intrusion{do: cutOff}
	case i.count == i.n && i.how.fits(place):
		i.struck = fmt.Sprintf("%s (#%d)", place, i.n)
		return begin(&i.how)
	case i.struck == "" || i.then == nil || i.again != "":
		return nil
	}
	if i.since++; i.since < i.after || !i.then.fits(place) {
		return nil
	}
	i.again = place
	return begin(i.then)
}

func (h intrusion) fits(place string) bool {
	machine := strings.Contains(place, " machine ")
	return (!h.machines || machine) && (!h.azure || !machine)
}

// kindOf is a place without the names in it: machines, entries, jobs, ids.
func kindOf(place string) string {
	method, rest, _ := strings.Cut(place, " ")
	service, rest, _ := strings.Cut(rest, " ")
	if service == "machine" {
		_, rest, _ = strings.Cut(rest, " ")
	}
	before, last, two := strings.Cut(rest, "/")
	plain := strings.IndexFunc(last, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
	switch {
	case !two && service == "azure":
		last = "sign-in, vault or blob"
	case !two:
		last = rest
	case !plain, last == strings.ToUpper(last), strings.EqualFold(before, "sslCertificates") && !strings.HasPrefix(last, "import") && last != "update", strings.EqualFold(before, "applicationGateways"):
		last = strings.ToLower(before) + "/*"
	}
	return method + " " + service + " " + last
}

// rolloutPlace names a request: its method, and what of which service.
func rolloutPlace(r *http.Request) string {
	host := r.Host
	path, _, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "?")
	steps := strings.Split(path, "/")
	tail := strings.Join(steps[max(0, len(steps)-2):], "/")
	switch {
	case strings.HasPrefix(host, "management."):
		return r.Method + " azure " + tail
	case strings.HasPrefix(host, "login."), strings.Contains(host, ".vault."), strings.Contains(host, ".blob."):
		return r.Method + " azure " + strings.SplitN(host, ".", 2)[0]
	case strings.Contains(host, ":"):
		return r.Method + " machine " + strings.SplitN(host, ".", 2)[0] + " " + tail
	}
	return r.Method + " gateway " + tail
}

// atRestart kills a process when the world sees a machine restart for the n-th
// time: while it is away, or half a minute later, when it has come back.
func (s *scene) atRestart(n int, later time.Duration, kill func()) {
	var count int
	s.world.Ground().Watchers.Add(func(sight ground.Sight) {
		stops, is := sight.(ground.MachineStops)
		if !is || !stops.Restart {
			return
		}
		if count++; count == n {
			go func() {
				time.Sleep(later)
				kill()
			}()
		}
	})
}
