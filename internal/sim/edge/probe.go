package edge

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// healthCheck is a probe of the document with its defaults. Source:
// learn.microsoft.com/azure/application-gateway/application-gateway-probe-overview
type healthCheck struct {
	host      string // empty: the name of the backend
	path      string
	port      int // 0: the port of the HTTP settings
	interval  time.Duration
	timeout   time.Duration
	threshold int
	body      string
	statuses  [][2]int
}

func (c *compiler) healthCheck(settings httpSettings) (*healthCheck, error) {
	if settings.Probe == nil {
		// The default probe asks for / and takes 200-399. guess: it goes by the
		// same name as a request would.
		return &healthCheck{
			host: settings.HostName, path: "/", interval: 30 * time.Second, timeout: 30 * time.Second,
			threshold: 3, statuses: [][2]int{{200, 399}},
		}, nil
	}
	found, err := find("probes", c.document.Properties.Probes, settings.Probe)
	if err != nil {
		return nil, err
	}
	asked := found.Properties
	check := &healthCheck{
		host: asked.Host, path: cmp.Or(asked.Path, "/"), port: asked.Port,
		interval:  time.Duration(cmp.Or(asked.Interval, 30)) * time.Second,
		timeout:   time.Duration(cmp.Or(asked.Timeout, 30)) * time.Second,
		threshold: cmp.Or(asked.UnhealthyThreshold, 3),
		body:      asked.Match.Body,
	}
	if asked.PickHostNameFromBackendHTTPSettings {
		check.host = settings.HostName
	}
	for _, text := range asked.Match.StatusCodes {
		low, high, open := strings.Cut(text, "-")
		if !open {
			high = low
		}
		from, err1 := strconv.Atoi(strings.TrimSpace(low))
		to, err2 := strconv.Atoi(strings.TrimSpace(high))
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("probe %s: status codes %q: %w", found.Name, text, err)
		}
		check.statuses = append(check.statuses, [2]int{from, to})
	}
	if len(check.statuses) == 0 {
		check.statuses = [][2]int{{200, 399}}
	}
	return check, nil
}

// runProbe asks one server once. The log is the sentence for healthProbeLog.
func (b *backendGroup) runProbe(ctx context.Context, address string) (ok bool, log string) {
	check := b.probe
	// The floor: waits are scaled, the work of answering is not.
	ctx, cancel := context.WithTimeout(ctx, max(b.gateway.ground.Clock.Short(check.timeout), 5*time.Second))
	defer cancel()
	name := cmp.Or(check.host, address)
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       b.gateway.ground.Inside.DialContext,
		DialTLSContext: func(ctx context.Context, _, target string) (net.Conn, error) {
			return b.dialTLS(ctx, target, name)
		},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.probeURL(check, address).String(), nil)
	if err != nil {
		return false, err.Error()
	}
	request.Host = name
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false, probeFailure(err)
	}
	defer response.Body.Close()
	for _, allowed := range check.statuses {
		if response.StatusCode < allowed[0] || response.StatusCode > allowed[1] {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err != nil {
			return false, probeFailure(err)
		}
		if !bytes.Contains(body, []byte(check.body)) {
			return false, "The body of the backend's HTTP response did not match the probe setting."
		}
		return true, fmt.Sprintf("Success. Received %d status code", response.StatusCode)
	}
	return false, fmt.Sprintf("Received invalid status code: %d in the backend server's HTTP response.", response.StatusCode)
}

// probeFailure words a failed probe the way the troubleshooting page does.
func probeFailure(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "The backend health status could not be retrieved: the FQDN could not be resolved to an IP address."
	case errors.Is(err, context.DeadlineExceeded):
		return "Time taken by the backend to respond to application gateway's health probe is more than the timeout threshold in the probe setting."
	}
	for _, known := range []string{rootMismatch, nameMismatch, outOfDate} {
		if strings.Contains(err.Error(), known) {
			return known
		}
	}
	return "Cannot connect to backend server. Check whether any NSG/UDR/Firewall is blocking access to server. (" + err.Error() + ")"
}

// healthTable remembers what the probes saw, per server and HTTP settings. It
// outlives a change of configuration.
type healthTable struct {
	mu    sync.Mutex
	state map[string]*serverHealth
}

type serverHealth struct {
	failures int
	down     bool
}

func newHealthTable() *healthTable { return &healthTable{state: map[string]*serverHealth{}} }

func (t *healthTable) isDown(b *backendGroup, address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	state := t.state[b.settings+"|"+address]
	return state != nil && state.down
}

// saw takes in one probe: one success makes a server healthy, as many failures
// as the threshold in a row make it unhealthy.
func (t *healthTable) saw(b *backendGroup, address string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := b.settings + "|" + address
	state := t.state[key]
	if state == nil {
		state = &serverHealth{}
		t.state[key] = state
	}
	if ok {
		*state = serverHealth{}
		return
	}
	state.failures++
	state.down = state.down || state.failures >= b.probe.threshold
}

// startProbes probes every server of a configuration in the background, and
// ends the probing of the one before.
func (g *Gateway) startProbes(next *config) {
	if g.stopProbes != nil {
		g.stopProbes()
	}
	var ctx context.Context
	ctx, g.stopProbes = context.WithCancel(g.ctx)
	for _, group := range next.backends {
		for _, address := range group.addresses {
			g.background.Go(func() {
				for {
					ok, _ := group.runProbe(ctx, address)
					if ctx.Err() != nil {
						return
					}
					g.health.saw(group, address, ok)
					// A floor, so that a fast world does not spend itself on probes: those of
					// ten worlds were a quarter of all the time of the tests that have them.
					if wait(ctx, max(g.ground.Clock.Short(group.probe.interval), 250*time.Millisecond)) != nil {
						return
					}
				}
			})
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
