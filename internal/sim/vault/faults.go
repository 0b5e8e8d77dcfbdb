package vault

import (
	"net/http"
	"time"
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

// refuse lets the faults happen that the service answers itself.
func (s *Server) refuse(w http.ResponseWriter) func(take func(string) bool) bool {
	return func(take func(string) bool) bool {
		var f *failure
		switch {
		case take("throttle"):
			s.ground.RetryAfter(w.Header(), 5*time.Second)
			f = throttled()
		case take("unavailable"):
			f = unavailable()
		case take("forbidden"):
			f = fail(http.StatusForbidden, "Forbidden", "Operation is not allowed by a fault of the world.").inner("ForbiddenByPolicy")
		default:
			return false
		}
		f.write(w)
		return true
	}
}

// Source: Azure Key Vault throttling guidance.
func throttled() *failure {
	return fail(http.StatusTooManyRequests, "Throttled", "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached")
}

func unavailable() *failure {
	return fail(http.StatusServiceUnavailable, "ServiceUnavailable", "The service is unavailable. Please try again.")
}
