package sim

import (
	"crypto/rand"
	"fmt"
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

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
