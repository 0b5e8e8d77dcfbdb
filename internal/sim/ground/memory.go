package ground

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// exchange is cabling without a network stack: connections are buffers. Whoever
// waits at one waits at a condition, so a world in memory can live in a bubble
// of testing/synctest, where time is virtual: a goroutine that waits at a
// socket would stop that clock.
//
// Its connections behave as those of the loopback address where the difference
// shows: they have buffers, an orderly end of one direction, resets, deadlines;
// a port without a listener refuses.
type exchange struct {
	mu      sync.Mutex
	sockets map[string]*memoryListener
	ports   atomic.Int32
}

func newExchange() *exchange { return &exchange{sockets: map[string]*memoryListener{}} }

// listen opens a listener at "ip:port"; port 0 is a free one.
func (x *exchange) listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ip, number := net.ParseIP(host), x.port()
	if port != "0" {
		if number, err = strconv.Atoi(port); err != nil {
			return nil, err
		}
	}
	if ip == nil {
		return nil, &net.AddrError{Err: "not an IP address", Addr: address}
	}
	l := &memoryListener{exchange: x, address: &net.TCPAddr{IP: ip, Port: number}}
	l.arrived.L = &l.mu
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.sockets[l.address.String()] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: l.address, Err: syscall.EADDRINUSE}
	}
	x.sockets[l.address.String()] = l
	return l, nil
}

// port is a port that nobody had before.
func (x *exchange) port() int { return 10000 + int(x.ports.Add(1))%50000 }

func (x *exchange) dial(ctx context.Context, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	x.mu.Lock()
	l := x.sockets[address]
	x.mu.Unlock()
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: x.port()}
	if l != nil {
		there, back := newStream(), newStream()
		if l.take(&memoryConn{in: there, out: back, local: l.address, remote: from}) {
			return &memoryConn{in: back, out: there, local: from, remote: l.address}, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

type memoryListener struct {
	exchange *exchange
	address  *net.TCPAddr

	mu      sync.Mutex
	arrived sync.Cond
	backlog []*memoryConn
	closed  bool
}

func (l *memoryListener) take(conn *memoryConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.backlog = append(l.backlog, conn)
	l.arrived.Signal()
	return true
}

func (l *memoryListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.backlog) == 0 && !l.closed {
		l.arrived.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.address, Err: net.ErrClosed}
	}
	conn := l.backlog[0]
	l.backlog = l.backlog[1:]
	return conn, nil
}

// Close refuses from now on, and resets who was not yet accepted.
func (l *memoryListener) Close() error {
	l.exchange.mu.Lock()
	if l.exchange.sockets[l.address.String()] == l {
		delete(l.exchange.sockets, l.address.String())
	}
	l.exchange.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.backlog {
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}
	l.backlog, l.closed = nil, true
	l.arrived.Broadcast()
	return nil
}

func (l *memoryListener) Addr() net.Addr { return l.address }

// stream is one direction of a connection. It takes what it is given without
// bounds: writers never wait for readers.
type stream struct {
	mu       sync.Mutex
	changed  sync.Cond
	bytes    []byte
	ended    bool  // the writer has closed its side in order
	broken   error // what a reader gets at once, and a writer too
	gone     bool  // the reader has closed
	deadline time.Time
	alarm    *time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.gone:
			return 0, net.ErrClosed
		case s.broken != nil:
			return 0, s.broken
		case !s.deadline.IsZero() && !time.Now().Before(s.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(s.bytes) > 0:
			n := copy(p, s.bytes)
			s.bytes = s.bytes[n:]
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return 0, net.ErrClosed
	case s.broken != nil:
		return 0, s.broken
	case s.gone:
		return 0, syscall.EPIPE
	}
	s.bytes = append(s.bytes, p...)
	s.changed.Broadcast()
	return len(p), nil
}

// change does something to the stream and wakes who reads.
func (s *stream) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.changed.Broadcast()
}

func (s *stream) readUntil(t time.Time) {
	s.change(func() {
		if s.alarm != nil {
			s.alarm.Stop()
			s.alarm = nil
		}
		s.deadline = t
		if wait := time.Until(t); !t.IsZero() && wait > 0 {
			s.alarm = time.AfterFunc(wait, func() { s.change(func() {}) })
		}
	})
}

// memoryConn is one end of a connection in memory.
type memoryConn struct {
	in, out       *stream
	local, remote net.Addr

	mu       sync.Mutex
	abrupt   bool      // SetLinger(0): Close resets
	writable time.Time // the write deadline
}

func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

func (c *memoryConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	late := !c.writable.IsZero() && !time.Now().Before(c.writable)
	c.mu.Unlock()
	if late {
		return 0, c.wrap("write", os.ErrDeadlineExceeded)
	}
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

func (c *memoryConn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// CloseWrite ends what this end sends; the other reads to the end and may go on.
func (c *memoryConn) CloseWrite() error {
	c.out.change(func() { c.out.ended = true })
	return nil
}

// Close ends both directions: in order, or with a reset if SetLinger(0) asked for it.
func (c *memoryConn) Close() error {
	c.mu.Lock()
	abrupt := c.abrupt
	c.mu.Unlock()
	c.in.readUntil(time.Time{})
	c.in.change(func() {
		c.in.gone, c.in.bytes = true, nil
		if abrupt && c.in.broken == nil {
			c.in.broken = syscall.ECONNRESET
		}
	})
	c.out.change(func() {
		c.out.ended = true
		if abrupt && c.out.broken == nil {
			c.out.broken = syscall.ECONNRESET
		}
	})
	return nil
}

// SetLinger lets Close reset the connection when it is given 0.
func (c *memoryConn) SetLinger(seconds int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abrupt = seconds == 0
	return nil
}

func (c *memoryConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.readUntil(t)
	return nil
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writable = t
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr  { return c.local }
func (c *memoryConn) RemoteAddr() net.Addr { return c.remote }
