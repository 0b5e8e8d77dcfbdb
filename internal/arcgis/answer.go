package arcgis

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

const (
	// maxBody is more than any answer of these APIs; a site with 500 federated
	// servers lists them in less than 300 KiB.
	maxBody = 1 << 20
	// maxMessages and maxMessage bound what becomes part of an error.
	maxMessages = 5
	maxMessage  = 300
)

// failure is an error in an answer, of either family, in the service's words
// as they came.
type failure struct {
	code     int
	messages []string
}

// envelope holds what tells an error from a result.
type envelope struct {
	Status   text            `json:"status"`
	Code     number          `json:"code"`
	Messages texts           `json:"messages"`
	Error    json.RawMessage `json:"error"`
}

type nested struct {
	Code     number `json:"code"`
	Message  text   `json:"message"`
	Details  texts  `json:"details"`
	Messages texts  `json:"messages"`
}

// readFailure finds the error in a JSON object, nil when it is none. A status
// such as "success with warnings" is no error.
func readFailure(body []byte) *failure {
	var e envelope
	err := json.Unmarshal(body, &e)
	if err != nil {
		return nil
	}
	if len(e.Error) > 0 && string(e.Error) != "null" {
		return readNested(e.Error)
	}
	if strings.EqualFold(string(e.Status), "error") {
		return &failure{code: int(e.Code), messages: e.Messages}
	}
	return nil
}

// readNested reads the value of "error". It is an error whatever its type.
func readNested(value json.RawMessage) *failure {
	var n nested
	err := json.Unmarshal(value, &n)
	if err != nil {
		var sentence text
		_ = sentence.UnmarshalJSON(value)
		return &failure{messages: []string{string(sentence)}}
	}
	said := append(texts{string(n.Message)}, n.Details...)
	return &failure{code: int(n.Code), messages: append(said, n.Messages...)}
}

// errorCode is the code for a failure that came with an HTTP status. 404 is
// used for two things: a resource that is not there, and a machine on which no
// site was created ("Server machine 'H' does not participate in any Site."),
// where nothing at all can be said of a resource.
func (f *failure) errorCode(status int) string {
	switch {
	case f.code == http.StatusForbidden, status == http.StatusForbidden:
		return CodeForbidden
	case f.code != http.StatusNotFound:
		return CodeRefused
	case strings.Contains(strings.ToLower(strings.Join(f.messages, " ")), "does not participate in any site"):
		return CodeNoSite
	}
	return CodeNotFound
}

// isObject tells whether body is one JSON object.
func isObject(body []byte) bool {
	return len(body) > 0 && body[0] == '{' && json.Valid(body)
}

// show makes a service's messages fit for an error: few, short, without
// control characters, without repetitions.
func show(messages []string) []string {
	var list []string
	for _, m := range messages {
		m = plain(m)
		if m == "" || len(list) == maxMessages || contains(list, m) {
			continue
		}
		list = append(list, m)
	}
	return list
}

func contains(list []string, text string) bool {
	for _, entry := range list {
		if entry == text {
			return true
		}
	}
	return false
}

// plain is text on one line, bounded, with everything that could steer a
// terminal replaced by a space.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	text = strings.Join(strings.Fields(text), " ")
	runes := []rune(text)
	if len(runes) > maxMessage {
		return string(runes[:maxMessage]) + " ..."
	}
	return text
}

var (
	title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	style = regexp.MustCompile(`(?is)<(script|style)[^>]*>.*?</(script|style)>`)
	mark  = regexp.MustCompile(`(?s)<[^>]*>`)
)

// excerpt is what a page says, as far as one line can hold it: its title and
// its text.
func excerpt(page string) string {
	const enough = 8 << 10
	page = page[:min(len(page), enough)]
	said := ""
	if m := title.FindStringSubmatch(page); m != nil {
		said = m[1] + ": "
		page = title.ReplaceAllString(page, " ")
	}
	page = style.ReplaceAllString(page, " ")
	return said + strings.TrimSpace(mark.ReplaceAllString(page, " "))
}
