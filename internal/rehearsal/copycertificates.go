package rehearsal

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

// likenessOf describes a certificate for the world to make another like it.
func (c *copier) likenessOf(of shape.Certificate) tree {
	organization := of.Organization
	made := tree{"id": of.ID, "common-name": of.CommonName, "organization": organization, "names": of.Names, "key": c.key(of), "from": of.NotBefore.UTC(), "until": of.NotAfter.UTC(),
		"ca": of.CA, "issuer": of.Issuer, "known": of.Known, "fetchable": of.Fetchable}
	subject := of.Subject
	if parsed, err := x509.ParseCertificate(of.DER); err == nil {
		subject = parsed.RawSubject
	}
	if len(subject) > 0 {
		made["subject"] = base64.StdEncoding.EncodeToString(subject)
	}
	return made
}

// key is the kind of a key in the world's words. Those of authorities are no
// stronger than they must be, since making them takes time.
func (c *copier) key(of shape.Certificate) string {
	words := map[string]string{"RSA 2048": "rsa2048", "RSA 3072": "rsa3072", "RSA 4096": "rsa4096", "RSA 1024": "rsa1024", "ECDSA P-256": "p256", "ECDSA P-384": "p384", "Ed25519": "ed25519"}
	word, known := words[of.Key]
	switch {
	case of.CA && strings.HasPrefix(of.Key, "RSA"):
		return "rsa2048"
	case of.CA:
		return "p256"
	case !known && strings.HasPrefix(of.Key, "RSA"):
		word = "rsa2048"
	case !known:
		word = "p384"
	}
	if !known {
		c.missing(fmt.Sprintf("the key of certificate %s is of kind %s; one of kind %s stands in", cmp.Or(of.CommonName, of.ID), of.Key, word))
	}
	return word
}

// issue makes a certificate that nobody showed, for something that must have one.
func (c *copier) issue(names []string, issuer string) string {
	c.made++
	id := fmt.Sprintf("made-%d", c.made)
	now := c.shape.At
	c.likenesses = append(c.likenesses, tree{"id": id, "common-name": names[0], "names": names, "key": "rsa2048", "from": now.AddDate(0, -1, 0), "until": now.AddDate(5, 0, 0), "issuer": cmp.Or(issuer, id)})
	return id
}

// public is an authority that everybody knows, for what nobody showed.
func (c *copier) public() string {
	if c.authority == "" {
		c.authority = "made-authority"
		now := c.shape.At
		c.likenesses = append(c.likenesses, tree{"id": c.authority, "common-name": "Authority that stands in for a public one", "key": "p256", "ca": true, "known": true, "issuer": c.authority,
			"from": now.AddDate(-5, 0, 0), "until": now.AddDate(15, 0, 0)})
	}
	return c.authority
}

// entries are the gateway's own certificates.
func (c *copier) entries() ([]any, error) {
	list := []any{}
	for _, entry := range c.shape.Entries {
		one := tree{"name": entry.Name}
		if entry.Vault != "" {
			vault, name, version, err := cloud.SplitSecretID(entry.Vault)
			if err != nil {
				return nil, err
			}
			one["vault"], one["secret"], one["versioned"] = vaultName(vault), name, version != ""
		} else {
			one["chain"] = c.rolledOut(c.chainOf(entry))
		}
		list = append(list, one)
	}
	return list, nil
}

// rolledOut is a chain, of the real certificates where it begins with the one
// that is to be rolled out: an earlier run has left it there, and the next one
// goes on with it. Where nobody saw what is sent with it, the file tells.
func (c *copier) rolledOut(chain []string) []string {
	if len(chain) == 0 || len(c.real) == 0 || !isReal(c.certificates[chain[0]], c.real[0]) {
		return chain
	}
	real := slices.Clone(chain)
	for i, id := range chain {
		if own, ok := c.genuine(c.certificates[id]); ok {
			real[i] = own
		}
	}
	seen := func(served shape.Served) bool { return len(served.Chain) > 0 && served.Chain[0] == chain[0] }
	if len(chain) > 1 || slices.ContainsFunc(c.shape.Served, seen) {
		return real
	}
	for _, issuer := range c.real[1:] {
		if !bytes.Equal(issuer.RawSubject, issuer.RawIssuer) {
			real = append(real, c.given(issuer))
		}
	}
	return real
}

// chainOf is what stands in for an entry: what Azure told of it, with the
// issuers that a listener really sends, else one for the listener's names.
func (c *copier) chainOf(entry shape.Entry) []string {
	if len(entry.Chain) > 0 {
		for _, served := range c.shape.Served {
			if len(served.Chain) > len(entry.Chain) && served.Chain[0] == entry.Chain[0] {
				return served.Chain
			}
		}
		return entry.Chain
	}
	for _, listener := range c.gateway.HTTPSListeners() {
		if !strings.EqualFold(listener.CertificateName, entry.Name) {
			continue
		}
		for _, own := range c.shape.Listeners {
			for _, served := range c.shape.Served {
				host, _, _ := net.SplitHostPort(served.Target)
				if strings.EqualFold(own.Name, listener.Name) && len(served.Chain) > 0 && slices.Contains(own.Names, host) {
					return served.Chain
				}
			}
		}
		if len(listener.HostNames) > 0 {
			return []string{c.issue(listener.HostNames, c.public())}
		}
	}
	return []string{c.issue([]string{cmp.Or(c.shape.Deployment.Domain, "unknown.invalid")}, c.public())}
}

// roots are the gateway's trusted roots.
func (c *copier) roots() []any {
	list := []any{}
	for _, root := range c.shape.Roots {
		if len(root.Chain) == 0 {
			c.missing("trusted root " + root.Name + " of the gateway: nobody tells which certificate it is; another stands in")
			root.Chain = []string{c.issue([]string{"unknown.invalid"}, "")}
		}
		list = append(list, tree{"name": root.Name, "chain": root.Chain[:1]})
	}
	return list
}

// issuersOf is a certificate with its issuers, without the root.
func (c *copier) issuersOf(id string) []string {
	chain := []string{id}
	for {
		issuer := c.certificates[chain[len(chain)-1]].Issuer
		if issuer == "" || slices.Contains(chain, issuer) || c.certificates[issuer].Issuer == issuer {
			return chain
		}
		chain = append(chain, issuer)
	}
}

// genuine tells whether a certificate is one of the real ones, and adds that to
// the file under an id of its own.
func (c *copier) genuine(of shape.Certificate) (string, bool) {
	for _, one := range c.real {
		if isReal(of, one) {
			return c.given(one), true
		}
	}
	return "", false
}

func isReal(of shape.Certificate, one *x509.Certificate) bool {
	return of.SHA256 != "" && strings.EqualFold(pki.Fingerprint(one), of.SHA256) ||
		of.SHA256 == "" && of.SHA1 != "" && strings.EqualFold(pki.Thumbprint(one), of.SHA1)
}

// given adds a certificate itself to the file.
func (c *copier) given(one *x509.Certificate) (id string) {
	id = "given-" + pki.Fingerprint(one)[:16]
	if !slices.ContainsFunc(c.likenesses, func(l any) bool { return l.(tree)["id"] == id }) {
		c.likenesses = append(c.likenesses, tree{"id": id, "der": base64.StdEncoding.EncodeToString(one.Raw)})
	}
	return id
}
