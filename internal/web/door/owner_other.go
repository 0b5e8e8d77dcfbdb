//go:build !linux

package door

import "net"

// ownerAllowed: Windows does not show others with which arguments a program was
// started; macOS does, for the moment in which `open` runs. There is no short
// way to learn whose a connection is.
func ownerAllowed(net.Conn) bool { return true }
