package arm

import (
	"net/http"
	"time"
)

// FaultDoc describes one fault for help texts.
type FaultDoc struct{ Name, Steps, What string }

// Steps are the names of requests, as faults use them.
var steps = []string{
	"tenants", "subscriptions", "resource-groups", "resource-list", "resource-get", "graph-query",
	"gateway-get", "gateway-put", "gateway-patch", "tags-get", "tags-write", "operation-poll", "backend-health", "backend-health-poll",
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

// refuse lets the faults happen that the Resource Manager answers itself, the
// same at every step.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) func(take func(string) bool) bool {
	return func(take func(string) bool) bool {
		var f *failure
		switch {
		case take("throttle"):
			s.ground.RetryAfter(w.Header(), 5*time.Second)
			f = fail(http.StatusTooManyRequests, "TooManyRequests", "The request is being throttled as the limit has been reached for operation type.")
		case take("conflict"):
			f = busyConflict()
		case take("unavailable"):
			f = fail(http.StatusServiceUnavailable, "ServerTimeout", "The server is temporarily unable to process the request. Please try again.")
		case take("forbidden"):
			f = fail(http.StatusForbidden, "AuthorizationFailed", "The client does not have authorization to perform this action over scope '%s' or the scope is invalid.", r.URL.Path)
		default:
			return false
		}
		f.write(w)
		return true
	}
}
