package egress

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzReadReply: no answer of a proxy makes the reader fail, read more than its
// bound, or repeat the proxy's words.
func FuzzReadReply(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nearly", "HTTP/1.0 407 x\r\nProxy-Authenticate: Basic\r\n\r\n",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello", "HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n",
		"", "HTTP/9.9 999 marker-of-proxy\r\n", "marker-of-proxy", "HTTP/1.1 200 OK\r\nA" + strings.Repeat("a", maxReply),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		reader := bytes.NewReader(answer)
		status, early, err := readReply(reader)
		if read := len(answer) - reader.Len(); read > maxReply {
			t.Fatalf("read %d bytes", read)
		}
		if err != nil {
			if strings.Contains(err.Error(), "marker-of-proxy") {
				t.Fatalf("error repeats the answer: %v", err)
			}
			return
		}
		if status < 0 || status > 999 {
			t.Fatalf("status %d", status)
		}
		if len(answer) <= maxReply && !bytes.HasSuffix(answer, early) {
			t.Fatalf("early bytes %q are not the end of the answer", early)
		}
	})
}
