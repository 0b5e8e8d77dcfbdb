package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// maxStreams bounds how many tabs may listen to one work.
	maxStreams = 20
	// heartbeat keeps a silent connection alive, and finds out that it is dead.
	heartbeat = 15 * time.Second
	// writeWithin is how long a browser may take to read what it was sent.
	writeWithin = 10 * time.Second
	// together is how long events are gathered, so that a torrent of them is a few writes.
	together = 100 * time.Millisecond
)

// ErrTooMany says that too many tabs listen to the same work.
var ErrTooMany = errors.New("too many windows listen to this work; close some of them")

// ServeEvents tells a browser what the work tells, as server-sent events: each with
// its id, so that one that lost its connection goes on where it was; a "changed"
// when what the page shows beside them has changed; and "done" at the end. A slow
// browser is left behind, or loses its connection; it holds up nothing.
func (w *Work) ServeEvents(rw http.ResponseWriter, r *http.Request) error {
	leave, err := w.Join()
	if err != nil {
		return err
	}
	defer leave()
	s := NewStream(rw)
	defer s.End()
	at, _ := strconv.Atoi(r.Header.Get("Last-Event-ID")) // whatever else it is, it means all
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		w.mu.Lock()
		events, last, changed := w.since(at), w.last, w.changed
		w.mu.Unlock()
		over := w.Ended() // before the events were read, or this is asked once more
		for _, event := range events {
			document, err := json.Marshal(event)
			if err != nil {
				return nil // our own plain values
			}
			s.Send("", event.ID, document)
		}
		if len(events) == 0 && last > at {
			s.Send("changed", last, nil)
		}
		at = max(at, last)
		if over {
			w.mu.Lock()
			rest := w.last > at
			w.mu.Unlock()
			if !rest {
				s.Send("done", at, nil)
				return nil
			}
			continue
		}
		if s.Flush() != nil {
			return nil // it is gone
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-beat.C:
			s.Beat()
		case <-changed:
			if !w.Ended() {
				select {
				case <-time.After(together):
				case <-w.done:
				case <-r.Context().Done():
				}
			}
		}
	}
}

// ServeKept tells what was kept of work that nobody has any more, as ServeEvents would.
func ServeKept(rw http.ResponseWriter, r *http.Request, events []Event) {
	s := NewStream(rw)
	defer s.End()
	at, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	for _, event := range events {
		document, err := json.Marshal(event)
		if err == nil && event.ID > at {
			s.Send("", event.ID, document)
		}
		at = max(at, event.ID)
	}
	s.Send("done", at, nil)
}

// Join counts somebody in who listens to the work.
func (w *Work) Join() (leave func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.streams >= maxStreams {
		return nil, ErrTooMany
	}
	w.streams++
	return sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.streams--
	}), nil
}

// Stream writes server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

// NewStream begins the answer.
func NewStream(w http.ResponseWriter) *Stream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return &Stream{w: w, control: http.NewResponseController(w)}
}

// Send writes an event, of the name "message" when it is "". data is JSON of one line.
func (s *Stream) Send(name string, id int, data []byte) {
	if name != "" {
		s.write("event: %s\n", name)
	}
	if len(data) == 0 {
		data = []byte("{}")
	}
	s.write("id: %d\ndata: %s\n\n", id, data)
}

// Beat writes a comment, which browsers pass over.
func (s *Stream) Beat() {
	s.write(": beat\n\n")
}

func (s *Stream) write(format string, args ...any) {
	if s.err != nil {
		return
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(writeWithin)) // a recorder has none
	_, s.err = fmt.Fprintf(s.w, format, args...)
}

// End ends the answer, and leaves the connection as it was.
func (s *Stream) End() {
	_ = s.Flush()
	_ = s.control.SetWriteDeadline(time.Time{})
}

// Flush brings what was written on its way.
func (s *Stream) Flush() error {
	if s.err == nil {
		s.err = s.control.Flush()
	}
	return s.err
}
