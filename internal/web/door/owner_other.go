//go:build !linux

package door

import "net"

// ownerAllowed: elsewhere other users do not see the arguments of a program, and
// there is no short way to learn whose a connection is.
func ownerAllowed(net.Conn) bool { return true }
