package door

import (
	"io"
	"mime"
	"net/http"
	"os"
	"time"
)

// maxBody is how much may be sent, by what it is. Files come as multipart: a
// certificate (4 MiB at most) with a few more.
var maxBody = map[string]int64{
	form:                  64 << 10,
	"multipart/form-data": 8 << 20,
	"application/json":    4 << 20,
}

const form = "application/x-www-form-urlencoded"

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

// boundBody bounds what is read of a body, how long that may take, and how many
// large ones are read side by side. Once it was read the answer may take as long
// as it likes: then net/http takes the limit away. end is for the end of the request.
func (d *Door) boundBody(w http.ResponseWriter, r *http.Request) (end func()) {
	if r.ContentLength == 0 {
		return func() {}
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // a test's recorder has none
	bound := maxBody[kindOf(r)]
	r.Body = http.MaxBytesReader(w, r.Body, bound)
	if bound == maxBody[form] {
		return func() {}
	}
	body := &inTurn{ReadCloser: r.Body, turns: d.large, patience: bodyTime}
	r.Body = body
	return body.leave
}

// largeAtOnce is how many bodies that may be large are read at the same time: what
// is read is in memory, and never in a file.
const largeAtOnce = 4

// inTurn is a body that is read when it is its turn.
type inTurn struct {
	io.ReadCloser
	turns    chan struct{}
	patience time.Duration
	at, over bool
}

func (b *inTurn) Read(p []byte) (int, error) {
	if !b.at && !b.over {
		timer := time.NewTimer(b.patience)
		defer timer.Stop()
		select {
		case b.turns <- struct{}{}:
			b.at = true
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		}
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.leave()
	}
	return n, err
}

// leave lets the next one read.
func (b *inTurn) leave() {
	b.over = true
	if b.at {
		b.at = false
		<-b.turns
	}
}
