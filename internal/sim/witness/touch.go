package witness

import (
	"path"
	"slices"
	"strings"
)

const gatewayKind = "microsoft.network/applicationgateways"

// Patterns of what may change are "KIND PATH". KIND is "machine", "site" or a
// resource type in lower case; PATH leads into the object: members of a list go
// by their name, a reference by the last part of its id, and "*" stands for one
// step, "**" at the end for any further ones. With "+" before it only what was
// not there at the beginning may come. The paths "added" and "removed" stand
// for a whole resource.

// External is what an external rotation may touch: certificate entries and the
// listeners' choice among them, trusted roots, the identity that reads a vault,
// who is in a backend pool while a machine restarts, the program's own tags, run
// commands while they run, and in the machines' keystores further authorities
// and Cloud Builder's pinned leaf. See LeftBehind for what must not stay so.
var External = []string{
	"microsoft.network/applicationgateways properties/sslCertificates/**",
	"microsoft.network/applicationgateways properties/httpListeners/*/properties/sslCertificate/id",
	"+microsoft.network/applicationgateways properties/trustedRootCertificates/**",
	"+microsoft.network/applicationgateways properties/backendHttpSettingsCollection/*/properties/trustedRootCertificates/**",
	"+microsoft.network/applicationgateways identity/**",
	"microsoft.network/applicationgateways properties/backendAddressPools/*/properties/backendAddresses/**",
	"+microsoft.network/applicationgateways tags/cartouche-*",
	"+microsoft.resources/resourcegroups tags/cartouche-*",
	"microsoft.compute/virtualmachines/runcommands **",
	"+machine keystore/*",
	"machine keystore/appgw-externaldnscercert",
}

// Internal is what else a rollout to machines may touch: which entry of its
// keystore a machine serves, what an entry holds that is renewed in place, and
// the gateway's trusted roots.
var Internal = []string{
	"microsoft.network/applicationgateways properties/trustedRootCertificates/**",
	"microsoft.network/applicationgateways properties/backendHttpSettingsCollection/*/properties/trustedRootCertificates/**",
	"machine keystore/*",
	"machine alias",
}

// DSC is what Cloud Builder's way, the machines' DSC extension, touches too.
var DSC = []string{
	"microsoft.compute/virtualmachines/extensions **",
	"machine keystore/**",
}

// may tells whether what is at a path may change; had tells that it was there
// at the beginning. The caller holds mu.
func (w *Witness) may(kind, at string, had bool) bool {
	return slices.ContainsFunc(w.touch, func(pattern string) bool {
		pattern, additions := strings.CutPrefix(pattern, "+")
		of, inner, _ := strings.Cut(pattern, " ")
		return of == kind && (!additions || !had) && matches(inner, at)
	})
}

func matches(pattern, at string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(at, "/")
	for i, step := range want {
		if step == "**" && i == len(want)-1 {
			return true
		}
		if i >= len(have) {
			return false
		}
		if ok, err := path.Match(step, have[i]); err != nil || !ok {
			return false
		}
	}
	return len(want) == len(have)
}
