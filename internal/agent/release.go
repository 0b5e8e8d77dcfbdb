//go:build release

package agent

import "embed"

// release holds the agents that .ci/release built before this program.
//
//go:embed built/*.gz
var release embed.FS
