package storage

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// failure is an error answer.
// Source: Azure Storage, "Status and error codes".
type failure struct {
	status  int
	Code    string
	message string
	detail  string // AuthenticationErrorDetail
	header  http.Header
}

func fail(status int, code, message string) *failure {
	return &failure{status: status, Code: code, message: message}
}

type errorBody struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
	Detail  string `xml:"AuthenticationErrorDetail,omitempty"`
}

func (f *failure) write(w http.ResponseWriter, r *http.Request, now time.Time) {
	h := w.Header()
	for name, values := range f.header {
		h[name] = values
	}
	h.Set("X-Ms-Error-Code", f.Code)
	if r.Method == http.MethodHead { // no body
		w.WriteHeader(f.status)
		return
	}
	message := fmt.Sprintf("%s\nRequestId:%s\nTime:%s", f.message, h.Get("X-Ms-Request-Id"), now.UTC().Format("2006-01-02T15:04:05.0000000Z"))
	writeXML(w, f.status, errorBody{Code: f.Code, Message: message, Detail: f.detail})
}

// writeXML answers a document, with the byte order mark that the service sends.
func writeXML(w http.ResponseWriter, status int, body any) {
	encoded, err := xml.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("\ufeff" + strings.TrimSpace(xml.Header)))
	_, _ = w.Write(encoded)
}

func unauthenticated(detail string) *failure {
	f := fail(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.")
	f.detail = detail
	return f
}

func noPermission() *failure {
	return fail(http.StatusForbidden, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.")
}

func noContainer() *failure {
	return fail(http.StatusNotFound, "ContainerNotFound", "The specified container does not exist.")
}

func noBlob() *failure {
	return fail(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
}

func badHeader(name string) *failure {
	return fail(http.StatusBadRequest, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format: "+name+".")
}
