package ground

import (
	"context"
	"net"
	"net/http"
)

type connKey struct{}

// WithConn is for http.Server.ConnContext: it lets Cut find the connection.
func WithConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// Cut resets the connection under a request, so that the client sees neither
// answer nor orderly end. It does not return.
func Cut(r *http.Request) {
	if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		if layered, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = layered.NetConn() // below TLS
		}
		if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}
