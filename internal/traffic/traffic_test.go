package traffic_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/traffic"
)

func TestProbeCountsWhatWasServedAndWhatFailed(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := requests.Add(1); n > 3 && n <= 6 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()

	var answers []traffic.Answer
	probe := traffic.Probe{
		URL: server.URL, Transport: server.Client().Transport.(*http.Transport), Every: 5 * time.Millisecond,
		Saw: func(a traffic.Answer) { answers = append(answers, a) }, // one after the other, or -race says so
	}
	running := probe.Start(context.Background())
	for requests.Load() < 20 {
		time.Sleep(time.Millisecond)
	}
	result := running.Stop()

	if result.Failed != 3 {
		t.Errorf("failed = %d, want the 3 that answered 502", result.Failed)
	}
	if int64(result.Sent) != requests.Load() {
		t.Errorf("sent = %d, the server counted %d", result.Sent, requests.Load())
	}
	failed := 0
	for _, a := range answers {
		if a.At.IsZero() || (a.Err == nil) != a.Leaf.Equal(server.Certificate()) {
			t.Errorf("told of %+v", a)
		}
		if a.Err != nil {
			failed++
		}
	}
	if len(answers) != result.Sent || failed != 3 {
		t.Errorf("told of %d answers, %d failed; sent %d", len(answers), failed, result.Sent)
	}
	if len(result.Failures) != 1 {
		t.Errorf("failures = %q, want one kind", result.Failures)
	}
	served := 0
	for _, n := range result.Leaves {
		served += n
	}
	if served != result.Sent-3 || len(result.Leaves) != 1 {
		t.Errorf("leaves = %v, want one leaf for the %d good answers", result.Leaves, result.Sent-3)
	}
}

func TestAnEndpointThatIsDownIsOneLongGap(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	transport := server.Client().Transport.(*http.Transport)
	server.Close()

	running := traffic.Probe{URL: server.URL, Transport: transport, Every: 5 * time.Millisecond}.Start(context.Background())
	time.Sleep(60 * time.Millisecond)
	result := running.Stop()

	if result.Sent == 0 || result.Failed != result.Sent {
		t.Errorf("sent %d, failed %d; want all of some to fail", result.Sent, result.Failed)
	}
	if result.LongestGapMs < 50 {
		t.Errorf("longest gap = %d ms, want the whole time", result.LongestGapMs)
	}
}
