package sim

import (
	"net"
	"net/http"
	"strings"
)

// hosts dispatches on the host name of a request.
type hosts map[string]http.Handler

func (h hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	handler, ok := h[strings.ToLower(host)]
	if !ok {
		http.Error(w, "no such host behind this address", http.StatusMisdirectedRequest)
		return
	}
	handler.ServeHTTP(w, r)
}
