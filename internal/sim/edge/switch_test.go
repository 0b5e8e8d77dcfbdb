package edge

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func TestSwitchUnderTrafficLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.gateway.Options.SwitchPause = time.Minute
	w.apply(w.old)
	ctx, stop := context.WithCancel(context.Background())
	var sent, failed atomic.Int64
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				sent.Add(1)
				response, err := w.client().Get("https://gis.example.com/portal/x")
				if err != nil || response.StatusCode != http.StatusOK {
					failed.Add(1)
				}
				if err == nil {
					_ = response.Body.Close()
				}
			}
		})
	}
	kept := w.open(t.Context())
	for _, pair := range []tls.Certificate{w.new, w.old, w.new} {
		if status, err := kept.get("/portal/x"); err != nil || status != 200 {
			t.Fatalf("on the connection kept: %d %v", status, err)
		}
		w.apply(pair)
	}
	if status, err := kept.get("/portal/x"); err != nil || status != 200 {
		t.Errorf("on the connection kept: %d %v", status, err)
	}
	waitFor(t, "enough traffic", func() bool { return sent.Load() > 100 })
	stop()
	clients.Wait()
	if failed.Load() != 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
	if seen := w.leaves(4); seen[leafOf(w.new)] != 4 {
		t.Error("not every handshake shows the new leaf")
	}
}

func TestInstancesSwitchOneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	w.gateway.Options.SwitchPause = 1000 * time.Hour
	w.apply(w.old)
	ctx, goOn := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		certs := map[string]tls.Certificate{"frontendCert": w.new}
		if err := w.gateway.Apply(ctx, w.tree, certs, map[string]string{"public": publicAddress}); err == nil {
			t.Error("the second instance switched without its pause")
		}
	})
	waitFor(t, "first switch", func() bool { return w.ground.Ledger.Count(ground.LeafServed) == 1 })
	if seen := w.leaves(4); seen[leafOf(w.old)] != 2 || seen[leafOf(w.new)] != 2 {
		t.Errorf("old %d, new %d of 4; want half and half", seen[leafOf(w.old)], seen[leafOf(w.new)])
	}
	// An operation that is given up is finished in the background.
	goOn()
	done.Wait()
	waitFor(t, "second switch", func() bool { return w.ground.Ledger.Count(ground.LeafServed) == 2 })
	if seen := w.leaves(4); seen[leafOf(w.new)] != 4 {
		t.Error("not every handshake shows the new leaf")
	}
	sum := sha256.Sum256(w.new.Certificate[0])
	var served []ground.Event
	for _, event := range w.ground.Ledger.Events() {
		if event.Kind == ground.LeafServed {
			served = append(served, event)
		}
	}
	if len(served) != 2 || served[0].Object != "agw/instance-0/HttpsListner" || served[1].Object != "agw/instance-1/HttpsListner" ||
		served[0].Detail != hex.EncodeToString(sum[:]) {
		t.Errorf("ledger: %v", served)
	}
}

func TestSameDocumentAgainChangesNoLeaf(t *testing.T) {
	w := newWorld(t)
	w.ground.Faults.Add(ground.Fault{Name: "wrong-leaf", Step: "edge"})
	w.apply(w.old)
	w.apply(w.old)
	if seen := w.leaves(2); seen[leafOf(w.old)] != 2 {
		t.Error("another leaf is served")
	}
	if count := w.ground.Ledger.Count(ground.LeafServed); count != 0 {
		t.Errorf("%d leaves were recorded", count)
	}
}

func TestWrongLeaf(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	w.ground.Faults.Add(ground.Fault{Name: "wrong-leaf", Step: "edge"})
	w.apply(w.new)
	chain, err := w.chain("gis.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if leaf := chain[0]; string(leaf.Raw) == leafOf(w.new) || string(leaf.Raw) == leafOf(w.old) ||
		leaf.VerifyHostname("gis.example.com") != nil || leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) != nil {
		t.Errorf("got %v, want another self-signed leaf for the same name", leaf.Subject)
	}
	w.apply(w.old)
	if seen := w.leaves(4); seen[leafOf(w.old)] != 4 {
		t.Error("going back did not bring the old leaf")
	}
}

func TestStaleInstance(t *testing.T) {
	w := newWorld(t)
	w.gateway.Options.StaleFor = 1000 * time.Hour
	w.apply(w.old)
	w.ground.Faults.Add(ground.Fault{Name: "stale-instance", Step: "edge"})
	w.apply(w.new)
	if seen := w.leaves(4); seen[leafOf(w.old)] != 2 || seen[leafOf(w.new)] != 2 {
		t.Errorf("old %d, new %d of 4; want half and half", seen[leafOf(w.old)], seen[leafOf(w.new)])
	}
	w.apply(w.old)
	if seen := w.leaves(4); seen[leafOf(w.old)] != 4 {
		t.Error("going back did not bring the old leaf everywhere")
	}

	w.gateway.Options.StaleFor = time.Minute
	w.ground.Faults.Add(ground.Fault{Name: "stale-instance", Step: "edge"})
	w.apply(w.new)
	waitFor(t, "the stale instance to follow", func() bool { return w.leaves(2)[leafOf(w.new)] == 2 })
}

func TestBrokenChain(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	if chain, err := w.chain(""); err != nil || len(chain) != 2 {
		t.Fatalf("before: %d certificates, %v", len(chain), err)
	}
	w.ground.Faults.Add(ground.Fault{Name: "broken-chain", Step: "edge"})
	w.apply(w.new)
	if chain, err := w.chain(""); err != nil || len(chain) != 1 || string(chain[0].Raw) != leafOf(w.new) {
		t.Errorf("got %d certificates, %v; want the new leaf alone", len(chain), err)
	}
}

func TestResetDuringHandshake(t *testing.T) {
	w := newWorld(t)
	w.apply(w.old)
	w.ground.Faults.Add(ground.Fault{Name: "edge-reset", Step: "edge"})
	if _, err := w.chain("gis.example.com"); err == nil {
		t.Error("the first handshake went well")
	}
	if _, err := w.chain("gis.example.com"); err != nil {
		t.Errorf("the second: %v", err)
	}
}
