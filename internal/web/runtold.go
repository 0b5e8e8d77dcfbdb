package web

import (
	"context"
	"encoding/json"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// toldKind is the kind of evidence that the journal keeps of what a run has told.
const toldKind = "told"

// told is what a run has told, line by line.
type told struct {
	Events []work.Event `json:"events"`
	// Left is how many earlier ones are not kept.
	Left int `json:"left"`
}

func toldBy(w *work.Work) (t told) {
	t.Events, t.Left = w.Events(0)
	return t
}

// toldOf is what the journal has of it: nothing when the program did not come to the
// end of the run, or when the command line carried it out.
func toldOf(run journal.Run) (t told, known bool) {
	for _, piece := range run.Evidence {
		if piece.Kind == toldKind && json.Unmarshal(piece.Data, &t) == nil {
			known = true
		}
	}
	return t, known
}

// keepSeen writes down what the pages saw of a run, for whoever looks at it later. It
// says nothing that the run's own proof does not say better.
func (s *Server) keepSeen(ctx context.Context, id, kind string, seen any) {
	document, err := json.Marshal(seen)
	if err != nil {
		return // our own plain values
	}
	ctx = context.WithoutCancel(ctx)
	_, _ = app.Remember(ctx, s.options.App, func(memory *journal.Journal) (struct{}, error) {
		return struct{}{}, memory.Evidence(ctx, id, kind, document, s.options.App.Now())
	})
}
