package door

import (
	"io"
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

// boundBody bounds what is read of a body, and how long that may take.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Now().Add(bodyTime)) != nil {
		control = nil // a test's recorder, which has no connection
	}
	r.Body = &timedBody{http.MaxBytesReader(w, r.Body, maxBody[kindOf(r)]), control}
}

// timedBody takes the time limit away once the body was read: the connection
// then waits for the end of the answer, which may take longer.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.control != nil {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
