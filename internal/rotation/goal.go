package rotation

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Goal is what a rotation is to bring about. Where the certificate comes from
// is one of four:
//
//   - a file: Bundle is read from it. Listeners that follow Key Vault stay there,
//     and the file becomes a new version of what they follow.
//   - Key Vault: Vault names it, and Resolve fills Bundle in.
//   - a file by way of Key Vault: both, and the file is imported there first.
//   - neither: listeners that follow Key Vault are to serve what is newest there.
type Goal struct {
	Bundle *pki.Bundle
	Vault  InVault
	// Form is how listeners hold a certificate that is in Key Vault.
	Form Form
	// Identity is a user-assigned identity that the gateway gets if it needs one.
	Identity string
	// Roots are the authorities that ArcGIS knows: Mozilla's list and what the
	// environment names explicitly.
	Roots *pki.Roots
	Now   time.Time
	// AssumeTrusted accepts a chain whose root is not among Roots.
	AssumeTrusted bool
	// AllowOlder accepts a certificate that expires before the one that is
	// served, AllowWeaker one with a shorter key.
	AllowOlder, AllowWeaker bool
	// File is the path of the file that Bundle was read from, "" without one.
	File string

	// kept are the certificates that are in Key Vault, without their keys.
	kept []unkeyed
}

// unkeyed is a certificate in Key Vault as far as can be told without its key.
type unkeyed struct {
	InVault
	bundle *pki.Bundle
}

// Form is how a listener holds a certificate.
type Form string

const (
	// FormFitting is a reference where the gateway may read the vault, else a copy.
	FormFitting Form = ""
	// FormReference is a reference to Key Vault, or nothing.
	FormReference Form = "reference"
	// FormInline is a copy of the certificate with its key on the gateway.
	FormInline Form = "inline"
)

// Follows tells whether a listener refers to Key Vault, so that a goal without
// a certificate makes sense.
func (s State) Follows() bool {
	return slices.ContainsFunc(s.Listeners, func(l Listener) bool { return l.KeyVaultSecretID != "" })
}

// Resolve looks up in the state what the goal needs of Key Vault. complete
// fetches the issuers that a vault does not show. The key is read only where
// the certificate is to be copied to the gateway.
func (r *Runner) Resolve(ctx context.Context, state State, goal Goal, complete func(*pki.Bundle) *pki.Bundle) (Goal, error) {
	file := goal.File != ""
	if goal.Vault.Named() {
		named, ok := state.vaulted(goal.Vault)
		if !ok {
			return goal, fmt.Errorf("%s was not read", goal.Vault)
		}
		if err := named.trouble; err != nil && !(file && named.missing()) {
			return goal, err
		}
		if found := named.chosen.Unusable(goal.Now); !file && found.Refused() {
			return goal, &RefusedError{Findings: refusals(found)}
		}
	}
	if file {
		return goal, nil
	}
	goal.Bundle, goal.kept = nil, nil
	var unread error
	for _, v := range state.Vaulted {
		if v.readable() && (!goal.Vault.Named() || v.is(goal.Vault)) {
			goal.kept = append(goal.kept, unkeyed{v.InVault, complete(withIssuers(v.chosen.Leaf, state))})
		} else {
			unread = cmp.Or(unread, v.trouble) // one says enough
		}
	}
	switch {
	case len(goal.kept) == 0 && unread != nil:
		return goal, unread
	case !goal.Vault.Named() || len(goal.kept) == 0:
		return goal, nil
	}
	goal.Bundle = goal.kept[0].bundle
	if goal.form(state) == FormReference || goal.Form == FormFitting && servedAlready(state, goal.Bundle) {
		return goal, nil
	}
	client, err := r.vault(goal.Vault.Vault)
	if err != nil {
		return goal, err
	}
	named, _ := state.vaulted(goal.Vault)
	bundle, err := client.PFX(ctx, goal.Vault.Name, named.chosen.Version)
	if err != nil {
		return goal, fmt.Errorf("a copy on the gateway needs the key of %s: %w", goal.Vault, err)
	}
	goal.Bundle = complete(bundle)
	return goal, nil
}

// servedAlready tells whether every listener has the certificate, so that
// nobody needs its key.
func servedAlready(state State, bundle *pki.Bundle) bool {
	return !slices.ContainsFunc(state.Listeners, func(l Listener) bool { return l.fingerprint() != pki.Fingerprint(bundle.Leaf) })
}

// form decides how listeners are to hold the certificate in Key Vault that was
// named: as was asked for, else as a reference if the gateway may read it. When
// that is not known, a listener that refers to it already shows that it may.
func (g Goal) form(state State) Form {
	if g.Form != FormFitting {
		return g.Form
	}
	named, ok := state.vaulted(g.Vault)
	if !ok {
		return FormInline
	}
	referred := slices.ContainsFunc(state.Listeners, func(l Listener) bool {
		in, refers := ParseInVault(l.KeyVaultSecretID)
		return refers && in.newest().is(g.Vault.newest())
	})
	if _, may := g.reader(state, named); isV2(state) && (may == Yes || may == Unknown && referred) {
		return FormReference
	}
	return FormInline
}

// reader is the identity with which the gateway will read a vault: one of its
// own, or the one that it is to get.
func (g Goal) reader(state State, v Vaulted) (Reader, Knowledge) {
	own, may := v.reader(func(r Reader) bool { return state.Gateway.HasIdentity(r.Identity) })
	if may == Yes || g.Identity == "" {
		return own, may
	}
	return v.reader(func(r Reader) bool { return equalID(r.Identity, g.Identity) })
}

// blind tells that the certificate's key is not in our hands.
func (g Goal) blind() bool { return g.Bundle == nil || g.Bundle.Key == nil }

// judge judges a bundle, with or without its key.
func judge(bundle *pki.Bundle, criteria pki.Criteria) pki.Judgement {
	if bundle.Key != nil {
		return pki.Judge(bundle, criteria)
	}
	return pki.JudgePublic(bundle, criteria)
}

// withIssuers is a certificate without its key, with the issuers that the
// gateway has or serves already: a renewed certificate mostly has the same.
func withIssuers(leaf *x509.Certificate, state State) *pki.Bundle {
	var known []*x509.Certificate
	for _, entry := range state.Gateway.Certificates() {
		known = append(known, entry.Chain...)
	}
	for _, observation := range state.Wire {
		known = append(known, observation.Chain...)
	}
	bundle := &pki.Bundle{Leaf: leaf}
	last := leaf
	for len(bundle.Intermediates) < 5 {
		i := slices.IndexFunc(known, func(c *x509.Certificate) bool {
			return c.IsCA && !c.Equal(last) && last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			break
		}
		if last = known[i]; last.CheckSignatureFrom(last) == nil {
			bundle.Root = last
			break
		}
		bundle.Intermediates = append(bundle.Intermediates, last)
	}
	return bundle
}

// vouchedFor adds the roots that a plan has seen in the keystores of the
// machines, or puts there.
func (g Goal) vouchedFor(plan Plan) Goal {
	var roots []*x509.Certificate
	for _, bundle := range g.bundles() {
		if bundle.Root != nil && slices.Contains(plan.Vouched, pki.Fingerprint(bundle.Root)) {
			roots = append(roots, bundle.Root)
		}
	}
	return g.knowing(roots)
}

// knowing is the goal with more authorities that ArcGIS knows.
func (g Goal) knowing(roots []*x509.Certificate) Goal {
	if len(roots) > 0 {
		g.Roots = g.Roots.With(roots...)
	}
	return g
}

// bundles are all certificates that the goal is about.
func (g Goal) bundles() []*pki.Bundle {
	var all []*pki.Bundle
	if g.Bundle != nil {
		all = append(all, g.Bundle)
	}
	for _, k := range g.kept {
		all = append(all, k.bundle)
	}
	return all
}

// judgeWire judges what was served after the change: complete, in date, right name.
func judgeWire(wire []handshake.Observation, before State, plan Plan, goal Goal) pki.Findings {
	roots := goal.Roots
	leaves := map[string]*x509.Certificate{}
	for _, bundle := range goal.bundles() {
		leaves[pki.Fingerprint(bundle.Leaf)] = bundle.Leaf
		if goal.AssumeTrusted && bundle.Root != nil {
			roots = roots.With(bundle.Root) // servers do not send it, so it must be known here
		}
	}
	expected := expect(before, plan.Moves)
	var findings pki.Findings
	for _, observation := range wire {
		want, asked := expected[spotOf(observation)]
		wanted := leaves[want.leaf]
		if !asked || wanted == nil || !plan.brings(want) {
			continue // another site's certificate, or an endpoint that was never reached
		}
		if leaf := served(observation); leaf != nil && slices.Contains(want.also, pki.Fingerprint(leaf)) {
			continue // without SNI another site's listener may answer, as it did before
		}
		target, err := handshake.ParseTarget(observation.Target)
		if err != nil {
			continue // an observation always has the target that we gave
		}
		findings = append(findings, handshake.Judge([]handshake.Observation{observation}, handshake.Expectation{
			Name: target.Host, Roots: roots, AssumeTrusted: goal.AssumeTrusted, Now: goal.Now, Leaf: wanted,
		})...)
	}
	return findings
}

// brings tells whether a wanted leaf is one of the plan's.
func (p Plan) brings(want wanted) bool {
	return want.is(p.Certificate.SHA256) || slices.ContainsFunc(p.Moves, func(m Move) bool { return want.is(m.ToLeaf) })
}
