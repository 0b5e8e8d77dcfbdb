package web

import (
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// replaceBy is what the certificates of machines are replaced by, as far as it
// was said.
type replaceBy struct {
	source rollout.Source
	days   int
	// authority issues, when the source is one that was given; it is in memory only.
	authority     *pki.Authority
	authorityFile wizard.File
	// bundles are the files of the source .pfx, by what they are for, and bundleFiles
	// what they are called.
	bundles     map[string]*pki.Bundle
	bundleFiles map[string]string

	anew, keepOld, undrained bool
}

// dropSecrets takes away what holds private keys.
func (b *replaceBy) dropSecrets() {
	clear(b.authorityFile.Data)
	b.authorityFile, b.authority, b.bundles, b.bundleFiles = wizard.File{}, nil, nil, nil
}
