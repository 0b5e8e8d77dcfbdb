package rollout

import (
	"io"
	"time"

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
	// Zero is 397 days and 3650 days.
	LeafDays, RootDays int
	// Now is when the plan is made.
	Now time.Time
	// Anew issues new certificates even where a run that was cut off has left
	// usable ones on every machine.
	Anew bool
	// Random is where keys come from; nil is the system's.
	Random io.Reader
	// KeepAuthority is given the root of Fresh with its key, once and before
	// anything is changed; when it fails, nothing is. nil lets the key go with
	// the run: nobody can sign with it afterwards.
	KeepAuthority func(*pki.Authority) error
}
