package web

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/traffic"
	"github.com/cartouche-gis/cartouche/internal/web/watch"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// The pace of the requests that are sent while a run goes on: twice a second is
// enough to see every change, and nothing to a gateway. A simulated world is faster
// than the real one.
const (
	probeEvery        = 500 * time.Millisecond
	probeEveryInWorld = 100 * time.Millisecond
)

// newRun is a run that is about to begin.
type newRun struct {
	// Title says what it does: "Renewing the certificate of gis.example.com".
	Title string
	// Gateway is its resource id, Back where one goes when it does not begin. Key is
	// the question that was answered with Go: who answers it twice begins one run.
	Gateway, Back, Key string
	// State is what was seen before, Network the way there: for the requests that
	// are sent meanwhile. Without a network none are.
	State   rotation.State
	Network interface{ Transport() *http.Transport }
	// Do carries it out. The application tells the work; begun is to be told the
	// run's id.
	Do func(ctx context.Context, a *app.App, begun func(runID string)) error
}

// startRun begins a run as work of the server. Show it with [Server.showWork].
func (s *Server) startRun(n newRun) *work.Work {
	job := work.Job{Kind: runKind, Title: n.Title, About: n.Gateway, Key: n.Key, Back: n.Back}
	return s.book.Start(job, func(ctx context.Context, w *work.Work) (any, error) {
		id := ""
		stop := s.watchTraffic(ctx, n, w)
		err := n.Do(ctx, s.options.App.With(w), func(runID string) {
			id = runID
			w.Put(runKind, runID)
			w.Lead("/runs/" + runID)
		})
		s.forgetDeployments() // as they were before
		seen := stop()
		if id != "" && seen != nil {
			s.keepSeen(ctx, id, trafficKind, *seen)
		}
		if id != "" {
			s.keepSeen(ctx, id, toldKind, toldBy(w))
		}
		return nil, err
	})
}

// answered is the run that began with the yes to a question, nil when none has:
// who answers twice is shown the one that goes on.
func (s *Server) answered(key string) *work.Work {
	found := s.book.Find(func(w *work.Work) bool { return key != "" && w.Job().Kind == runKind && w.Job().Key == key })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// watchTraffic sends requests as clients do, as long as the run goes on, where this
// computer reaches the deployment. stop gives what was seen, nil where nothing was.
func (s *Server) watchTraffic(ctx context.Context, n newRun, w *work.Work) (stop func() *watch.Seen) {
	url := probeURL(n.State)
	if url == "" || n.Network == nil {
		return func() *watch.Seen { return nil }
	}
	transport := n.Network.Transport()
	// Which certificate comes is what is looked at; the request holds no secret.
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	watching := watch.New(url, time.Now())
	probe := traffic.Probe{URL: url, Transport: transport, Every: probeEvery, Saw: watching.Saw}
	if s.options.World != "" {
		probe.Every = probeEveryInWorld
	}
	w.Put(trafficKind, watching)
	running := probe.Start(context.WithoutCancel(ctx)) // stopping is when it matters most
	return func() *watch.Seen {
		running.Stop()
		seen := watching.Seen(time.Now())
		return &seen
	}
}

// probeURL is what clients ask, "" where this computer does not reach it.
func probeURL(state rotation.State) string {
	for _, seen := range state.Wire {
		if seen.Leaf() == nil || seen.Address != "" && seen.Proxy == "" && seen.ServerName == "" {
			continue
		}
		if state.Sites.PortalURL != "" {
			return state.Sites.PortalURL + "/sharing/rest?f=json"
		}
		return "https://" + seen.Target + "/"
	}
	return ""
}
