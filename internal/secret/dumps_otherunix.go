//go:build unix && !linux

package secret

func withoutDumps() { noCore() }
