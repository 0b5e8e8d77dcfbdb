package web

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

const (
	// liveBeat keeps a silent connection alive.
	liveBeat = 15 * time.Second
	// liveTogether is how long changes are gathered before they are shown.
	liveTogether = 150 * time.Millisecond
)

// lively is a page that changes while it is open. Its parts are made by the same
// templates as the page, so what is shown live is what a reload shows.
type lively struct {
	page  string
	parts []string // names of templates, which are ids in the page
	data  any
	// next is where to go from here, "" for nowhere; over says that nothing more comes.
	next string
	over bool
}

// live sends the parts of a page that have changed, as server-sent events, each
// time that look has something new. look also says what tells of a change, nil for
// nothing, and after how long to look in any case.
func (s *Server) live(w http.ResponseWriter, r *http.Request, look func() (lively, <-chan struct{}, time.Duration, error)) error {
	view, changed, every, err := look()
	if err != nil {
		return err
	}
	stream := work.NewStream(w)
	defer stream.End()
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	sent, id := map[string]string{}, 0
	for {
		for _, part := range view.parts {
			text, err := pages.Part(view.page, part, view.data)
			if err != nil || sent[part] == text {
				continue // the page itself says what is wrong with it
			}
			sent[part] = text
			id++
			document, _ := json.Marshal(map[string]string{"id": part, "html": text}) // texts always are JSON
			stream.Send("part", id, document)
		}
		if view.next != "" || view.over {
			document, _ := json.Marshal(map[string]string{"next": view.next})
			stream.Send("done", id+1, document)
			return nil
		}
		if stream.Flush() != nil {
			return nil
		}
		if !awaitChange(r, changed, every, beat, stream) {
			return nil
		}
		if view, changed, every, err = look(); err != nil {
			return nil // the browser asks again, and is told then
		}
	}
}

// awaitChange waits until it is time to look again; it is not when the browser is gone.
func awaitChange(r *http.Request, changed <-chan struct{}, every time.Duration, beat *time.Ticker, stream *work.Stream) bool {
	again := time.NewTimer(every)
	defer again.Stop()
	for {
		select {
		case <-r.Context().Done():
			return false
		case <-again.C:
			return true
		case <-beat.C:
			stream.Beat()
			if stream.Flush() != nil {
				return false
			}
		case <-changed:
			select {
			case <-time.After(liveTogether):
				return true
			case <-r.Context().Done():
				return false
			}
		}
	}
}
