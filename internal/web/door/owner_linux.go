package door

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ownerAllowed tells whether a connection may come from whose it is: of this
// user, of an administrator, or of nobody that the kernel knows here (as when
// Windows connects to a Linux within it).
func ownerAllowed(conn net.Conn) bool {
	owner, found := ownerOf(conn)
	return !found || owner == 0 || owner == os.Getuid()
}

// ownerOf is the user whose connection it is.
func ownerOf(conn net.Conn) (owner int, found bool) {
	client, server := addressOf(conn.RemoteAddr()), addressOf(conn.LocalAddr())
	for _, name := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		table, err := os.Open(name)
		if err != nil {
			continue // no IPv6
		}
		owner, found := ownerIn(table, client, server)
		_ = table.Close()
		if found {
			return owner, true
		}
	}
	return 0, false
}

func addressOf(addr net.Addr) netip.AddrPort {
	tcp, _ := addr.(*net.TCPAddr)
	return tcp.AddrPort()
}

// gone is the owner of a connection that its program has closed already, whose
// owner the kernel does not know any more.
const gone = -1

// ownerIn finds the user whose connection leads from client to server in a table
// of the kernel (proc_net_tcp in its documentation): a line has the number, the
// local and the remote address, the state, four fields more, and the owner.
func ownerIn(table io.Reader, client, server netip.AddrPort) (owner int, found bool) {
	const local, remote, state, user = 1, 2, 3, 7
	const established = "01"
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) <= user || !slices.Contains(inTable(client), fields[local]) || !slices.Contains(inTable(server), fields[remote]) {
			continue
		}
		owner, err := strconv.Atoi(fields[user])
		if err != nil || fields[state] != established {
			return gone, true
		}
		return owner, true
	}
	return 0, false
}

// inTable is how the kernel writes an address: words of the machine's own order,
// and a second way for an IPv4 address of a socket for IPv6.
func inTable(at netip.AddrPort) []string {
	address := at.Addr().Unmap()
	forms := []string{written(address.AsSlice(), at.Port())}
	if address.Is4() {
		mapped := netip.AddrFrom16(address.As16())
		forms = append(forms, written(mapped.AsSlice(), at.Port()))
	}
	return forms
}

func written(address []byte, port uint16) string {
	words := make([]byte, 0, len(address))
	for word := range slices.Chunk(address, 4) {
		words = binary.BigEndian.AppendUint32(words, binary.NativeEndian.Uint32(word))
	}
	return strings.ToUpper(hex.EncodeToString(words)) + fmt.Sprintf(":%04X", port)
}
