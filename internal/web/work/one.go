package work

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

var _ app.Teller = (*Work)(nil)

// Bounds of what is kept of one work.
const (
	maxEvents = 1000
	maxText   = 4000
)

// Event is one thing that work told.
type Event struct {
	// ID grows from event to event.
	ID int `json:"id"`
	// Event of a rotation, or a note of its Kind.
	rotation.Event
	Kind app.NoteKind `json:"kind,omitempty"`
}

// Work is one piece of it. All its methods may be called from any goroutine; none
// waits for a reader.
type Work struct {
	ID string

	job    Job
	began  time.Time
	now    func() time.Time
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	events   []Event
	last     int           // the ID of the last event
	left     int           // events that are not kept any more
	changed  chan struct{} // closed at each change, and made anew
	streams  int
	stopping bool
	next     string // where the page goes at once, see Lead
	extra    map[string]any
	result   any
	err      error
	endedAt  time.Time
}

// Job is what the work is about.
func (w *Work) Job() Job { return w.job }

// Began is when it began.
func (w *Work) Began() time.Time { return w.began }

// Stop asks the work to end. What that means is for the work: a run goes back and
// proves it.
func (w *Work) Stop() {
	w.mu.Lock()
	w.stopping = true
	w.tellChange()
	w.mu.Unlock()
	w.cancel()
}

// Stopping tells whether the work was asked to stop.
func (w *Work) Stopping() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopping
}

// Ended tells whether the work has come to its end.
func (w *Work) Ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// EndedAt is when it ended, if it has.
func (w *Work) EndedAt() (time.Time, bool) {
	if !w.Ended() {
		return time.Time{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.endedAt, true
}

// Wait waits a little for the end, or for a page of its own: it tells whether the
// work has one of them within d, so that what is quick needs no page of progress.
func (w *Work) Wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		changed := w.Changed()
		if w.Ended() || w.Next() != "" {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// Changed is closed at the next change.
func (w *Work) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// Result is what came of the work, nil and nil while it goes on.
func (w *Work) Result() (any, error) {
	if !w.Ended() {
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.result, w.err
}

// Next is where its page goes from here: where Lead has said, or at its good end to
// the Page or the Next of its Job. It is "" as long as there is nothing to go to.
func (w *Work) Next() string {
	over := w.Ended()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == "" && over && w.err == nil {
		if w.job.Page != "" {
			return w.job.Page + w.ID
		}
		return w.job.Next
	}
	return w.next
}

// Lead says where the work is shown from now on, while it goes on: a run has a page
// of its own.
func (w *Work) Lead(next string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = next
	w.last++
	w.tellChange()
}

// Put keeps a value by name for the page of the work, instead of the one of before.
func (w *Work) Put(name string, value any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.extra == nil {
		w.extra = map[string]any{}
	}
	w.extra[name] = value
	w.last++ // streams tell that there is something new
	w.tellChange()
}

// Value is what was Put by this name, nil when nothing was.
func (w *Work) Value(name string) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.extra[name]
}

// Doing tells what goes on and may take a moment.
func (w *Work) Doing(phase rotation.Phase, text string) {
	w.Event(rotation.Event{At: w.now(), Phase: phase, Text: text, Waiting: true})
}

// Done tells that what was being done is over.
func (w *Work) Done() {}

// Event tells an event of a run.
func (w *Work) Event(event rotation.Event) { w.add(Event{Event: event}) }

// Note tells something beside: a warning, what is in doubt, where evidence is.
func (w *Work) Note(kind app.NoteKind, text string) {
	w.add(Event{Event: rotation.Event{At: w.now(), Text: text}, Kind: kind})
}

// add keeps an event. One that is waited for goes when the next comes, as on a
// terminal; of too many the oldest go.
func (w *Work) add(event Event) {
	event.Text = cut(event.Text)
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.events); n > 0 && w.events[n-1].Waiting {
		w.events = w.events[:n-1]
	}
	if len(w.events) >= maxEvents {
		w.events = append(w.events[:0], w.events[1:]...)
		w.left++
	}
	w.last++
	event.ID = w.last
	w.events = append(w.events, event)
	w.tellChange()
}

func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// Events are those told after the one with this ID, and how many of all are not
// kept any more.
func (w *Work) Events(after int) (events []Event, left int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since(after), w.left
}

func (w *Work) since(after int) []Event {
	i := len(w.events)
	for i > 0 && w.events[i-1].ID > after {
		i--
	}
	return append([]Event(nil), w.events[i:]...)
}

func (w *Work) end(result any, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.events); n > 0 && w.events[n-1].Waiting {
		w.events = w.events[:n-1]
	}
	w.result, w.err, w.endedAt = result, err, w.now()
	close(w.done)
	w.tellChange()
}

// tellChange wakes who waits for a change. The caller holds mu.
func (w *Work) tellChange() {
	close(w.changed)
	w.changed = make(chan struct{})
}
