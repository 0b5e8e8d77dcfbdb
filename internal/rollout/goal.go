package rollout

import (
	"cmp"
	"crypto"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Source says where the new certificates come from.
type Source string

const (
	// FromPFX: the .pfx files that were given, by what they are for.
	FromPFX Source = "pfx"
	// FromAuthority: leafs of an authority whose certificate and key were given.
	FromAuthority Source = "ca"
	// Fresh: an authority that is made for this run, and its leafs.
	Fresh Source = "issue"
	// Back is the source of a plan that takes a run back: what was there before.
	Back Source = "back"
)

// How long issued certificates live when nothing is said. A leaf gets the 397
// days that browsers took for their limit until 2026: long enough for one
// rollout a year with a month to spare, and short enough that the rollout stays
// something that people know how to do. A root gets ten years, since replacing
// it touches the trust of every machine.
const (
	DefaultLeafDays = 397
	DefaultRootDays = 3650
)

// Goal is what the internal certificates of a deployment are to become.
type Goal struct {
	Source Source
	// Bundles are the certificates of FromPFX, by what they are for: the name of
	// a machine, the context of a site ("image"), a product ("portal", "server",
	// "notebook", …) or "" for whatever has none of its own. The first of these
	// that fits a port is taken, in this order.
	Bundles map[string]*pki.Bundle
	// Authority signs the leafs of FromAuthority. Its Key may be missing while
	// planning; applying needs it.
	Authority *pki.Authority
	// LeafDays and RootDays are how long leafs, and the root of Fresh, live.
	// Zero is DefaultLeafDays and DefaultRootDays.
	LeafDays, RootDays int
	// Now is when the plan is made.
	Now time.Time
	// Anew issues new certificates even where a run that was cut off has left
	// usable ones on every machine.
	Anew bool
	// KeepOld never replaces an entry in place: machines of 12.1 restart as older
	// ones do, and the run can be taken back, since the old key stays.
	KeepOld bool
	// Undrained leaves machines in the gateway's pools while they restart. It
	// saves two writes of the gateway for each, and some requests fail: those
	// that meet a web server which has come up and is not ready.
	Undrained bool
	// Keys makes keys of so many bits; nil is pki.NewKey.
	Keys func(bits int) (crypto.Signer, error)
	// KeepAuthority is given the root of Fresh with its key, once and before
	// anything is changed; when it fails, nothing is. nil lets the key go with
	// the run: nobody can sign with it afterwards.
	KeepAuthority func(*pki.Authority) error
}

func (g Goal) leafDays() int { return cmp.Or(g.LeafDays, DefaultLeafDays) }
func (g Goal) rootDays() int { return cmp.Or(g.RootDays, DefaultRootDays) }

func (g Goal) key(bits int) (crypto.Signer, error) {
	if g.Keys == nil {
		return pki.NewKey(bits)
	}
	return g.Keys(bits)
}

// bundleOf is the file of a port. A service serves what its server does, whatever
// file is for it by name.
func (g Goal) bundleOf(port Port) *pki.Bundle {
	product := port.Product
	if port.How == Follows {
		product = machine.Server
	}
	return g.bundleFor(port.Machine, port.Site, product)
}

// bundleFor is the file that fits a port, nil without one.
func (g Goal) bundleFor(machineName, site string, product machine.Product) *pki.Bundle {
	for _, wanted := range []string{machineName, site, string(product), ""} {
		for name, bundle := range g.Bundles {
			if strings.EqualFold(name, wanted) {
				return bundle
			}
		}
	}
	return nil
}
