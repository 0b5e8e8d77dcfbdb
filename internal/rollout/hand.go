package rollout

import (
	"crypto/x509"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// inHand is what a run has in hand: its plan with every fingerprint filled in,
// and the certificates with their keys, by fingerprint.
type inHand struct {
	plan    Plan
	bundles map[string]*pki.Bundle
}

// take issues what the plan says is issued, or takes the files of the goal.
// Nothing has been changed anywhere yet.
func take(plan Plan, goal Goal) (inHand, error) {
	hand := inHand{plan: plan, bundles: map[string]*pki.Bundle{}}
	hand.plan.Ports = slices.Clone(plan.Ports)
	hand.plan.Roots = slices.Clone(plan.Roots)
	hand.plan.Trusts = slices.Clone(plan.Trusts)
	if plan.Source != goal.Source {
		return hand, fmt.Errorf("apply %s: the plan is for the source %q, and %q was given", plan.Deployment, plan.Source, goal.Source)
	}
	if plan.Source == FromPFX {
		return hand, hand.takeFiles(goal)
	}
	return hand, hand.issueAll(goal)
}

func (h inHand) takeFiles(goal Goal) error {
	for _, port := range h.plan.Ports {
		bundle := goal.bundleOf(port)
		if bundle == nil || pki.Fingerprint(bundle.Leaf) != port.SHA256 {
			return fmt.Errorf("apply %s: the file given for %s is not the one of the plan", h.plan.Deployment, port.called())
		}
		h.bundles[port.SHA256] = bundle
	}
	return nil
}

// issueAll issues one certificate for each machine that needs one.
func (h *inHand) issueAll(goal Goal) error {
	var machines []string
	for _, port := range h.plan.Ports {
		if port.SHA256 == "" && !slices.Contains(machines, port.Machine) {
			machines = append(machines, port.Machine)
		}
	}
	authority, err := h.authority(goal, len(machines) > 0)
	if err != nil || len(machines) == 0 {
		return err
	}
	bundles := make([]*pki.Bundle, len(machines))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU()) // making RSA keys is work for the processor
	for i, name := range machines {
		first := slices.IndexFunc(h.plan.Ports, func(p Port) bool { return p.Machine == name })
		names := h.plan.Ports[first].Names
		group.Go(func() error {
			key, err := goal.key(pki.LeafKeyBits)
			if err != nil {
				return fmt.Errorf("make a key for %s: %w", name, err)
			}
			bundles[i], err = authority.Issue(key, names, goal.Now, h.plan.LeafDays)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, bundle := range bundles {
		fingerprint := pki.Fingerprint(bundle.Leaf)
		h.bundles[fingerprint] = bundle
		for at := range h.plan.Ports {
			if port := &h.plan.Ports[at]; port.Machine == machines[i] && port.SHA256 == "" {
				port.SHA256, port.NotAfter = fingerprint, pki.UTC(bundle.Leaf.NotAfter)
			}
		}
	}
	return nil
}

// authority is who signs: the one that was given, or a root that is made now.
func (h *inHand) authority(goal Goal, needed bool) (*pki.Authority, error) {
	if goal.Source == FromAuthority {
		switch {
		case goal.Authority == nil || h.plan.Authority == nil || pki.Fingerprint(goal.Authority.Root()) != h.plan.Authority.SHA256:
			return nil, fmt.Errorf("apply %s: the authority given is not the one of the plan", h.plan.Deployment)
		case needed && goal.Authority.Key == nil:
			return nil, fmt.Errorf("apply %s: the key of the authority is missing", h.plan.Deployment)
		}
		return goal.Authority, nil
	}
	if h.plan.Resumed || !needed {
		return nil, nil
	}
	key, err := goal.key(pki.RootKeyBits)
	if err != nil {
		return nil, fmt.Errorf("make a key for the root: %w", err)
	}
	authority, err := pki.NewRoot(key, rootSubject(h.plan.Deployment, h.plan.Alias), goal.Now, h.plan.RootDays)
	if err != nil {
		return nil, err
	}
	if goal.KeepAuthority != nil {
		if err := goal.KeepAuthority(authority); err != nil {
			return nil, fmt.Errorf("nothing was changed, because the authority could not be kept: %w", err)
		}
	}
	for i := range h.plan.Roots {
		h.plan.Roots[i].Data, h.plan.Roots[i].SHA256 = authority.Certificate.Raw, pki.Fingerprint(authority.Certificate)
	}
	for i := range h.plan.Trusts {
		h.plan.Trusts[i].Data, h.plan.Trusts[i].SHA256 = authority.Certificate.Raw, pki.Fingerprint(authority.Certificate)
	}
	return authority, nil
}

// task gives a task the certificate of a port in a .pfx of its own, under a
// password that is used once.
func (h inHand) task(task machine.Task, port Port) (machine.Task, error) {
	bundle, have := h.bundles[port.SHA256]
	if !have {
		return task, fmt.Errorf("the key of the certificate for %s is not at hand", port.called())
	}
	pfx, password, err := pki.WritePFX(bundle, pki.ForArcGIS)
	if err != nil {
		return task, err
	}
	task.PFX, task.PFXPassword = secret.New(string(pfx)), password
	// Without intermediates there is nothing to import beside the leaf, and the
	// entries that ArcGIS would make of a chain are one more thing to clean.
	task.WithChain = len(bundle.Intermediates) > 0
	return task, nil
}

// certificates are the authorities of a plan, each once.
func (p Plan) certificates() []*x509.Certificate {
	var list []*x509.Certificate
	add := func(der []byte) {
		certificate, err := x509.ParseCertificate(der)
		if err == nil && !slices.ContainsFunc(list, certificate.Equal) {
			list = append(list, certificate)
		}
	}
	for _, root := range p.Roots {
		add(root.Data)
	}
	for _, trust := range p.Trusts {
		add(trust.Data)
	}
	return list
}
