package entra

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// failure is the error answer of the token endpoint (RFC 6749 §5.2 with
// Entra's additions). Clients look at Code and at the numbers.
// Source: Microsoft Entra authentication and authorization error codes.
type failure struct {
	Code          string `json:"error"`
	Description   string `json:"error_description"`
	Numbers       []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp,omitempty"`
	TraceID       string `json:"trace_id,omitempty"`
	CorrelationID string `json:"correlation_id,omitempty"`
	URI           string `json:"error_uri,omitempty"`
}

func problem(code string, number int, format string, args ...any) *failure {
	trace, correlation, now := uuid.NewString(), uuid.NewString(), time.Now().UTC().Format("2006-01-02 15:04:05Z")
	text := fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", number, fmt.Sprintf(format, args...), trace, correlation, now)
	return &failure{Code: code, Description: text, Numbers: []int{number}, Timestamp: now, TraceID: trace, CorrelationID: correlation,
		URI: fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", number)}
}

func unknownTenant(name string) *failure {
	return problem("invalid_request", 90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. "+
		"Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", clip(name))
}

func unknownApplication(id string, tenant Tenant) *failure {
	return problem("unauthorized_client", 700016, "Application with identifier '%s' was not found in the directory '%s'. "+
		"This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. "+
		"You may have sent your authentication request to the wrong tenant.", clip(id), tenant.Name)
}

func wrongSecret(id string) *failure {
	return problem("invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "+
		"not the client secret ID, for a secret added to app '%s'.", id)
}

func unknownResource(resource string, tenant Tenant) *failure {
	return problem("invalid_resource", 500011, "The resource principal named %s was not found in the tenant named %s. "+
		"This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.", clip(resource), tenant.Name)
}

// status is 401 for clients that could not prove who they are, else 400.
func (f *failure) status() int {
	if f.Code == "invalid_client" {
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

func (f *failure) write(w http.ResponseWriter) { answer(w, f.status(), f) }

// clip keeps what a client sent from filling an answer.
func clip(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), 200)], "")
}
