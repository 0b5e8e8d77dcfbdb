package door

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What a request brings that was let in before the lock is forgotten, too.
func TestARequestThatGoesOnDuringTheLockLeavesNothing(t *testing.T) {
	t.Parallel()
	var kept atomic.Value
	kept.Store("")
	d := newDoor(t, Options{OnLock: func() { kept.Store("") }})
	cookie := comeIn(t, d)
	visit(d, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		d.Lock()
		kept.Store("the password")
	}), "/", cookie)
	if kept.Load() != "" {
		t.Error("a password that came in during the lock is still there")
	}
}

// Events that are asked for without saying so end at the lock, too.
func TestAProgramThatListensEndsAtTheLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Options{})
		cookie := comeIn(t, d)
		ended := make(chan struct{})
		go visit(d, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
				close(ended)
			case <-time.After(time.Hour):
			}
		}), "/runs/1/events", cookie)
		synctest.Wait()
		d.Lock()
		synctest.Wait()
		select {
		case <-ended:
		default:
			t.Error("it listens on after the lock")
		}
	})
}

// Whoever was in before the computer slept is not in again because somebody opens
// a new address.
func TestANewAddressDoesNotBringBackWhoWasIn(t *testing.T) {
	t.Parallel()
	locked := false
	d := newDoor(t, Options{OnLock: func() { locked = true }})
	before := comeIn(t, d)
	d.mu.Lock()
	d.seen = d.seen.Add(-DefaultIdle - time.Second)
	d.mu.Unlock()
	comeIn(t, d)
	if w := visit(d, shown, "/", before); w.Code != http.StatusUnauthorized || !locked {
		t.Errorf("the cookie from before the sleep is answered %d; locked: %v", w.Code, locked)
	}
}

// forever is a body without an end, which counts who reads such bodies now.
type forever struct {
	left       int
	now, most  *atomic.Int64
	reads, end bool
}

func (f *forever) Read(p []byte) (int, error) {
	if !f.reads {
		f.reads = true
		if n := f.now.Add(1); n > f.most.Load() {
			f.most.Store(n)
		}
	}
	time.Sleep(time.Millisecond)
	if f.left -= len(p); f.left <= 0 {
		if !f.end {
			f.end = true
			f.now.Add(-1)
		}
		return 0, io.EOF
	}
	return len(p), nil
}

func TestLargeBodiesAreReadInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Options{})
		cookie := comeIn(t, d)
		guard := d.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") && r.URL.Path == "/gives-up" {
				_, _ = r.Body.Read(make([]byte, 10)) // and never comes to its end
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
		}))
		var now, most atomic.Int64
		send := func(path, kind string, body io.Reader) {
			r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8443"+path, body)
			r.ContentLength = -1 // as a browser does not, and an attacker may
			r.Header.Set("Content-Type", kind)
			r.AddCookie(cookie)
			guard.ServeHTTP(httptest.NewRecorder(), r)
		}
		for range 20 {
			send("/gives-up", "multipart/form-data; boundary=x", strings.NewReader("never read whole"))
		}
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { send("/", "multipart/form-data; boundary=x", &forever{left: 1 << 20, now: &now, most: &most}) })
		}
		group.Go(func() { send("/", form, bytes.NewReader([]byte("a=b"))) }) // which waits for nobody
		group.Wait()
		if most.Load() != largeAtOnce {
			t.Errorf("%d large bodies were read at the same time, want %d", most.Load(), largeAtOnce)
		}
		d.Lock()
	})
}

func TestWhoeverWaitsForTheirTurnTooLongIsToldSo(t *testing.T) {
	t.Parallel()
	turns := make(chan struct{}, 1)
	turns <- struct{}{}
	body := &inTurn{ReadCloser: io.NopCloser(strings.NewReader("x")), turns: turns, patience: time.Millisecond}
	if _, err := body.Read(make([]byte, 1)); err != os.ErrDeadlineExceeded {
		t.Errorf("got %v", err)
	}
	body.leave() // has no turn to give back
	if len(turns) != 1 {
		t.Error("it gave back a turn that was another's")
	}
}
