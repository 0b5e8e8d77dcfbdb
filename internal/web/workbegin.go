package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// aMoment is how long a request waits for work before it shows how that goes on.
const aMoment = 1500 * time.Millisecond

// leadElsewhere is how work says that its result is shown on another page than
// that of its job.
type leadElsewhere string

func (leadElsewhere) Error() string { return "another page is next" }

// begin starts work as whoever is signed in. It goes on when nobody looks.
func (s *Server) begin(job work.Job, do func(context.Context, *app.Session) (any, error)) *work.Work {
	return s.book.Start(job, func(ctx context.Context, wk *work.Work) (any, error) {
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

// showWork leads to where the result of work is shown: at once when it takes no
// more than a moment, else by the page of its progress.
func (s *Server) showWork(w http.ResponseWriter, r *http.Request, wk *work.Work) error {
	if wk.Wait(r.Context(), aMoment) && wk.Next() != "" {
		return leadTo(w, r, wk.Next())
	}
	return leadTo(w, r, "/work/"+wk.ID)
}

// awaited gives the result of work to a page that cannot be without it. sent tells
// that the work takes longer than a moment, and that the answer leads to the page
// of its progress, which leads back.
func awaited[T any](w http.ResponseWriter, r *http.Request, wk *work.Work) (value T, sent bool, err error) {
	if !wk.Wait(r.Context(), aMoment) {
		return value, true, leadTo(w, r, "/work/"+wk.ID)
	}
	result, err := wk.Result()
	value, _ = result.(T)
	return value, false, err
}

// seen gives what was looked at for a renewal, by a name; it is looked at once.
// sent is as with awaited.
func seen[T any](s *Server, w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal, name, title string, look func(context.Context, *app.Session) (T, error)) (value T, sent bool, err error) {
	renewal.Lock()
	kept, known := renewal.Seen[name].(T)
	turn := renewal.Turn
	renewal.Unlock()
	if known {
		return kept, false, nil
	}
	job := work.Job{Kind: "look", Title: title, Key: fmt.Sprint(renewal.ID, " ", name, " ", turn), Next: r.URL.RequestURI(), Back: r.URL.Path}
	return awaited[T](w, r, s.begin(job, func(ctx context.Context, session *app.Session) (any, error) {
		value, err := look(ctx, session)
		if err != nil {
			return nil, err
		}
		renewal.Lock()
		defer renewal.Unlock()
		if renewal.Turn != turn {
			return value, nil // somebody else may be signed in since: it is looked at again
		}
		if renewal.Seen == nil {
			renewal.Seen = map[string]any{}
		}
		renewal.Seen[name] = value
		return value, nil
	}))
}
