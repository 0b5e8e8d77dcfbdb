package door

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// one is a listener with one connection, in memory: its time is the bubble's.
type one struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *one) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *one) Close() error   { close(l.done); return nil }
func (l *one) Addr() net.Addr { return here }

// bubble serves pages by a door on one connection.
func bubble(t *testing.T, pages http.HandlerFunc) (d *Door, cookie string, client net.Conn) {
	t.Helper()
	d = newDoor(t, Options{ByNumber: true, Idle: 24 * time.Hour})
	in := comeIn(t, d)
	client, served := net.Pipe()
	listener := &one{make(chan net.Conn, 1), make(chan struct{})}
	listener.conns <- served
	server := d.Server(pages)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
		d.Lock()
		synctest.Wait()
	})
	return d, in.Name + "=" + in.Value, client
}

func TestSlowHeadersAreCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, client := bubble(t, func(http.ResponseWriter, *http.Request) { t.Error("it got as far as the page") })
		began := time.Now()
		_, _ = io.WriteString(client, "GET / HTTP/1.1\r\nHost: ")
		if _, err := io.ReadAll(client); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("cut off after %s", took)
		}
	})
}

func TestSlowBodiesAreCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		read := make(chan error, 1)
		_, cookie, client := bubble(t, func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			read <- err
		})
		began := time.Now()
		_, _ = fmt.Fprintf(client, "POST /lock HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nCookie: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\na", cookie)
		go func() { _, _ = io.Copy(io.Discard, client) }()
		if err := <-read; err == nil {
			t.Error("half a body was taken for a whole one")
		}
		if took := time.Since(began); took > bodyTime {
			t.Errorf("cut off after %s", took)
		}
	})
}

// TestLongAnswersAreNotCutOff: neither a stream, nor what a form has started and
// waits for.
func TestLongAnswersAreNotCutOff(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"a stream": "GET /runs/1/events HTTP/1.1\r\nAccept: text/event-stream\r\n",
		"a form":   "POST /lock HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, cookie, client := bubble(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					for range 20 {
						select {
						case <-r.Context().Done():
							t.Error("cut off")
							return
						case <-time.After(time.Minute):
							_, _ = io.WriteString(w, "data: on it goes\n\n")
							_ = http.NewResponseController(w).Flush()
						}
					}
					_, _ = io.WriteString(w, "event: done\n\n")
				})
				body := ""
				if name == "a form" {
					body = "a=b"
				}
				_, _ = fmt.Fprintf(client, "%sHost: 127.0.0.1:8443\r\nCookie: %s\r\nConnection: close\r\n\r\n%s", request, cookie, body)
				answer, err := http.ReadResponse(bufio.NewReader(client), nil)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(answer.Body)
				if want := 20*len("data: on it goes\n\n") + len("event: done\n\n"); err != nil || len(text) != want {
					t.Errorf("%d bytes of %d: %v", len(text), want, err)
				}
			})
		})
	}
}
