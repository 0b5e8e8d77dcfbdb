package arm_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

func TestGuessFailedKeepsOld(t *testing.T) {
	for keeps, want := range map[bool]int{false: 2, true: 1} {
		b := setUp(t, func(o *arm.Options) { o.Guesses.FailedKeepsOld = keeps })
		b.fault("failed-operation@gateway-put")
		b.poll(b.call(http.MethodPut, gatewayID+version, b.renewed(b.issue())))
		after := b.get(gatewayID + version).body
		if got := len(list(after, "sslCertificates")); got != want || text(after, "properties", "provisioningState") != "Failed" {
			t.Errorf("keeps old %v: %d entries, want %d, and state %s", keeps, got, want, text(after, "properties", "provisioningState"))
		}
	}
}

func TestGuessTagsKeepETag(t *testing.T) {
	b := setUp(t, func(o *arm.Options) { o.Guesses.TagsKeepETag = true })
	before := text(b.get(gatewayID+version).body, "etag")
	if got := b.call(http.MethodPatch, gatewayID+version, map[string]any{"tags": map[string]any{}}); text(got.body, "etag") != before {
		t.Error("the ETag moved")
	}
}

func TestSlowOperationTakesTenTimesAsLong(t *testing.T) {
	b := setUp(t) // 90 s are 150 ms here
	b.fault("slow-operation@gateway-put")
	began := time.Now()
	if status := b.poll(b.call(http.MethodPut, gatewayID+version, b.get(gatewayID+version).body))["status"]; status != "Succeeded" {
		t.Errorf("ended %v", status)
	}
	if took := time.Since(began); took < 1400*time.Millisecond {
		t.Errorf("took %s, want 1.5 s", took)
	}
}
