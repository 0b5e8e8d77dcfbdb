package egress

import (
	"fmt"
	"net/http"
)

// ProxyError says that a connection failed at the proxy, or that the proxy
// reports that it failed behind it; see [ProxyError.AboutTarget].
type ProxyError struct {
	// Proxy is the proxy's host:port.
	Proxy string
	// Target is the host:port that was wanted, empty when only the proxy was dialled.
	Target string
	// Status is the HTTP status of the proxy's answer, 0 when there was none.
	Status int
	// Err is what went wrong, nil when Status says it.
	Err error
}

// AboutTarget tells whether the proxy works and says that it cannot reach the
// target. Squid answers 503 for a refused connection or an unknown name, most
// others 502 or 504.
func (e *ProxyError) AboutTarget() bool {
	switch e.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Error is a sentence in which the proxy's own words do not occur.
func (e *ProxyError) Error() string {
	if e.Status == 0 && e.Target == "" {
		return fmt.Sprintf("proxy %s: %v", e.Proxy, e.Err)
	}
	if e.Status == 0 {
		return fmt.Sprintf("proxy %s, asked for a tunnel to %s: %v", e.Proxy, e.Target, e.Err)
	}
	status := fmt.Sprint(e.Status)
	if text := http.StatusText(e.Status); text != "" {
		status += " " + text
	}
	switch {
	case e.Status == http.StatusProxyAuthRequired:
		return fmt.Sprintf("proxy %s wants (other) credentials for the tunnel to %s: %s", e.Proxy, e.Target, status)
	case e.AboutTarget():
		return fmt.Sprintf("proxy %s could not reach %s: %s", e.Proxy, e.Target, status)
	}
	return fmt.Sprintf("proxy %s refused the tunnel to %s: %s", e.Proxy, e.Target, status)
}

// Unwrap gives Err.
func (e *ProxyError) Unwrap() error { return e.Err }
