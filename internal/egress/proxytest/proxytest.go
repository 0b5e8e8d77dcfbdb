// Package proxytest is a small HTTP proxy on the loopback address for tests of
// whatever goes out through a proxy. Only tests import it.
package proxytest

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// Proxy answers CONNECT, and plain HTTP in absolute form. Set its fields before
// the first request.
type Proxy struct {
	// Routes leads from "host:port" as asked for to a loopback address; what
	// is not in it is answered with 502, as for an unknown name.
	Routes map[string]string
	// Credentials, "user:password", are demanded with 407 when not empty.
	Credentials string
	// Reply is sent instead of an answer of the proxy's own when not empty,
	// after which the connection is closed.
	Reply string
	// Endless is sent after Reply, again and again until the client goes away.
	Endless string
	// Silent makes the proxy read requests and never answer.
	Silent bool
	// Early is sent to the client in one write with the answer to CONNECT.
	Early string

	listener net.Listener
	mu       sync.Mutex
	asked    []string
}

// Start runs a proxy until the test ends; wrap, when not nil, may put TLS
// around its listener.
func Start(t testing.TB, wrap func(net.Listener) net.Listener) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Routes: map[string]string{}, listener: listener}
	t.Cleanup(func() { p.listener.Close() })
	if wrap != nil {
		p.listener = wrap(listener)
	}
	go func() {
		for {
			conn, err := p.listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

// Address is the proxy's host:port.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Asked are the targets of the requests so far, in order; a plain HTTP request
// is there with its URL.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func (p *Proxy) serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, request.RequestURI)
	p.mu.Unlock()

	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.Credentials))
	switch {
	case p.Silent:
		io.Copy(io.Discard, reader)
	case p.Reply != "":
		_, err := io.WriteString(conn, p.Reply)
		for p.Endless != "" && err == nil {
			_, err = io.WriteString(conn, p.Endless)
		}
	case p.Credentials != "" && request.Header.Get("Proxy-Authorization") != want:
		answer(conn, http.StatusProxyAuthRequired)
	case request.Method != http.MethodConnect:
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nby proxy\n")
	default:
		p.tunnel(conn, reader, p.Routes[request.RequestURI])
	}
}

func (p *Proxy) tunnel(conn net.Conn, reader io.Reader, local string) {
	target, err := net.Dial("tcp", local)
	if local == "" || err != nil {
		answer(conn, http.StatusBadGateway)
		return
	}
	defer target.Close()
	fmt.Fprintf(conn, "HTTP/1.1 200 Connection established\r\n\r\n%s", p.Early)
	go func() {
		io.Copy(target, reader)
		target.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(conn, target)
}

func answer(conn net.Conn, status int) {
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n\r\n", status, http.StatusText(status))
}
