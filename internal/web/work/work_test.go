package work

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cartouche-gis/cartouche/internal/rotation"
)

func newBook(t *testing.T) *Book {
	t.Helper()
	b := NewBook(t.Context(), time.Now)
	t.Cleanup(func() {
		b.StopAll()
		_ = b.Wait(context.Background())
	})
	return b
}

func event(text string, waiting bool) rotation.Event {
	return rotation.Event{At: time.Unix(1, 0).UTC(), Phase: "prove", Text: text, Waiting: waiting}
}

func texts(events []Event) string {
	var list []string
	for _, e := range events {
		list = append(list, e.Text)
	}
	return strings.Join(list, "|")
}

func TestWorkGoesOnWithoutItsRequest(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	ctx, leave := context.WithCancel(t.Context())
	goOn := make(chan struct{})
	w := book.Start(Job{Title: "Looking"}, func(ctx context.Context, w *Work) (any, error) {
		<-goOn
		return "seen", ctx.Err()
	})
	leave() // the tab is closed
	if w.Wait(ctx, time.Minute) {
		t.Fatal("it has ended with its request")
	}
	if result, err := w.Result(); result != nil || err != nil {
		t.Errorf("a result before the end: %v, %v", result, err)
	}
	close(goOn)
	if !w.Wait(t.Context(), time.Minute) {
		t.Fatal("it does not end")
	}
	if result, err := w.Result(); result != "seen" || err != nil {
		t.Errorf("got %v, %v", result, err)
	}
	if again, ok := book.Get(w.ID); !ok || again != w {
		t.Error("it is not in the book any more")
	}
}

func TestAPageOfItsOwnIsWaitedForAndGoneToAtOnce(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	led := make(chan struct{})
	w := book.Start(Job{Next: "/at-the-end"}, func(ctx context.Context, w *Work) (any, error) {
		<-led
		w.Lead("/runs/1")
		<-ctx.Done()
		return nil, nil
	})
	if next := w.Next(); next != "" {
		t.Errorf("it goes to %q before its end", next)
	}
	close(led)
	if !w.Wait(t.Context(), time.Minute) || w.Ended() || w.Next() != "/runs/1" {
		t.Errorf("ended %t, next %q", w.Ended(), w.Next())
	}
	bad := book.Start(Job{Next: "/at-the-end"}, func(context.Context, *Work) (any, error) { return nil, errors.New("no") })
	good := book.Start(Job{Next: "/at-the-end"}, func(context.Context, *Work) (any, error) { return nil, nil })
	<-bad.done
	<-good.done
	if bad.Next() != "" || good.Next() != "/at-the-end" {
		t.Errorf("after a failure %q, after a good end %q", bad.Next(), good.Next())
	}
}

// Nobody is led to a result before there is one, nor past a failure.
func TestAResultHasItsPageAtTheEnd(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	may := make(chan struct{})
	good := book.Start(Job{Page: "/checked/"}, func(context.Context, *Work) (any, error) { <-may; return 1, nil })
	if next := good.Next(); next != "" {
		t.Errorf("it goes to %q before its end", next)
	}
	close(may)
	bad := book.Start(Job{Page: "/checked/"}, func(context.Context, *Work) (any, error) { return nil, errors.New("no") })
	<-bad.done
	<-good.done
	if bad.Next() != "" || good.Next() != "/checked/"+good.ID {
		t.Errorf("after a failure %q, after a good end %q", bad.Next(), good.Next())
	}
}

func TestStopAsksTheWorkAlone(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	wait := func(ctx context.Context, w *Work) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	one, other := book.Start(Job{}, wait), book.Start(Job{}, wait)
	one.Stop()
	<-one.done
	if _, err := one.Result(); !errors.Is(err, context.Canceled) || !one.Stopping() {
		t.Errorf("got %v", err)
	}
	if other.Ended() || other.Stopping() {
		t.Error("the other one was stopped, too")
	}
}

func TestTheSameWorkIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	wait := func(ctx context.Context, w *Work) (any, error) { <-ctx.Done(); return nil, nil }
	one := book.Start(Job{Key: "find"}, wait)
	if again := book.Start(Job{Key: "find"}, wait); again != one {
		t.Error("it goes on twice")
	}
	if other := book.Start(Job{Key: "look"}, wait); other == one {
		t.Error("another key is the same work")
	}
	one.Stop()
	<-one.done
	if next := book.Start(Job{Key: "find"}, wait); next == one {
		t.Error("what has ended is given for new work")
	}
}

func TestAPanicIsOneWorksFailureAndQuotesNothing(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	for _, trouble := range []any{"hunter2", errors.New("hunter2")} {
		w := book.Start(Job{}, func(context.Context, *Work) (any, error) { panic(trouble) })
		<-w.done
		var broken *PanicError
		if _, err := w.Result(); !errors.As(err, &broken) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
	w := book.Start(Job{}, func(context.Context, *Work) (any, error) { var list []int; return list[len(list)], nil })
	<-w.done
	if _, err := w.Result(); err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsWaitedForIsReplacedAndAllIsBounded(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	w := book.Start(Job{}, func(ctx context.Context, w *Work) (any, error) {
		w.Event(event("one", false))
		w.Event(event("look 1", true))
		w.Event(event("look 2", true))
		w.Doing("observe", "reading")
		<-ctx.Done()
		w.Event(event("two", false))
		w.Note("warning", strings.Repeat("ä", maxText))
		w.Doing("observe", "the last")
		return nil, nil
	})
	for {
		w.mu.Lock()
		last, changed := w.last, w.changed
		w.mu.Unlock()
		if last == 4 {
			break
		}
		<-changed
	}
	if events, _ := w.Events(0); texts(events) != "one|reading" {
		t.Errorf("got %s", texts(events))
	}
	w.Stop()
	<-w.done
	events, left := w.Events(0)
	if len(events) != 3 || events[1].Text != "two" || events[2].Kind != "warning" || left != 0 {
		t.Errorf("got %+v, %d left", events, left)
	}
	if text := events[2].Text; len(text) > maxText+len("…") || !strings.HasSuffix(text, "ä…") {
		t.Errorf("a text of %d bytes", len(text))
	}
	for i := range maxEvents + 50 {
		w.Event(event(fmt.Sprint(i), false))
	}
	events, left = w.Events(0)
	if len(events) != maxEvents || left != 53 || events[len(events)-1].Text != fmt.Sprint(maxEvents+49) {
		t.Errorf("%d events, %d left", len(events), left)
	}
}

func TestWorksThatEndedAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := newBook(t)
		long := book.Start(Job{}, func(ctx context.Context, w *Work) (any, error) { <-ctx.Done(); return nil, nil })
		var first *Work
		for i := range keepMost + 5 {
			w := book.Start(Job{}, func(context.Context, *Work) (any, error) { return nil, nil })
			<-w.done
			if i == 0 {
				first = w
			}
			time.Sleep(time.Second) // of a clock that nobody waits for
		}
		if _, there := book.Get(first.ID); there {
			t.Error("too many works are kept")
		}
		if n := len(book.Find(func(*Work) bool { return true })); n != keepMost+1 {
			t.Errorf("%d works", n)
		}
		time.Sleep(keepFor + time.Second)
		if _, there := book.Get(long.ID); !there {
			t.Error("work that goes on is forgotten")
		}
		if n := len(book.Find(func(*Work) bool { return true })); n != 1 {
			t.Errorf("%d works", n)
		}
	})
}

// sent is one server-sent event.
type sent struct{ name, id, data string }

// listen reads the events of a stream until it ends.
func listen(t *testing.T, address, after string) []sent {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if after != "" {
		request.Header.Set("Last-Event-ID", after)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	var list []sent
	var one sent
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			one.name = value
		case "id":
			one.id = value
		case "data":
			one.data = value
		case "":
			if one != (sent{}) {
				list = append(list, one)
			}
			one = sent{}
		}
	}
	return list
}

func serve(t *testing.T, w *Work) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := w.ServeEvents(rw, r); err != nil {
			http.Error(rw, err.Error(), http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTwoStreamsSeeTheSameAndOneThatWasLostGoesOn(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	goOn := make(chan struct{})
	w := book.Start(Job{}, func(_ context.Context, w *Work) (any, error) {
		w.Event(event("before\r\nanybody: listens", false))
		<-goOn
		for i := range 50 {
			w.Event(event(fmt.Sprint("step ", i), false))
			w.Put("traffic", i)
		}
		w.Event(event("verified", false))
		return nil, nil
	})
	address := serve(t, w)
	lists := make(chan []sent)
	for range 2 {
		go func() { lists <- listen(t, address, "") }()
	}
	for { // both listen
		w.mu.Lock()
		n := w.streams
		w.mu.Unlock()
		if n == 2 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	close(goOn)
	messages := func(list []sent) []string {
		var found []string
		for _, one := range list {
			var e Event
			if one.name == "" && json.Unmarshal([]byte(one.data), &e) == nil {
				found = append(found, one.id+" "+e.Text)
			}
		}
		return found
	}
	one, other := <-lists, <-lists
	if len(messages(one)) != 52 || strings.Join(messages(one), "|") != strings.Join(messages(other), "|") {
		t.Errorf("one saw %q\nthe other %q", messages(one), messages(other))
	}
	for _, list := range [][]sent{one, other} {
		if last := list[len(list)-1]; last.name != "done" {
			t.Errorf("the last is %+v", last)
		}
	}
	third := messages(one)[2]
	id, _, _ := strings.Cut(third, " ")
	if rest := messages(listen(t, address, id)); len(rest) != 49 || rest[0] != messages(one)[3] {
		t.Errorf("after %s came %q", third, rest)
	}
	if all := messages(listen(t, address, "nonsense")); len(all) != 52 {
		t.Errorf("an id that is none: %d events", len(all))
	}
}

// A browser that does not read holds up neither the work nor other browsers.
func TestASlowReaderHoldsUpNothing(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	goOn := make(chan struct{})
	w := book.Start(Job{}, func(_ context.Context, w *Work) (any, error) {
		<-goOn
		for range 5000 {
			w.Event(event(strings.Repeat("x", maxText), false)) // 20 MB: no buffer of a connection takes that
		}
		return nil, nil
	})
	address := serve(t, w)
	slow, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := fmt.Fprintf(slow, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Read(make([]byte, 12)); err != nil { // it is served, and reads no more
		t.Fatal(err)
	}
	close(goOn)
	if !w.Wait(t.Context(), 20*time.Second) {
		t.Fatal("the work waits for the browser")
	}
	if list := listen(t, address, ""); len(list) == 0 || list[len(list)-1].name != "done" {
		t.Errorf("another browser saw %d events and no end", len(list))
	}
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	t.Parallel()
	w := newBook(t).Start(Job{}, func(ctx context.Context, w *Work) (any, error) { <-ctx.Done(); return nil, nil })
	for range maxStreams {
		if _, err := w.Join(); err != nil {
			t.Fatal("refused too early")
		}
	}
	recorder := httptest.NewRecorder()
	if err := w.ServeEvents(recorder, httptest.NewRequest(http.MethodGet, "/", nil)); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
	w.mu.Lock()
	w.streams--
	w.mu.Unlock()
	if _, err := w.Join(); err != nil {
		t.Error("there is room again, but not for anybody")
	}
}

func TestABookWaitsForItsWorks(t *testing.T) {
	t.Parallel()
	book := newBook(t)
	w := book.Start(Job{}, func(ctx context.Context, w *Work) (any, error) { <-ctx.Done(); return nil, nil })
	soon, cancel := context.WithCancel(t.Context())
	cancel()
	if book.Wait(soon) == nil {
		t.Error("it has not waited")
	}
	book.StopAll()
	if err := book.Wait(t.Context()); err != nil || !w.Ended() {
		t.Errorf("ended: %t, %v", w.Ended(), err)
	}
}
