package matrix_test

import (
	"fmt"
	"net/http"
	"strings"
)

// placeOf names a request by what it is about, so that the third look at the
// gateway is the third in every run: "GET applicationGateways".
func placeOf(r *http.Request) string {
	host, path := r.URL.Hostname(), strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	name := ""
	switch {
	case strings.HasPrefix(host, "login."):
		name = "sign-in"
		if strings.HasSuffix(r.URL.Path, "/token") {
			name = "token"
		}
	case strings.HasPrefix(host, "management."):
		name = resourceManager(path)
	case strings.Contains(host, ".vault."):
		name = "vault " + path[0]
		if last := path[len(path)-1]; len(path) > 2 && (last == "import" || last == "versions" || last == "policy") {
			name += " " + last
		} else if len(path) > 2 {
			name += " version"
		}
	case strings.Contains(host, ".blob."):
		name = "blob"
		if len(path) < 2 {
			name = "container"
		}
	default:
		name = host
	}
	return r.Method + " " + name
}

// resourceManager names a path of the Resource Manager by the types in it.
func resourceManager(path []string) string {
	at := -1
	for i, part := range path {
		if strings.EqualFold(part, "providers") {
			at = i
		}
	}
	if at < 0 || at+2 >= len(path) {
		if len(path)%2 == 1 {
			return path[len(path)-1]
		}
		return path[len(path)-2]
	}
	var kinds []string
	for i := at + 2; i < len(path); i += 2 {
		kinds = append(kinds, path[i])
	}
	return strings.Join(kinds, "/")
}

// numbered is the n-th of a kind.
func numbered(kind string, n int) string { return fmt.Sprintf("%s #%d", kind, n) }

// isWrite tells whether a request changes something.
func isWrite(place string) bool {
	method, what, _ := strings.Cut(place, " ")
	switch {
	case strings.HasPrefix(what, "token"), strings.Contains(what, "backendhealth"), strings.HasPrefix(what, "resources "):
		return false
	}
	return method == "PUT" || method == "POST" || method == "PATCH" || method == "DELETE"
}

// isRequest tells whether a place is a request to Azure.
func isRequest(place string) bool {
	return !isConnection(place) && !isFault(place) && !isAtMachine(place)
}

// isConnection tells whether a place is a connection to something else.
func isConnection(place string) bool { return strings.HasPrefix(place, "connect ") }

// isFault tells whether a place is in the world: then the break is its fault.
func isFault(place string) bool { return place == "the world" }
