package storage

import (
	"net/http"
	"time"
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

// refuse lets the faults happen that the service answers itself.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) func(take func(string) bool) bool {
	return func(take func(string) bool) bool {
		now := s.ground.Clock.Now()
		var f *failure
		switch {
		case take("throttle"):
			s.ground.RetryAfter(w.Header(), 5*time.Second)
			f = fail(http.StatusServiceUnavailable, "ServerBusy", "The server is busy.")
		case take("unavailable"):
			f = fail(http.StatusInternalServerError, "InternalError", "The server encountered an internal error. Please retry the request.")
		case take("forbidden"):
			f = noPermission()
		case take("expired"):
			day := func(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
			f = unauthenticated("Signature not valid in the specified time frame: Start [" + day(now.Add(-2*time.Hour)) + "] - Expiry [" + day(now.Add(-time.Hour)) + "] - Current [" + day(now) + "]")
		default:
			return false
		}
		f.write(w, r, now)
		return true
	}
}
