//go:build unix

package cli_test

import "golang.org/x/sys/unix"

func withoutUmask() { unix.Umask(0) }
