package egress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxReply bounds a proxy's answer to CONNECT, headers included.
const maxReply = 16 << 10

// tunnel asks p for a connection to target, "host:port" (RFC 9110 §9.3.6).
func (n *Network) tunnel(ctx context.Context, p *proxy, target string) (net.Conn, error) {
	failed := func(err error) error { return &ProxyError{Proxy: p.address, Target: target, Err: err} }
	conn, err := n.dialProxy(ctx, p)
	if err != nil {
		return nil, failed(err)
	}
	status, early, err := connect(ctx, conn, target, p.authorization().Reveal())
	switch {
	case err != nil:
		conn.Close()
		return nil, failed(err)
	case status < 200 || status > 299:
		conn.Close()
		return nil, &ProxyError{Proxy: p.address, Target: target, Status: status}
	case len(early) > 0:
		// The target spoke before it was spoken to, and its bytes came in one
		// packet with the proxy's answer.
		return &resumed{Conn: conn, first: io.MultiReader(bytes.NewReader(early), conn)}, nil
	}
	return conn, nil
}

// connect sends the request and reads the answer within ctx and dialTimeout.
func connect(ctx context.Context, conn net.Conn, target, authorization string) (status int, early []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	// A deadline in the past is the one way to interrupt a blocked Read.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	status, early, err = ask(conn, target, authorization)
	if !stop() {
		return 0, nil, fmt.Errorf("no answer in time: %w", ctx.Err())
	}
	return status, early, err
}

func ask(conn net.Conn, target, authorization string) (status int, early []byte, err error) {
	var request strings.Builder
	fmt.Fprintf(&request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target, target)
	if authorization != "" {
		fmt.Fprintf(&request, "Proxy-Authorization: %s\r\n", authorization)
	}
	request.WriteString("\r\n")
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return 0, nil, fmt.Errorf("send the request: %w", err)
	}
	return readReply(conn)
}

// readReply reads an answer to CONNECT, at most maxReply bytes of it, and gives
// its status and what came behind its headers. The answer itself is not quoted
// in errors: nobody vouches for its content.
func readReply(r io.Reader) (status int, early []byte, err error) {
	limited := &io.LimitedReader{R: r, N: maxReply}
	reader := bufio.NewReader(limited)
	reply, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
	var network net.Error
	switch {
	case err == nil:
		early, _ = reader.Peek(reader.Buffered())
		return reply.StatusCode, early, nil
	case limited.N <= 0:
		return 0, nil, fmt.Errorf("its answer is longer than %d KiB", maxReply>>10)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, nil, errors.New("it closed the connection instead of answering")
	case errors.As(err, &network):
		return 0, nil, fmt.Errorf("read its answer: %w", err)
	}
	return 0, nil, errors.New("its answer is not HTTP")
}

// resumed is a connection of which the first bytes have been read already.
type resumed struct {
	net.Conn
	first io.Reader
}

func (r *resumed) Read(b []byte) (int, error) { return r.first.Read(b) }
