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

	mu     sync.Mutex
	count  int
	struck string   // what the n-th was
	seen   []string // all of them
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
	do              func(i *intruder, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter))
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
	i.mu.Lock()
	i.count++
	i.seen = append(i.seen, place)
	hit := i.count == i.n
	if hit {
		i.struck = fmt.Sprintf("%s (#%d)", place, i.n)
	}
	i.mu.Unlock()
	if hit && i.how.fits(place) {
		i.how.do(i, w, r, serve)
		return
	}
	serve(w)
}

func (h intrusion) fits(place string) bool {
	machine := strings.Contains(place, " machine ")
	return (!h.machines || machine) && (!h.azure || !machine)
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
