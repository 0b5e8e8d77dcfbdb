package sim

import (
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// PracticeFile is a .pfx file to try a tool with: what somebody may have been
// sent by their authority, or by mistake.
type PracticeFile struct {
	// Name is the file's, What says for people what is in it.
	Name, What string
	// Good tells that it can be rolled out in this world.
	Good     bool
	Password string
	PFX      []byte
}

// Practice makes certificates for the first deployment's names: one that is good,
// and one for each mistake that people make. Every call makes new ones, with new keys.
func (w *World) Practice() ([]PracticeFile, error) {
	now := w.ground.Clock.Now()
	good := func() authority.Spec {
		spec := authority.Spec{NotAfter: now.AddDate(0, 0, 198).Add(time.Hour)}
		if len(w.places) > 0 {
			spec.Names, spec.Via = w.places[0].certificateNames(), w.nextIssuer(w.places[0].deployment)
		}
		return spec
	}
	kinds := []struct {
		name, what string
		good       bool
		change     func(*authority.Spec)
	}{
		{"renewed.pfx", "a renewed certificate, as a public authority issues it", true, func(*authority.Spec) {}},
		{"with-root.pfx", "the same with its root in the file, as Windows exports it", true, func(s *authority.Spec) { s.WithRoot = true }},
		{"without-chain.pfx", "only the leaf; the intermediate can be fetched from the authority", true, func(s *authority.Spec) { s.WithoutChain = true }},
		{"expired.pfx", "it ended yesterday", false, func(s *authority.Spec) {
			s.NotBefore, s.NotAfter = now.AddDate(0, 0, -90), now.AddDate(0, 0, -1)
		}},
		{"not-yet-valid.pfx", "it begins in a month", false, func(s *authority.Spec) { s.NotBefore = now.AddDate(0, 1, 0) }},
		{"other-site.pfx", "it is for another site", false, func(s *authority.Spec) { s.Names = []string{"intranet.example.net"} }},
		{"common-name-only.pfx", "its name stands only where browsers no longer look", false, func(s *authority.Spec) { s.NoSAN = true }},
		{"self-signed.pfx", "nobody but itself vouches for it", false, func(s *authority.Spec) { s.SelfSigned = true }},
		{"weak-key.pfx", "its key has 1024 bits", false, func(s *authority.Spec) { s.Key = "rsa1024" }},
		{"unknown-chain.pfx", "the intermediate is missing and nothing says where it can be fetched", false, func(s *authority.Spec) {
			s.WithoutChain, s.WithoutAIA = true, true
		}},
	}
	files := make([]PracticeFile, 0, len(kinds))
	for _, kind := range kinds {
		spec := good()
		kind.change(&spec)
		issued, err := w.authority.Issue(spec)
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", kind.name, err)
		}
		pfx, err := issued.PFX(w.password)
		if err != nil {
			return nil, err
		}
		files = append(files, PracticeFile{Name: kind.name, What: kind.what, Good: kind.good, Password: w.password, PFX: pfx})
	}
	return files, nil
}
