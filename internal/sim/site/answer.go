package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// errAnswered says that the handler has answered, or cut, already.
var errAnswered = errors.New("answered")

// failure is an error body of either family.
type failure struct {
	code    int
	message string
	details []string
}

func (f *failure) Error() string { return fmt.Sprintf("%d %s", f.code, f.message) }

var success = map[string]any{"status": "success"}

// answer writes a result or a failure as the client asked (S2, S3): JSON for
// f=json and f=pjson, else a page; errors too come with HTTP 200.
func (c *call) answer(result any, err error) {
	if err != nil {
		var known *failure
		if !errors.As(err, &known) {
			known = &failure{code: 500, message: err.Error()}
		}
		result = c.errorBody(known)
	}
	format := c.param("f")
	if format != "json" && format != "pjson" {
		text, _ := json.MarshalIndent(result, "", "  ")
		writeHTML(c.w, http.StatusOK, "ArcGIS", string(text))
		return
	}
	c.writeJSON(result, format == "pjson")
}

func (c *call) writeJSON(result any, pretty bool) {
	marshal := json.Marshal
	if pretty {
		marshal = func(v any) ([]byte, error) { return json.MarshalIndent(v, "", "  ") }
	}
	text, err := marshal(result)
	if err != nil {
		writeHTML(c.w, http.StatusInternalServerError, "Error", err.Error())
		return
	}
	kind := "application/json;charset=UTF-8"
	if !c.site.version.atLeast(10, 8) {
		kind = "text/plain;charset=UTF-8" // S28
	}
	c.w.Header().Set("Content-Type", kind)
	_, _ = c.w.Write(text)
}

// errorBody is family A, {"status":"error","messages":[…],"code":n}, for ArcGIS
// Server and family B, {"error":{…}}, for the others (S3). Sources: Esri's
// DSC function Confirm-ResponseStatus and the cookbooks' clients read both.
func (c *call) errorBody(f *failure) any {
	details := append([]string{}, f.details...)
	if c.site.product.nestedErrors {
		return map[string]any{"error": map[string]any{"code": f.code, "message": f.message, "details": details}}
	}
	return map[string]any{"status": "error", "messages": append([]string{f.message}, details...), "code": f.code}
}

// page answers with a page, for people and browsers.
func (c *call) page(status int, title, text string) error {
	writeHTML(c.w, status, title, text)
	return errAnswered
}

func writeHTML(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!DOCTYPE html>\n<html><head><title>%[1]s</title></head>\n<body><h1>%[1]s</h1>\n<pre>%[2]s</pre></body></html>\n",
		html.EscapeString(title), html.EscapeString(text))
}

// notFound is S8, word for word for Server, a guess for the others.
func notFound(what string) *failure {
	return &failure{code: 404, message: fmt.Sprintf("Could not find resource or operation '%s' on the system.", what)}
}

// unknownPath answers whatever no route knows.
func unknownPath(c *call) (any, error) {
	path := c.r.URL.Path
	return nil, notFound(path[strings.LastIndexByte(path, '/')+1:])
}

// unpublished is an error that is a guess: what was given, or what the options
// have instead.
func (c *call) unpublished(name Unpublished, believed Answer) error {
	if other, switched := c.site.spec.Options.Answers[name]; switched {
		believed = other
	}
	switch {
	case believed.HTML:
		return c.page(http.StatusOK, "Error", fmt.Sprintf("Error: %d\n%s", believed.Code, believed.Message))
	case believed.Raw != "":
		c.writeJSON(json.RawMessage(believed.Raw), false)
		return errAnswered
	}
	return &failure{code: believed.Code, message: believed.Message}
}
