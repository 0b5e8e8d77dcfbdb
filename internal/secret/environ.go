package secret

import (
	"os"
	"slices"
	"strings"
)

// Environ is the environment for a program that this one starts and that has no
// use for its passwords: os.Environ without them. A proxy stays, with whatever is
// in its address: the computer's owner has set it for all programs.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		name = strings.ToUpper(name)
		return strings.HasSuffix(name, "PASSWORD") || strings.HasSuffix(name, "SECRET") || strings.HasSuffix(name, "PASSPHRASE")
	})
}
