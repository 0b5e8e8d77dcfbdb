package storage

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// FaultDoc describes one fault for help texts.
type FaultDoc struct{ Name, What string }

// Faults lists the faults of Blob Storage; each can strike at every step.
func Faults() []FaultDoc {
	return []FaultDoc{
		{"throttle", "503 ServerBusy, no effect"},
		{"unavailable", "500 InternalError, no effect"},
		{"forbidden", "403 AuthorizationPermissionMismatch, no effect"},
		{"expired", "403 AuthenticationFailed, as if the signature had run out"},
		{"reset", "the connection is cut before anything happens"},
		{"lost-response", "the effect happens, the connection is cut before the answer"},
		{"slow", "the answer comes 20 s late"},
	}
}

type struck int

const (
	spared struck = iota
	struckBefore
	struckAfter
)

// strike lets a fault happen, if one is switched on for the step.
func (s *Server) strike(w http.ResponseWriter, r *http.Request, step string) struck {
	refuse := func(f *failure) struck {
		f.write(w, r, s.ground.Clock.Now())
		return struckBefore
	}
	switch {
	case s.take("throttle", step):
		wait := s.ground.Clock.Short(5 * time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
		if wait < time.Second {
			w.Header().Set("Retry-After-Ms", strconv.Itoa(max(1, int(wait.Milliseconds()))))
		}
		return refuse(fail(http.StatusServiceUnavailable, "ServerBusy", "The server is busy."))
	case s.take("unavailable", step):
		return refuse(fail(http.StatusInternalServerError, "InternalError", "The server encountered an internal error. Please retry the request."))
	case s.take("forbidden", step):
		return refuse(noPermission())
	case s.take("expired", step):
		now := s.ground.Clock.Now().UTC()
		return refuse(unauthenticated("Signature not valid in the specified time frame: Start [" + now.Add(-2*time.Hour).Format(http.TimeFormat) + "] - Expiry [" + now.Add(-time.Hour).Format(http.TimeFormat) + "] - Current [" + now.Format(http.TimeFormat) + "]"))
	case s.take("reset", step):
		ground.Cut(r)
	case s.take("lost-response", step):
		return struckAfter
	case s.take("slow", step):
		if s.ground.Clock.Wait(r.Context(), 20*time.Second) != nil {
			return struckBefore
		}
	}
	return spared
}

func (s *Server) take(name, step string) bool {
	if !s.ground.Faults.Take(name, step) {
		return false
	}
	s.ground.Ledger.Record(ground.FaultHappened, step, name)
	return true
}

// nowhere takes an answer that nobody will see.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}
