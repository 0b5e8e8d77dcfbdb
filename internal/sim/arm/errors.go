package arm

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// failure is an error answer of the Resource Manager.
// Source: Azure Resource Manager, common API details, error response.
type failure struct {
	status  int
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Details []detail `json:"details,omitempty"`
	Inner   *inner   `json:"innererror,omitempty"`
	header  http.Header
}

// inner has the code that a general one stands for.
type inner struct {
	Code string `json:"code"`
}

type detail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"characterPositionInLine,omitempty"`
	Token   string `json:"token,omitempty"`
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

func fail(status int, code, format string, args ...any) *failure {
	return &failure{status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// with adds a nested detail, where the Network provider puts the useful code.
func (f *failure) with(code, format string, args ...any) *failure {
	f.Details = append(f.Details, detail{Code: code, Message: fmt.Sprintf(format, args...)})
	return f
}

func (f *failure) write(w http.ResponseWriter) {
	for name, values := range f.header {
		w.Header()[name] = values
	}
	cause := "gateway"
	if f.status >= 500 {
		cause = "service"
	}
	w.Header().Set("X-Ms-Failure-Cause", cause)
	answer(w, f.status, map[string]any{"error": f})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func notFoundGroup(name string) *failure {
	return fail(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", name)
}

func notFoundSubscription(id string) *failure {
	return fail(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", id)
}

func notFoundResource(id resourceID) *failure {
	return fail(http.StatusNotFound, "ResourceNotFound",
		"The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", id.kind, id.name, id.group)
}
