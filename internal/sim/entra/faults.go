package entra

import (
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// strike lets a fault happen at the token endpoint and tells whether the
// request has been answered by it. A token that was made and lost is as good
// as none, so lost-response is the same as reset here.
func (s *Server) strike(w http.ResponseWriter, r *http.Request) bool {
	world := s.options.Ground
	take := func(name string) bool { return world.TakeFault(name, StepToken) }
	switch {
	case take("throttle"):
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusTooManyRequests, problem("temporarily_unavailable", 90055, "The request was throttled."))
	case take("unavailable"):
		answer(w, http.StatusServiceUnavailable, problem("temporarily_unavailable", 90033, "A transient error has occurred. Please try again."))
	case take("unauthorized"):
		refused := wrongSecret(clip(r.PostFormValue("client_id")))
		answer(w, refused.status(), refused)
	case take("reset"), take("lost-response"):
		ground.Cut(r)
	case take("slow"):
		return world.Clock.Wait(r.Context(), 20*time.Second) != nil
	default:
		return false
	}
	return true
}
