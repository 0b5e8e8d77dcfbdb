package rollout

import (
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// trusted is a certificate that verifiers must have before a leaf under it is
// served: a root, an intermediate, or a self-signed leaf that stands for itself.
type trusted struct {
	name string // of the gateway's entry and alias in the keystores
	// certificate is nil while it is yet to be made.
	certificate *x509.Certificate
	root        bool // the gateway wants roots only
}

// rootName and chainName are the names under which an authority is trusted.
func rootName(alias string) string { return alias + "-root" }

func chainName(alias string, n int) string { return fmt.Sprintf("%s-ca%d", alias, n+1) }

// authoritiesOf are the authorities above a leaf, the root last, if it is in the
// file or well known. A self-signed leaf stands for itself.
func authoritiesOf(bundle *pki.Bundle) []*x509.Certificate {
	list := slices.Clone(bundle.Intermediates)
	last := bundle.Leaf
	if len(list) > 0 {
		last = list[len(list)-1]
	}
	if bundle.Root != nil {
		return append(list, bundle.Root)
	}
	if isSelfSigned(last) {
		return append(list, last)
	}
	if known := pki.MozillaRoots().Issuer(last); known != nil {
		list = append(list, known)
	}
	return list
}

func isSelfSigned(c *x509.Certificate) bool { return pki.Describe(c).SelfSigned }

// trustedBy names the authorities of several leafs, each once, roots by
// themselves: "-root", "-root2", … and "-ca1", ….
func trustedBy(alias string, bundles []*pki.Bundle) []trusted {
	var list []trusted
	roots, others := 0, 0
	for _, bundle := range bundles {
		for _, certificate := range authoritiesOf(bundle) {
			if slices.ContainsFunc(list, func(t trusted) bool { return t.certificate.Equal(certificate) }) {
				continue
			}
			one := trusted{certificate: certificate, root: isSelfSigned(certificate)}
			if one.root {
				if one.name = rootName(alias); roots > 0 {
					one.name = fmt.Sprintf("%s%d", one.name, roots+1)
				}
				roots++
			} else {
				one.name = chainName(alias, others)
				others++
			}
			list = append(list, one)
		}
	}
	return list
}
