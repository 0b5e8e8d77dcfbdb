package strangers

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// midSwitch is what the program says when the gateway has the new document and
// is still carrying it out: some instances serve the old leaf, some the new.
const midSwitch = "the gateway took the change"

// TestCtrlCInTheSwitch sends a real SIGINT to the real process: the old
// certificate comes back, and OpenSSL sees it.
func TestCtrlCInTheSwitch(t *testing.T) {
	needs(t, "openssl")
	t.Parallel()
	w := startWorld(t)
	before := w.served(t)

	apply := w.start(t, program, w.applyArgs()...)
	apply.waitFor(t, midSwitch)
	apply.signal(t, os.Interrupt)
	ended := apply.wait(t).ends(t, 130)

	got := reads[outcome](t, ended)
	if got.Outcome != "restored" || !got.Interrupted || !got.Proof.OK || got.Before.SHA256 != before || got.GatewayWrites != 2 {
		t.Errorf("apply: %+v, want restored after two writes, and proved", got)
	}
	if served := w.served(t); served != before {
		t.Errorf("OpenSSL sees %s after Ctrl-C, want the old leaf %s", served, before)
	}
	if runs := w.history(t); !slices.Equal(runs, []string{got.Run + " restored"}) {
		t.Errorf("history: %q, want the restored run alone", runs)
	}
}

// TestKilledInTheSwitch kills the process where it can say no last word. The
// same command again, as its messages say, ends with the new certificate.
func TestKilledInTheSwitch(t *testing.T) {
	needs(t, "openssl")
	t.Parallel()
	w := startWorld(t)
	after := w.newLeaf(t)

	apply := w.start(t, program, w.applyArgs()...)
	apply.waitFor(t, midSwitch)
	apply.signal(t, os.Kill)
	if killed := apply.wait(t); killed.status != -1 || len(killed.stdout) > 0 {
		t.Fatalf("%s ended with %d before it could be killed:\n%s", killed.command, killed.status, killed.stdout)
	}
	if runs := w.history(t); len(runs) != 1 || !strings.HasSuffix(runs[0], " in doubt") {
		t.Errorf("history: %q, want one run in doubt", runs)
	}

	got := reads[outcome](t, w.applyAgain(t))
	// What the killed process has sent is not sent again, and is proved.
	if got.Outcome != "nothing-to-do" || got.GatewayWrites != 0 || !got.Proof.OK || got.After.SHA256 != after {
		t.Errorf("apply again: %+v, want %s proved without another write", got, after)
	}
	if served := w.served(t); served != after {
		t.Errorf("OpenSSL sees %s, want the new leaf %s", served, after)
	}
	w.cartouche(t, "verify", w.domain()).ends(t, 0)
}

// applyAgain repeats the command as long as it is told that the gateway is
// still busy with what the killed process has sent.
func (w *world) applyAgain(t *testing.T) result {
	t.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(200 * time.Millisecond) {
		again := w.run(t, program, w.applyArgs()...)
		if again.status != 4 {
			return again.ends(t, 0)
		}
		if code := reads[outcome](t, again).Error.Code; code != "blocked" || !strings.Contains(string(again.stdout), `"gateway-busy"`) {
			t.Fatalf("apply again: %s, want only gateway-busy as an obstacle:\n%s", code, again.stdout)
		}
	}
	t.Fatal("the gateway is still busy after 20 s")
	return result{}
}
