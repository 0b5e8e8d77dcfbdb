package proxytest

import (
	"net"
	"testing"
)

// Refusing is a loopback address that refuses connections until the test ends. A
// connection has its port: one that is merely free again may be listened at by another
// test's process a moment later.
func Refusing(t testing.TB) *net.TCPAddr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	holder, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Close() })
	return holder.LocalAddr().(*net.TCPAddr)
}
