package sim

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// makeLikenesses makes the certificates that the file describes, issuers first.
func (w *World) makeLikenesses() error {
	w.likenesses = map[string]*authority.Issuer{}
	w.given = map[string]*x509.Certificate{}
	byID := map[string]*likeness{}
	for i := range w.layout.Certificates {
		l := &w.layout.Certificates[i]
		if l.ID == "" || byID[l.ID] != nil {
			return fmt.Errorf("two certificates have the id %q", l.ID)
		}
		byID[l.ID] = l
	}
	left := len(byID)
	for left > 0 {
		var work errgroup.Group
		made := make([]*authority.Issuer, len(w.layout.Certificates))
		for i := range w.layout.Certificates {
			l := &w.layout.Certificates[i]
			if w.likenesses[l.ID] != nil || w.given[l.ID] != nil {
				continue
			}
			if l.DER != "" {
				der, err := base64.StdEncoding.DecodeString(l.DER)
				if err != nil {
					return fmt.Errorf("certificate %s: %w", l.ID, err)
				}
				if w.given[l.ID], err = x509.ParseCertificate(der); err != nil {
					return fmt.Errorf("certificate %s: %w", l.ID, err)
				}
				continue
			}
			var issuer *authority.Issuer
			if l.Issuer != l.ID && l.Issuer != "" {
				if issuer = w.likenesses[l.Issuer]; issuer == nil {
					continue // in a later round
				}
			}
			subject, err := base64.StdEncoding.DecodeString(l.Subject)
			if err != nil {
				return fmt.Errorf("certificate %s: %w", l.ID, err)
			}
			work.Go(func() (err error) {
				made[i], err = w.authority.Like(authority.Likeness{CommonName: l.CommonName, Organization: l.Organization, Subject: subject, Names: l.Names, Key: l.Key,
					NotBefore: l.From, NotAfter: l.Until, CA: l.CA, Fetchable: l.Fetchable}, issuer)
				return err
			})
		}
		if err := work.Wait(); err != nil {
			return err
		}
		for i, one := range made {
			if one != nil {
				w.likenesses[w.layout.Certificates[i].ID] = one
			}
		}
		remaining := len(byID) - len(w.likenesses) - len(w.given)
		if remaining == left {
			return fmt.Errorf("the issuers of %d certificates lead nowhere", left)
		}
		left = remaining
	}
	for _, l := range w.layout.Certificates {
		if l.Known {
			w.options.ExtraRoots = append(w.options.ExtraRoots, w.public(l.ID).Raw)
		}
	}
	return nil
}

// public is a certificate of the file, nil when there is none.
func (w *World) public(id string) *x509.Certificate {
	if made := w.likenesses[id]; made != nil {
		return made.Certificate
	}
	return w.given[id]
}

// renewedAs are the names and the issuer of a copy's renewed certificate: those
// of the one that it serves.
func (w *World) renewedAs(c *copied) (names []string, via *authority.Issuer) {
	serving := w.likenesses[c.Serving]
	if serving == nil {
		return nil, nil
	}
	return serving.Certificate.DNSNames, serving.Parent
}

// pair is a certificate of the file with its key and what is sent with it.
func (w *World) pair(chain []string) (*authority.Issued, error) {
	if len(chain) == 0 {
		return nil, fmt.Errorf("there is no certificate with a key for %q", chain)
	}
	leaf, key := w.given[chain[0]], w.keyOf(w.given[chain[0]])
	if made := w.likenesses[chain[0]]; made != nil {
		leaf, key = made.Certificate, made.Issued().Key
	}
	if key == nil {
		return nil, fmt.Errorf("there is no certificate with a key for %q", chain)
	}
	var rest []*x509.Certificate
	for _, id := range chain[1:] {
		one := w.public(id)
		if one == nil {
			return nil, fmt.Errorf("there is no certificate %q", id)
		}
		rest = append(rest, one)
	}
	return &authority.Issued{Leaf: leaf, Chain: rest, Key: key}, nil
}

// keyOf is the key of a certificate that the file gives, where whoever started
// the world has it, else nil.
func (w *World) keyOf(given *x509.Certificate) crypto.Signer {
	if given == nil {
		return nil
	}
	for _, key := range w.options.Keys {
		if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(given.PublicKey) {
			return key
		}
	}
	return nil
}
