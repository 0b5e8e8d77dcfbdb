package web

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// runKind is the kind of work that changes something, which must not be left in
// the middle.
const runKind = "run"

// Running are the runs that go on.
func (s *Server) Running() []work.Job {
	var jobs []work.Job
	for _, w := range s.book.Find(func(w *work.Work) bool { return w.Job().Kind == runKind && !w.Ended() }) {
		jobs = append(jobs, w.Job())
	}
	return jobs
}

// Wait returns when nothing goes on any more; what does is asked to stop by the
// context of [New].
func (s *Server) Wait(ctx context.Context) error { return s.book.Wait(ctx) }
