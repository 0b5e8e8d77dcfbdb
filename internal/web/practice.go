package web

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// practice is what a learner gets in a simulated world: files to renew from, and
// a witness that watches what comes of it.
type practice struct {
	world *sim.World

	mu      sync.Mutex
	made    []sim.PracticeFile
	witness *witness.Witness
}

func newPractice(world *sim.World) *practice {
	next, _, _ := world.NewCertificate()
	return &practice{world: world, witness: world.Watch(witness.Allow{Touch: slices.Concat(witness.External, witness.Internal), Leaves: []string{fingerprint(next.Leaf.Raw)}})}
}

// files are made when they are asked for first, since keys take a while.
func (p *practice) files() ([]sim.PracticeFile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made != nil {
		return p.made, nil
	}
	made, err := p.world.Practice()
	if err != nil {
		return nil, err
	}
	for _, file := range made {
		if !file.Good {
			continue
		}
		issued, err := authority.ReadPFX(file.PFX, file.Password)
		if err != nil {
			return nil, err
		}
		p.witness.AlsoLeaf(fingerprint(issued.Leaf.Raw)) // clients may serve it from now on
	}
	p.made = made
	return made, nil
}

// violations are what must never happen and did.
func (p *practice) violations() []string { return p.witness.Violations() }

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
