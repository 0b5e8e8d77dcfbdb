package portrait

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

type observation = handshake.Observation

// CertificatePage is the value of the page about one certificate.
type CertificatePage struct {
	Deployment, Path string
	Judged           Day
	Name             string
	About            pki.Description
	Due              Due
	// For says in a sentence what it is.
	For string
	// Chain are its links upwards, itself first; End says in sentences where the
	// chain ends and what that is worth.
	Chain []Link
	End   []string
	// Fine tells that the chain ends at an authority that ArcGIS knows, or at a
	// certificate that whoever needs it trusts by itself.
	Fine bool
	// Served and so on are the places.
	Served, Sent, Configured, Trusted []string
	// Ends are what happens on the day on which it ends.
	Ends []string
}

// Link is one certificate of a chain.
type Link struct {
	Shown
	// Says is the sentence about it.
	Says string
}

// OfCertificate is the page about a certificate of the look, by its SHA-256
// or the beginning of it.
func OfCertificate(seen Seen, id, sha256 string, at time.Time) (CertificatePage, bool) {
	judged := judgedBy(seen.State.At, at)
	v := view{seen, pathOf(id), judged.At, gather(seen)}
	c := find(v.all, sha256)
	if c == nil {
		return CertificatePage{}, false
	}
	p := CertificatePage{
		Deployment: seen.State.Deployment.Name, Path: pathOf(id), Judged: judged, Name: topology.NameOf(c.Certificate),
		About: pki.Describe(c.Certificate), Due: due(c.NotAfter, v.at),
		Served: c.served, Sent: c.sent, Configured: c.configured, Trusted: c.trusted,
	}
	p.For = purpose(c.Certificate)
	p.chain(v, c)
	p.Ends = v.ends(c)
	return p, true
}

// purpose says what a certificate is, in a sentence.
func purpose(c *x509.Certificate) string {
	names := pki.Names(c)
	switch {
	case c.IsCA && len(names) == 0 && selfSigned(c):
		return "It is an authority’s own certificate: with it the authority vouches for others."
	case c.IsCA && len(names) == 0:
		return "It is the certificate of an authority that vouches for others, and for which another one vouches."
	case len(names) == 0:
		return "It names no host: browsers accept it for no address. It says only what is in its subject."
	}
	return "It proves that whoever has its private key may answer for " + listed(names) + "."
}

// listed writes a few names as people do.
func listed(names []string) string {
	const most = 6
	if more := len(names) - most; more > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// longest is how many links a chain is followed; true ones have at most five.
const longest = 10

// chain follows the chain upwards and says what stands at its end.
func (p *CertificatePage) chain(v view, from *certificate) {
	c := from.Certificate
	for len(p.Chain) < longest {
		name := topology.NameOf(c)
		link := Link{Shown: *v.shown(c)}
		issuer := v.issuerOf(c)
		switch {
		case selfSigned(c):
			link.Says = name + " vouches for itself."
			p.Chain = append(p.Chain, link)
			p.end(v, c)
			return
		case issuer == nil:
			link.Says = fmt.Sprintf("%s is vouched for by %s, whose own certificate was not sent and is not known.", name, issuerName(c))
			p.Chain = append(p.Chain, link)
			p.End = append(p.End, "The chain is broken there: a client that does not have the certificate of "+issuerName(c)+
				" from elsewhere cannot check it. Browsers often fetch it; Portal and Server do not.")
			return
		}
		link.Says = fmt.Sprintf("%s is vouched for by %s.", name, topology.NameOf(issuer))
		p.Chain = append(p.Chain, link)
		c = issuer
	}
	p.End = append(p.End, "The chain was not followed any further.")
}

func issuerName(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}

// end says what the end of the chain is worth.
func (p *CertificatePage) end(v view, root *x509.Certificate) {
	name := topology.NameOf(root)
	var keepers []string
	if known := find(v.all, pki.Fingerprint(root)); known != nil {
		keepers = known.trusted
	}
	switch {
	case pki.MozillaRoots().Contains(root):
		p.Fine = true
		p.End = append(p.End, "Browsers, Portal and Server know "+name+", because it is in Mozilla’s list of authorities; Java’s own list, by which ArcGIS judges, has nearly the same.")
	case v.Roots != nil && v.Roots.Contains(root):
		p.Fine = true
		p.End = append(p.End, name+" is in no public list. It counts here because it was named as an authority that Portal and Server know; browsers know it only where somebody has installed it.")
	case len(p.Chain) == 1 && !root.IsCA || len(p.Chain) == 1 && len(p.Served) > 0:
		p.End = append(p.End, "No authority stands behind it. Whoever is to accept it must have been given this very certificate.")
	default:
		p.End = append(p.End, name+" is in no public list of authorities. Browsers, Portal and Server know it only where somebody has installed it.")
	}
	if len(keepers) > 0 {
		p.Fine = true
		p.End = append(p.End, name+" is trusted by "+listed(keepers)+".")
	}
}

// ends says what happens on the day on which a certificate ends.
func (v view) ends(c *certificate) []string {
	var list []string
	for _, d := range rotation.Darkening(v.State, v.at) {
		if strings.EqualFold(d.SHA256, c.sha256) && !slices.Contains(list, d.What) {
			what := d.What
			if d.Kind == "trusted-root" {
				what = d.Where + ": " + what
			}
			list = append(list, what)
		}
	}
	for i := range list {
		list[i] = pages.Sentences(list[i])
	}
	if len(list) > 0 {
		return list
	}
	if len(c.configured) > 0 && len(c.served) == 0 {
		return []string{"It is configured and was not seen being served: once it is served, whoever gets it is turned away."}
	}
	return nil
}
