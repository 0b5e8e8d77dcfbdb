package ground_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// pair is a connection to a port of a net: the client's end and the server's.
func pair(t *testing.T, n *ground.Net) (client, server net.Conn) {
	t.Helper()
	n.Name("maps.example.com", "203.0.113.20")
	listener, err := n.Listen("maps.example.com", 443)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = n.DialContext(t.Context(), "tcp", "maps.example.com:443"); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// What holds for a real connection holds for one in memory.
func TestConnectionsInMemoryBehaveAsThoseOfTheLoopbackAddress(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]*ground.Net{"loopback": ground.NewNet(nil), "memory": ground.NewNetInMemory()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t, n)
			if _, err := n.DialContext(t.Context(), "tcp", "maps.example.com:443"); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("nobody listens any more: %v, want that it is refused", err)
			}

			// Writers do not wait for readers, and one direction may end alone.
			if _, err := client.Write([]byte("question")); err != nil {
				t.Fatal(err)
			}
			if err := client.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
				t.Errorf("the server read %q, %v", got, err)
			}
			if _, err := server.Write([]byte("answer")); err != nil {
				t.Errorf("the other direction ended too: %v", err)
			}
			buffer := make([]byte, 10)
			if got, err := client.Read(buffer); string(buffer[:got]) != "answer" || err != nil {
				t.Errorf("the client read %q, %v", buffer[:got], err)
			}

			_ = client.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := client.Read(buffer); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a read past its deadline: %v", err)
			}
			_ = client.SetReadDeadline(time.Time{})

			_ = server.(interface{ SetLinger(int) error }).SetLinger(0)
			server.Close()
			if _, err := client.Read(buffer); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("a read after a reset: %v", err)
			}
			client.Close()
			if _, err := client.Read(buffer); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a read after Close: %v", err)
			}
		})
	}
}

func TestWhoWaitsAtAConnectionInMemoryDoesNotStopVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, ground.NewNetInMemory())
		go func() {
			time.Sleep(4 * time.Hour)
			_, _ = server.Write([]byte("x"))
		}()
		began := time.Now()
		if _, err := client.Read(make([]byte, 1)); err != nil || time.Since(began) != 4*time.Hour {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		_ = client.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 5*time.Hour {
			t.Errorf("%v after %s, want the deadline after 5h", err, time.Since(began))
		}
	})
}
