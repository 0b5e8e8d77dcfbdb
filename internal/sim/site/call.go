package site

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Bounds of what a machine reads from one request.
const (
	maxBody  = 16 << 20
	maxParts = 32
)

type connKey struct{}

// call is one request with its parameters read.
type call struct {
	machine   *machine // the one that answers
	site      *Site
	w         http.ResponseWriter
	r         *http.Request
	query     url.Values
	body      url.Values // fields of the body, whatever its encoding
	files     map[string][]byte
	multipart bool
}

// ServeHTTP answers for the machine.
func (m *machine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.ready.Load() {
		// S15: the web server is there before the application is.
		writeHTML(w, http.StatusServiceUnavailable, "Service Unavailable", "The application is starting.")
		return
	}
	r.URL.Path = normalise(r.URL.Path)
	m.mux.ServeHTTP(w, r)
}

// normalise brings a path into the spelling of the routes: without a slash at
// the end, and with those segments in lower case that clients spell in several
// ways (S1). Other segments keep their case, which counts.
func normalise(path string) string {
	segments := strings.Split(strings.TrimRight(path, "/"), "/")
	for i, segment := range segments {
		switch lower := strings.ToLower(segment); lower {
		case "sslcertificates", "generatetoken", "healthcheck":
			segments[i] = lower
		}
	}
	return cmp.Or(strings.Join(segments, "/"), "/")
}

// handler answers a call with a value for JSON, or a *failure as the error.
type handler func(*call) (any, error)

func (m *machine) handle(pattern string, h handler) {
	m.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call{machine: m, site: m.site, w: w, r: r, query: r.URL.Query()}
		if err := c.read(); err != nil {
			writeHTML(w, http.StatusBadRequest, "Bad Request", err.Error())
			return
		}
		answer, err := h(c)
		if errors.Is(err, errAnswered) {
			return
		}
		c.answer(answer, err)
	})
}

// read reads the body: a form, also with GET as Esri's Chef cookbooks send it,
// or a multipart form.
func (c *call) read() error {
	c.body, c.files = url.Values{}, map[string][]byte{}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		text, err := io.ReadAll(c.r.Body)
		if err != nil {
			return fmt.Errorf("read form: %w", err)
		}
		if c.body, err = url.ParseQuery(string(text)); err != nil {
			return fmt.Errorf("read form: %w", err)
		}
	case "multipart/form-data":
		c.multipart = true
		if err := c.readParts(); err != nil {
			return fmt.Errorf("read multipart form: %w", err)
		}
	}
	return nil
}

func (c *call) readParts() error {
	reader, err := c.r.MultipartReader()
	if err != nil {
		return err
	}
	for range maxParts {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		if part.FileName() != "" {
			c.files[part.FormName()] = data
			continue
		}
		c.body.Set(part.FormName(), string(data))
	}
	return fmt.Errorf("more than %d parts", maxParts)
}

// param is a parameter from the body, else from the query.
func (c *call) param(name string) string {
	if c.body.Has(name) {
		return c.body.Get(name)
	}
	return c.query.Get(name)
}

// isTrue reads the spellings of true that clients send: .NET writes True (S11).
func isTrue(text string) bool { return strings.EqualFold(text, "true") }

// cut makes the client see a connection reset.
func (c *call) cut() error {
	conn, ok := c.r.Context().Value(connKey{}).(net.Conn)
	if !ok {
		return errAnswered
	}
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
	return errAnswered
}
