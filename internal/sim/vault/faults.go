package vault

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// FaultDoc describes one fault for help texts.
type FaultDoc struct{ Name, What string }

// Steps are the names of requests to a vault, as faults use them.
func Steps() []string {
	return []string{"vault-list", "vault-get", "vault-versions", "vault-import", "vault-secret", "vault-patch", "vault-delete", "vault-recover", StepFetch}
}

// Faults lists the faults of Key Vault; each can strike at every step.
func Faults() []FaultDoc {
	return []FaultDoc{
		{"throttle", "429 Throttled with Retry-After, no effect"},
		{"unavailable", "503, no effect"},
		{"forbidden", "403 Forbidden, no effect"},
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
		f.write(w)
		return struckBefore
	}
	switch {
	case s.take("throttle", step):
		wait := s.ground.Clock.Short(5 * time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
		if wait < time.Second {
			w.Header().Set("Retry-After-Ms", strconv.Itoa(max(1, int(wait.Milliseconds()))))
		}
		return refuse(throttled())
	case s.take("unavailable", step):
		return refuse(unavailable())
	case s.take("forbidden", step):
		return refuse(fail(http.StatusForbidden, "Forbidden", "Operation is not allowed by a fault of the world.").inner("ForbiddenByPolicy"))
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

// Source: Azure Key Vault throttling guidance.
func throttled() *failure {
	return fail(http.StatusTooManyRequests, "Throttled", "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached")
}

func unavailable() *failure {
	return fail(http.StatusServiceUnavailable, "ServiceUnavailable", "The service is unavailable. Please try again.")
}

// nowhere takes an answer that nobody will see.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}
