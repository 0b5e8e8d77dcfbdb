package vault

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// failure is the error answer of Key Vault.
// Source: Azure Key Vault, "Authentication, requests and responses"; field
// reports for the inner code.
type failure struct {
	status  int
	header  http.Header
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Inner   *innerOne `json:"innererror,omitempty"`
}

type innerOne struct {
	Code string `json:"code"`
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

func fail(status int, code, format string, args ...any) *failure {
	return &failure{status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func (f *failure) inner(code string) *failure {
	f.Inner = &innerOne{code}
	return f
}

func (f *failure) write(w http.ResponseWriter) {
	for name, values := range f.header {
		w.Header()[name] = values
	}
	write(w, f.status, map[string]any{"error": f})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func badParameter(format string, args ...any) *failure {
	return fail(http.StatusBadRequest, "BadParameter", format, args...)
}

// notFound is for a name or version that a vault does not have.
// Source: field reports, and the text of go.microsoft.com/fwlink/?linkid=2125182.
func notFound(kind, name string) *failure {
	word := map[string]string{"certificates": "certificate", "secrets": "secret"}[kind]
	return fail(http.StatusNotFound, map[string]string{"certificates": "CertificateNotFound", "secrets": "SecretNotFound"}[kind],
		"A %s with (name/id) %s was not found in this key vault. If you recently deleted this %s you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182", word, name, word)
}

// notDeleted is for a name that is not among the soft-deleted.
// guess: the code; the text is from field reports.
func notDeleted(kind, name string) *failure {
	f := notFound(kind, name)
	f.Message = fmt.Sprintf("Deleted %s not found: %s", map[string]string{"certificates": "Certificate", "secrets": "Secret"}[kind], name)
	return f
}

// readBody reads a JSON object; a request without body has none.
func readBody(r *http.Request) (map[string]any, *failure) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is larger than %d bytes.", maxBody)
	}
	if len(raw) == 0 {
		return nil, nil
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil || body == nil {
		return nil, badParameter("The request body is no JSON object.")
	}
	return body, nil
}
