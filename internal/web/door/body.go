package door

import (
	"mime"
	"net/http"
	"time"
)

// maxBody is how much may be sent, by what it is. Files come as multipart: a
// certificate (4 MiB at most) with a few more.
var maxBody = map[string]int64{
	"application/x-www-form-urlencoded": 64 << 10,
	"multipart/form-data":               8 << 20,
	"application/json":                  4 << 20,
}

// bodyTime is how long sending it may take; the sender is on this computer.
const bodyTime = time.Minute

// badBody refuses, before anything of it is read, what is too large or of a kind
// that no page sends.
func badBody(r *http.Request) *Refusal {
	if r.ContentLength == 0 || (r.Method != http.MethodPost && r.ContentLength < 0) {
		return nil
	}
	bound, known := maxBody[kindOf(r)]
	switch {
	case !known || r.Method != http.MethodPost:
		return &Refusal{
			Status: http.StatusUnsupportedMediaType, Code: "media-type", Title: "These pages cannot read that",
			Text: "What is sent must be a form, a form with files, or JSON.",
		}
	case r.ContentLength > bound:
		return &Refusal{
			Status: http.StatusRequestEntityTooLarge, Code: "too-large", Title: "That is too large",
			Text: "A file with a certificate has some kilobytes; nothing near this size is one.", Next: "Go back and choose another file.",
		}
	}
	return nil
}

func kindOf(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// boundBody bounds what is read of a body, and how long that may take. Once it
// was read the answer may take as long as it likes: then net/http takes the
// limit away.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // a test's recorder has none
	r.Body = http.MaxBytesReader(w, r.Body, maxBody[kindOf(r)])
}
