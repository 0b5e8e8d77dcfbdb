package sim

import (
	"crypto/x509"
	"encoding/pem"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// privateCA is what a deployment's "ca" says of a certificate that the
// company's own authority issued.
const privateCA = "private"

// companyRoot is the alias under which an administrator imported the company's
// root into Portal's and Server's keystores.
const companyRoot = "contoso-root-ca"

// startCompany makes the company's own authority, a root with an issuing CA
// below it, if a deployment of the world has its certificate from there. The
// clients' CA file does not contain it.
func (w *World) startCompany() (err error) {
	if w.layout.Issuer != "" {
		if w.issuing, err = w.authority.NewIntermediate(w.layout.Issuer, w.authority.Root()); err != nil {
			return err
		}
	}
	needed := false
	for _, d := range w.layout.Deployments {
		needed = needed || d.CA == privateCA || d.Internal.NextCA == privateCA
	}
	if !needed {
		return nil
	}
	root, err := w.authority.NewPrivate("Contoso Root CA")
	if err != nil {
		return err
	}
	w.company, err = w.authority.NewIntermediate("Contoso Issuing CA 1", root)
	return err
}

// issuer of a deployment's external certificate; nil is the public authority's
// usual one.
func (w *World) issuer(d deployment) *authority.Issuer {
	if d.Copy != nil {
		_, via := w.renewedAs(d.Copy)
		return via
	}
	if d.CA == privateCA {
		return w.company
	}
	return w.issuing
}

// nextIssuer is who issues the renewal of a deployment's certificate.
func (w *World) nextIssuer(d deployment) *authority.Issuer {
	if d.Internal.NextCA == privateCA {
		return w.company
	}
	return w.issuer(d)
}

// trusted are the authorities in the keystores of a deployment's machines that
// no Java knows by itself.
func (w *World) trusted(d deployment) map[string]*x509.Certificate {
	if d.CA != privateCA {
		return nil
	}
	return map[string]*x509.Certificate{companyRoot: w.PrivateRoot()}
}

// PrivateRoot is the root of the company's own authority, nil in a world
// without one.
func (w *World) PrivateRoot() *x509.Certificate {
	if w.company == nil {
		return nil
	}
	return w.company.Parent.Certificate
}

func (w *World) privateRootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.PrivateRoot().Raw})
}
