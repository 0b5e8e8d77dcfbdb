package matrix_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// breaker counts what a process asks for, and breaks one of it.
type breaker struct {
	at  string    // a place and its number: "PUT applicationGateways #1"
	how *breakage // nil breaks nothing
	// then breaks once more, at the first place that it fits from the after-th
	// on that comes after the first break, in the same process or in the next one.
	then  *breakage
	after int

	mu     sync.Mutex
	counts map[string]int
	seen   []string      // every place with its number, in order
	phase  func() string // where the run is
	struck string        // the phase in which it happened, "" if it did not
	began  time.Time     // when it happened
	since  int           // places since
	twice  bool          // it was broken once more
}

// breakage is a way to break something.
type breakage struct {
	name string
	// fits tells at which places it can happen.
	fits func(place string) bool
	// strike does it to a request; send sends that.
	strike func(c *strike) (*http.Response, error)
	// line does it to a connection, which is closed then.
	line func(c *strike)
	// lasting goes on for as long: every request and connection after it fails.
	lasting time.Duration
	// harsh allows that the run cannot go back, or cannot know: it must say so.
	harsh bool
	// quick wants a gateway that carries a change out in ten seconds, so that
	// somebody else's fits between our look and our write.
	quick bool
	// claims is of a claim on the deployment: there must be one.
	claims bool
	// passes leaves a connection as it is.
	passes bool
	// answer is of a machine's port, and is broken there.
	answer *intrusion
}

// at tells whether it can be done at a place of that kind.
func (b *breakage) at(kind string) bool {
	return b.fits(kind) && (b.line != nil || !isConnection(kind))
}

// strike is one break at one place.
type strike struct {
	process *process
	request *http.Request
	send    func() (*http.Response, error)
	others  *others
}

var (
	anywhere   = func(place string) bool { return !isFault(place) && !isAtMachine(place) }
	requests   = isRequest
	writes     = func(place string) bool { return isRequest(place) && isWrite(place) }
	armOrVault = func(place string) bool { return isRequest(place) && !strings.Contains(place, "blob") }
)

// breakages are all ways to break a request or a connection.
var breakages = []breakage{
	{name: "killed before", fits: anywhere, strike: func(c *strike) (*http.Response, error) {
		c.process.kill()
		return nil, c.process.alive()
	}, line: func(c *strike) { c.process.kill() }},
	{name: "killed after", fits: requests, strike: func(c *strike) (*http.Response, error) {
		c.effect()
		c.process.kill()
		return nil, c.process.alive()
	}},
	{name: "reset before", fits: anywhere, strike: func(*strike) (*http.Response, error) { return nil, errReset }, line: func(*strike) {}},
	{name: "reset after", fits: requests, strike: func(c *strike) (*http.Response, error) {
		c.effect()
		return nil, errReset
	}},
	{name: "never sent, no answer", fits: anywhere, strike: (*strike).silence, line: func(c *strike) { c.process.sleep(time.Minute) }},
	{name: "no answer", fits: requests, strike: func(c *strike) (*http.Response, error) {
		c.effect()
		return c.silence()
	}},
	{name: "20 seconds late", fits: requests, strike: func(c *strike) (*http.Response, error) {
		answer, err := c.send()
		time.Sleep(20 * time.Second)
		return answer, err
	}},
	{name: "401", fits: requests, strike: answers(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")},
	{name: "403", fits: requests, strike: answers(403, "AuthorizationFailed", "The client does not have authorization to perform this action.")},
	{name: "409", fits: writes, strike: answers(409, "AnotherOperationInProgress", "Another operation on this or dependent resource is in progress.")},
	{name: "412", fits: writes, strike: answers(412, "PreconditionFailed", "Precondition failed.")},
	{name: "429", fits: requests, strike: answers(429, "TooManyRequests", "The request is being throttled.")},
	{name: "500", fits: requests, strike: answers(500, "InternalServerError", "An error occurred.")},
	{name: "503", fits: requests, strike: answers(503, "ServerTimeout", "The server is temporarily unable to process the request.")},
	{name: "503 after", fits: requests, strike: func(c *strike) (*http.Response, error) {
		c.effect()
		return answers(503, "ServerTimeout", "The server is temporarily unable to process the request.")(c)
	}},
	{name: "a page instead", fits: requests, strike: func(c *strike) (*http.Response, error) {
		return c.answer(200, "text/html", "<!DOCTYPE html><title>Sign in to the hotel's network</title>"), nil
	}},
	{name: "another document", fits: armOrVault, strike: func(c *strike) (*http.Response, error) {
		return c.answer(200, "application/json", `{"id":"/subscriptions/0/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/other","name":"other","properties":{"provisioningState":"Succeeded"}}`), nil
	}},
	{name: "cut short", fits: requests, strike: func(c *strike) (*http.Response, error) {
		answer, err := c.send()
		if err != nil {
			return nil, err
		}
		whole, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), broken{}))
		return answer, nil
	}},
	{name: "asleep for 5 hours", fits: anywhere, harsh: true, strike: func(c *strike) (*http.Response, error) {
		c.process.sleep(5 * time.Hour)
		return c.send()
	}, line: func(c *strike) { c.process.sleep(5 * time.Hour) }},
	{name: "the clock back an hour", passes: true, fits: anywhere, strike: clock(-time.Hour), line: func(c *strike) { c.process.adjust(-time.Hour) }},
	{name: "the clock on 40 days", passes: true, fits: anywhere, harsh: true, strike: clock(40 * 24 * time.Hour), line: func(c *strike) { c.process.adjust(40 * 24 * time.Hour) }},
	{name: "offline for 10 minutes", fits: anywhere, lasting: 10 * time.Minute, harsh: true, strike: func(*strike) (*http.Response, error) { return nil, errReset }, line: func(*strike) {}},
	{name: "offline for 3 hours", fits: anywhere, lasting: 3 * time.Hour, harsh: true, strike: func(*strike) (*http.Response, error) { return nil, errReset }, line: func(*strike) {}},
	{name: "a second run", passes: true, fits: anywhere, strike: func(c *strike) (*http.Response, error) {
		c.others.run()
		return c.send()
	}, line: func(c *strike) { c.others.run() }},
	{name: "a person's change", passes: true, fits: anywhere, quick: true, strike: func(c *strike) (*http.Response, error) {
		c.others.tag()
		return c.send()
	}, line: func(c *strike) { c.others.tag() }},
	{name: "its claim broken", passes: true, fits: anywhere, claims: true, harsh: true, strike: func(c *strike) (*http.Response, error) {
		c.others.unlock()
		return c.send()
	}, line: func(c *strike) { c.others.unlock() }},
}

// errReset is what a connection gives that was reset.
var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errReset }

// effect lets the request take effect; its answer is lost.
func (c *strike) effect() {
	if answer, err := c.send(); err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}

// silence gives no answer for as long as anybody waits for it.
func (c *strike) silence() (*http.Response, error) {
	select {
	case <-c.request.Context().Done():
		return nil, c.request.Context().Err()
	case <-c.process.buried:
		return nil, errDead
	}
}

func answers(status int, code, message string) func(*strike) (*http.Response, error) {
	return func(c *strike) (*http.Response, error) {
		answer := c.answer(status, "application/json", `{"error":{"code":"`+code+`","message":"`+message+`"}}`)
		if status == 429 {
			answer.Header.Set("Retry-After", "5")
		}
		return answer, nil
	}
}

func (c *strike) answer(status int, kind, text string) *http.Response {
	if c.request.Body != nil {
		_, _ = io.Copy(io.Discard, c.request.Body)
		c.request.Body.Close()
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)), Request: c.request,
	}
}

func clock(by time.Duration) func(*strike) (*http.Response, error) {
	return func(c *strike) (*http.Response, error) {
		c.process.adjust(by)
		return c.send()
	}
}

// strikes counts a place, and tells what is to happen there.
func (b *breaker) strikes(kind string) (how *breakage, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.counts == nil {
		b.counts = map[string]int{}
	}
	b.counts[kind]++
	place := numbered(kind, b.counts[kind])
	b.seen = append(b.seen, place)
	switch {
	case b.how == nil:
		return nil, false
	case b.struck != "":
		if time.Since(b.began) < b.how.lasting {
			return b.how, false
		}
		if b.then == nil || b.twice && time.Since(b.began) >= b.then.lasting {
			return nil, false
		}
		if b.twice {
			return b.then, false
		}
		if b.since++; b.since < b.after || !b.then.at(kind) {
			return nil, false
		}
		b.began, b.twice = time.Now(), true
		return b.then, true
	case place == b.at:
		b.began, b.struck = time.Now(), "?"
		if b.phase != nil {
			b.struck = b.phase()
		}
		return b.how, true
	}
	return nil, false
}

// roundTrip sends a request, or breaks it.
func (b *breaker) roundTrip(p *process, r *http.Request, inner http.RoundTripper) (*http.Response, error) {
	send := func() (*http.Response, error) { return inner.RoundTrip(r) }
	if b == nil {
		return send()
	}
	how, _ := b.strikes(placeOf(r))
	if how == nil {
		return send()
	}
	return how.strike(&strike{process: p, request: r, send: send, others: p.others})
}

// connects is asked for every connection to something else than Azure. It
// tells whether the connection is to be cut.
func (b *breaker) connects(p *process, target string) bool {
	if b == nil || p.killed() {
		return false
	}
	how, first := b.strikes("connect " + target)
	if how == nil {
		return false
	}
	if first {
		how.line(&strike{process: p, others: p.others})
	}
	return !how.passes
}
