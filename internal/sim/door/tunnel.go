package door

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
)

// tunnel copies both ways until both are done. An orderly end of one side is
// passed on as such (a half-closed connection), a reset as a reset, because
// clients behave differently on the two and faults rely on it.
func tunnel(client, world net.Conn, buffered *bufio.ReadWriter) {
	var both sync.WaitGroup
	both.Go(func() { pass(world, buffered.Reader, client) })
	both.Go(func() { pass(client, world, world) })
	both.Wait()
	_ = client.Close()
	_ = world.Close()
}

// pass copies from a reader on the connection source into to.
func pass(to net.Conn, from io.Reader, source net.Conn) {
	_, err := io.Copy(to, from)
	if err == nil {
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		return
	}
	if !errors.Is(err, net.ErrClosed) {
		reset(to)
		reset(source)
	}
	_ = to.Close()
	_ = source.Close()
}

// reset makes the next Close send RST instead of FIN.
func reset(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
}
