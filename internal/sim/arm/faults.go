package arm

import (
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// FaultDoc describes one fault for help texts.
type FaultDoc struct{ Name, Steps, What string }

// Steps are the names of requests, as faults use them.
var steps = []string{
	"tenants", "subscriptions", "resource-groups", "resource-list", "resource-get", "graph-query",
	"gateway-get", "gateway-put", "gateway-patch", "operation-poll", "backend-health", "backend-health-poll",
	"permissions", "locks", "deny-assignments", "role-assignments", "role-definitions", "public-ip", "network", "machine-get", "machine-list", "instance-view",
	"machine-child-get", "machine-child-put", "machine-child-delete", "run-command", stepScript,
	"storage-account", "storage-keys", "vault-resource", "identity-get", "metadata",
}

// Steps lists the names of requests at which faults can strike.
func Steps() []string { return append([]string(nil), steps...) }

// Faults lists the faults of the Resource Manager.
func Faults() []FaultDoc {
	return []FaultDoc{
		{"throttle", "any", "429 with Retry-After, no effect"},
		{"conflict", "any", "409 AnotherOperationInProgress, no effect"},
		{"unavailable", "any", "503, no effect"},
		{"unauthorized", "any", "the token is revoked: 401, with a claims challenge for clients that understand one"},
		{"forbidden", "any", "403 AuthorizationFailed, no effect"},
		{"reset", "any", "the connection is cut before anything happens"},
		{"lost-response", "any", "the effect happens, the connection is cut before the answer"},
		{"slow", "any", "the answer comes 20 s late"},
		{"failed-operation", "gateway-put", "the write is accepted, its operation fails after a while"},
		{"slow-operation", "gateway-put", "the operation takes ten times as long"},
		{"superseded", "gateway-put", "somebody else's write of the earlier document cancels the operation"},
		{"machine-off", "machine-child-put, machine-child-delete, run-command", "409 OperationNotAllowed, as if the machine were stopped"},
		{"agent-not-ready", "machine-child-put, run-command", "the operation is accepted and fails after a quarter of an hour: the machine's agent does not answer"},
		{"busy", "run-command", "409 Conflict: another run command is in progress"},
		{"disk-full", stepScript, "files on the machine cannot grow above a few kilobytes while the script runs"},
		{"script-hangs", stepScript, "the script does what it does and never ends"},
		{"output-lost", stepScript, "the script's output does not arrive anywhere"},
		{"changed-meanwhile", "gateway-put", "somebody changes a tag just before the write: the ETag has moved"},
	}
}

type struck int

const (
	spared struck = iota
	struckBefore
	struckAfter
)

// strike lets the faults happen that are the same at every step.
func (s *Server) strike(w http.ResponseWriter, r *http.Request, step string) struck {
	take := func(name string) bool {
		if !s.ground.Faults.Take(name, step) {
			return false
		}
		s.ground.Ledger.Record(ground.FaultHappened, step, name)
		return true
	}
	refuse := func(f *failure) struck {
		f.write(w)
		return struckBefore
	}
	switch {
	case take("throttle"):
		s.retryAfter(w.Header(), 5*time.Second)
		return refuse(fail(http.StatusTooManyRequests, "TooManyRequests", "The request is being throttled as the limit has been reached for operation type."))
	case take("conflict"):
		return refuse(busyConflict())
	case take("unavailable"):
		return refuse(fail(http.StatusServiceUnavailable, "ServerTimeout", "The server is temporarily unable to process the request. Please try again."))
	case take("forbidden"):
		return refuse(fail(http.StatusForbidden, "AuthorizationFailed", "The client does not have authorization to perform this action over scope '%s' or the scope is invalid.", r.URL.Path))
	case take("reset"):
		ground.Cut(r)
	case take("lost-response"):
		return struckAfter
	case take("slow"):
		if s.ground.Clock.Wait(r.Context(), 20*time.Second) != nil {
			return struckBefore
		}
	}
	return spared
}

// retryAfter asks a client to wait for d of the world's time. The header has
// whole seconds; what is shorter goes into retry-after-ms, which the Azure
// SDKs read first.
func (s *Server) retryAfter(h http.Header, d time.Duration) {
	short := s.ground.Clock.Short(d)
	seconds := max(1, int((short+time.Second-1)/time.Second))
	h.Set("Retry-After", itoa(seconds))
	if short < time.Second {
		h.Set("Retry-After-Ms", itoa(max(1, int(short.Milliseconds()))))
	}
}

// nowhere takes an answer that nobody will see.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}
