// Package traffic sends steady requests to an endpoint while something else
// changes it, and tells how they fared. It is how "no request failed" is
// measured rather than claimed.
package traffic

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxBody bounds what is read of one answer.
const maxBody = 1 << 20

// Probe asks one URL at a steady pace. Each request makes a connection of its
// own, so that each one makes a handshake with the certificate of the moment.
type Probe struct {
	// URL is what is asked, with GET. Every answer below 500 counts as served:
	// what is measured is the way to the site, not its pages.
	URL string
	// Transport makes the connections; it is cloned and its keep-alive turned off.
	Transport *http.Transport
	// Every is the pace, 20 ms when zero.
	Every time.Duration
	// Timeout is for one request, 5 s when zero.
	Timeout time.Duration
	// Saw hears of each answer, one after the other. Nil is fine.
	Saw func(Answer)
}

// Answer is what came of one request.
type Answer struct {
	At   time.Time
	Took time.Duration
	// Leaf is the certificate that came with it, nil when none did.
	Leaf *x509.Certificate
	// Err says why the request failed, nil when it was served.
	Err error
}

// Result is how the requests fared.
type Result struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
	// LongestGapMs is the longest time between two answers that were good, in
	// milliseconds, the start and the end of the probe counted as such.
	LongestGapMs int64 `json:"longestGapMs"`
	// Failures says why, once for each kind, at most ten.
	Failures []string `json:"failures,omitempty"`
	// Leaves counts the answers by the serial number of the leaf that came with them.
	Leaves map[string]int `json:"leaves"`
}

// Running is a probe that was started.
type Running struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	result   Result
	lastGood time.Time
	reasons  map[string]bool
}

// Start begins to ask. Stop ends it.
func (p Probe) Start(ctx context.Context) *Running {
	ctx, cancel := context.WithCancel(ctx)
	running := &Running{
		cancel:   cancel,
		done:     make(chan struct{}),
		result:   Result{Leaves: map[string]int{}},
		lastGood: time.Now(),
		reasons:  map[string]bool{},
	}
	go running.loop(ctx, p)
	return running
}

// Stop ends the probe, waits for the requests under way, and returns the result.
func (r *Running) Stop() Result {
	r.cancel()
	<-r.done
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gap(time.Now())
	return r.result
}

func (r *Running) loop(ctx context.Context, p Probe) {
	defer close(r.done)
	transport := p.Transport.Clone()
	transport.DisableKeepAlives = true
	transport.ForceAttemptHTTP2 = false
	client := &http.Client{
		Transport:     transport,
		Timeout:       orElse(p.Timeout, 5*time.Second),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ticker := time.NewTicker(orElse(p.Every, 20*time.Millisecond))
	defer ticker.Stop()
	// A slow answer must not slow the pace down; a hundred under way are more
	// than any pace here needs, and bound what a dead endpoint costs.
	underWay := make(chan struct{}, 100)
	var group sync.WaitGroup
	defer group.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		select {
		case underWay <- struct{}{}:
		default:
			continue
		}
		group.Go(func() {
			// Not ctx: a request that was sent is allowed to end.
			r.ask(client, p)
			<-underWay
		})
	}
}

func (r *Running) ask(client *http.Client, p Probe) {
	began := time.Now()
	state, err := get(client, p.URL)
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Saw != nil {
		answer := Answer{At: time.Now(), Took: time.Since(began), Err: err}
		if err == nil && state != nil && len(state.PeerCertificates) > 0 {
			answer.Leaf = state.PeerCertificates[0]
		}
		p.Saw(answer)
	}
	r.result.Sent++
	if err != nil {
		r.result.Failed++
		if text := err.Error(); !r.reasons[text] && len(r.reasons) < 10 {
			r.reasons[text] = true
			r.result.Failures = append(r.result.Failures, text)
		}
		return
	}
	if state != nil && len(state.PeerCertificates) > 0 {
		r.result.Leaves[state.PeerCertificates[0].SerialNumber.Text(16)]++
	}
	now := time.Now()
	r.gap(now)
	r.lastGood = now
}

func (r *Running) gap(now time.Time) {
	r.result.LongestGapMs = max(r.result.LongestGapMs, now.Sub(r.lastGood).Milliseconds())
}

func get(client *http.Client, url string) (*tls.ConnectionState, error) {
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxBody)); err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", url, err)
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return nil, fmt.Errorf("%s answered %s", url, response.Status)
	}
	return response.TLS, nil
}

func orElse(value, fallback time.Duration) time.Duration {
	if value == 0 {
		return fallback
	}
	return value
}
