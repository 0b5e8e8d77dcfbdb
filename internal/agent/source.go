//go:build !release

package agent

import "embed"

// release holds nothing in a program that was built from source.
var release embed.FS
