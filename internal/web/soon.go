package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// aMoment is how long a page waits for something before it shows how it goes on.
const aMoment = 1500 * time.Millisecond

// job is what takes a while.
type job struct {
	kind, title string
	// key keeps two of it from going on at once; next is where the result is shown,
	// back where one goes when there is none.
	key, next, back string
}

// leadElsewhere is how what takes a while says that its result is shown elsewhere.
type leadElsewhere string

func (leadElsewhere) Error() string { return "another page is next" }

// soon does something as whoever is signed in, and leads to where its result is
// shown: at once when it takes no more than a moment, by a page of progress
// otherwise. It goes on when nobody looks.
func (s *Server) soon(w http.ResponseWriter, r *http.Request, j job, do func(context.Context, *app.Session) error) error {
	wk := s.begin(j, func(ctx context.Context, session *app.Session) (any, error) { return nil, do(ctx, session) })
	if !wk.Wait(r.Context(), aMoment) {
		return leadTo(w, r, "/work/"+wk.ID)
	}
	if _, err := wk.Result(); err != nil {
		return err
	}
	return leadTo(w, r, wk.Next())
}

// begin starts a job in the book.
func (s *Server) begin(j job, do func(context.Context, *app.Session) (any, error)) *work.Work {
	return s.book.Start(work.Job{Kind: j.kind, Title: j.title, Key: j.key, Next: j.next, Back: j.back}, func(ctx context.Context, wk *work.Work) (any, error) {
		session, err := s.session(ctx)
		if err != nil {
			return nil, err
		}
		result, err := do(ctx, session.With(wk))
		if next, elsewhere := errors.AsType[leadElsewhere](err); elsewhere {
			wk.Lead(string(next))
			return nil, nil
		}
		return result, err
	})
}

// seen gives what was looked at for a renewal, by a name; it is looked at once.
// sent tells that it takes longer than a moment, and that the page of progress
// was written, which leads back to the same address.
func seen[T any](s *Server, w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal, name, title string, look func(context.Context, *app.Session) (T, error)) (value T, sent bool, err error) {
	renewal.Lock()
	kept, known := renewal.Seen[name].(T)
	renewal.Unlock()
	if known {
		return kept, false, nil
	}
	wk := s.begin(job{"look", title, renewal.ID + " " + name, r.URL.RequestURI(), renewalPath(renewal, wizard.Certificate)}, func(ctx context.Context, session *app.Session) (any, error) {
		value, err := look(ctx, session)
		if err != nil {
			return nil, err
		}
		renewal.Lock()
		defer renewal.Unlock()
		if renewal.Seen == nil {
			renewal.Seen = map[string]any{}
		}
		renewal.Seen[name] = value
		return value, nil
	})
	if !wk.Wait(r.Context(), aMoment) {
		return value, true, leadTo(w, r, "/work/"+wk.ID)
	}
	result, err := wk.Result()
	value, _ = result.(T)
	return value, false, err
}
