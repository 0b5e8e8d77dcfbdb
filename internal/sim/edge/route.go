package edge

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// route chooses the destination for a path: the first path rule that matches,
// without regard to case, else the default. prefix is the part of the path
// that a path override replaces. Source:
// learn.microsoft.com/azure/application-gateway/url-route-overview
func (l *listener) route(path string) (to *destination, prefix int) {
	lower := strings.ToLower(path)
	for _, route := range l.routes {
		if lower == route.prefix || !route.exact && strings.HasPrefix(lower, route.prefix) {
			return route.to, len(route.prefix)
		}
	}
	return l.fallback, 0
}

// overridden is the path that the backend sees: the override replaces what the
// path rule matched before its "*". Source: the table under "Override backend
// path" in learn.microsoft.com/azure/application-gateway/configuration-http-settings
func overridden(override, path string, prefix int) string {
	if override == "" {
		return path
	}
	rest := ""
	if prefix <= len(path) {
		rest = path[prefix:]
	}
	return strings.TrimSuffix(override, "/") + "/" + strings.TrimPrefix(rest, "/")
}

// redirect is a redirect configuration.
type redirect struct {
	status       int
	target       string // a URL, or
	port         int    // the port of the target listener
	secure       bool
	host         string // its host, if it has just one
	includePath  bool
	includeQuery bool
}

var redirectStatus = map[string]int{
	"permanent": http.StatusMovedPermanently,
	"found":     http.StatusFound,
	"seeother":  http.StatusSeeOther,
	"temporary": http.StatusTemporaryRedirect,
}

func (c *compiler) redirect(to *reference) (*redirect, error) {
	found, err := find("redirectConfigurations", c.document.Properties.RedirectConfigurations, to)
	if err != nil {
		return nil, err
	}
	properties := found.Properties
	made := &redirect{
		status: redirectStatus[strings.ToLower(properties.RedirectType)],
		target: properties.TargetURL, includePath: properties.IncludePath, includeQuery: properties.IncludeQueryString,
	}
	if made.status == 0 {
		return nil, fmt.Errorf("redirect %s: %q is no redirect type", found.Name, properties.RedirectType)
	}
	if properties.TargetListener == nil {
		return made, nil
	}
	listener, err := find("httpListeners", c.document.Properties.HTTPListeners, properties.TargetListener)
	if err != nil {
		return nil, fmt.Errorf("redirect %s: %w", found.Name, err)
	}
	port, err := find("frontendPorts", c.document.Properties.FrontendPorts, listener.Properties.FrontendPort)
	if err != nil {
		return nil, fmt.Errorf("redirect %s: %w", found.Name, err)
	}
	made.port, made.secure = port.Properties.Port, strings.EqualFold(listener.Properties.Protocol, "Https")
	if hosts := listener.Properties.HostNames; len(hosts) == 1 && !strings.ContainsAny(hosts[0], "*?") {
		made.host = hosts[0]
	}
	return made, nil
}

func (d *redirect) answer(w http.ResponseWriter, r *http.Request) {
	target := strings.TrimSuffix(d.target, "/")
	if target == "" {
		// guess: the host asked for is kept; a listener with a single host
		// name is only used when the client named none.
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host == "" {
			host = d.host
		}
		scheme, usual := "http", 80
		if d.secure {
			scheme, usual = "https", 443
		}
		if d.port != usual {
			host = net.JoinHostPort(host, strconv.Itoa(d.port))
		}
		target = scheme + "://" + host
	}
	if d.includePath {
		target += r.URL.EscapedPath()
	}
	if d.includeQuery && r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", target)
	errorPage(w, d.status)
}

// serverHeader is what a v2 gateway calls itself.
const serverHeader = "Microsoft-Azure-Application-Gateway/v2"

// errorPage answers with the short page that a v2 gateway makes itself. Seen
// in public threads about 502 Bad Gateway.
func errorPage(w http.ResponseWriter, status int) {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html>\r\n<head><title>%[1]s</title></head>\r\n<body>\r\n<center><h1>%[1]s</h1></center>\r\n"+
		"<hr><center>%[2]s</center>\r\n</body>\r\n</html>\r\n", title, serverHeader)
}
