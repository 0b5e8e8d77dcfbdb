package door

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:20FB 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1
   2: 0100007F:9C40 0100007F:20FB 01 00000000:00000000 00:00000000 00000000  1001        0 3 1 0 20 4 30 10 -1
   3: 0100007F:9C41 0100007F:20FB 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
   4: 0000000000000000FFFF00000100007F:9C42 0000000000000000FFFF00000100007F:20FB 01 00000000:00000000 00:00000000 00000000  1002        0 4 1 0 20 4 30 10 -1
   5: 00000000000000000000000001000000:9C43 00000000000000000000000001000000:20FB 01 00000000:00000000 00:00000000 00000000  1003        0 5 1 0 20 4 30 10 -1
   6: short
`

func TestWhoseAConnectionIs(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]int{"127.0.0.1:40000": 1001, "127.0.0.1:40001": gone, "127.0.0.1:40002": 1002, "[::1]:40003": 1003} {
		from := netip.MustParseAddrPort(client)
		owner, found := ownerIn(strings.NewReader(table), from, netip.AddrPortFrom(from.Addr(), 8443))
		if !found || owner != want {
			t.Errorf("%s: %d (%v), want %d", client, owner, found, want)
		}
	}
	if _, found := ownerIn(strings.NewReader(table), netip.MustParseAddrPort("127.0.0.1:40009"), netip.MustParseAddrPort("127.0.0.1:8443")); found {
		t.Error("a connection that is not in the table was found")
	}
}

// TestOurOwnConnectionIsFound: the kernel here writes as the test above expects.
func TestOurOwnConnectionIsFound(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s: %v", address, err)
			continue
		}
		defer listener.Close()
		client, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		served, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer served.Close()
		if owner, found := ownerOf(served); !found || owner != os.Getuid() || !ownerAllowed(served) {
			t.Errorf("%s: our own connection is of %d (found: %v)", address, owner, found)
		}
	}
}

// TestAnotherUserIsHungUpOn: even with the cookie.
func TestAnotherUserIsHungUpOn(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil || os.Getuid() != 0 {
		t.Skip("needs curl, and an administrator who may start it as somebody else")
	}
	o := stage(t, Options{})
	for _, who := range []struct {
		uid   uint32
		wants string
	}{{0, "SHOWN"}, {65534, ""}} {
		command := exec.CommandContext(t.Context(), curl, "--silent", "--noproxy", "*", "--cookie", o.cookie, "http://"+o.addr+"/history")
		command.Dir = "/"
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who.uid, Gid: who.uid}}
		out, err := command.Output()
		if string(out) != who.wants || (err == nil) != (who.wants != "") {
			t.Errorf("user %d: %q %v", who.uid, out, err)
		}
	}
}
