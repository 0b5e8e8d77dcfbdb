package rollout

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Cleaning is what runs have left behind and nobody presents any more.
type Cleaning struct {
	// Entries are keystore entries: old and unused leafs and authorities.
	Entries []Removal `json:"entries"`
	// Roots are names of the gateway's trusted roots.
	Roots []string `json:"roots"`
	// Returns are machines that a run which was cut off has left out of their pools.
	Returns []cloud.Member `json:"returns,omitempty"`
	// Kept says what stays and why.
	Kept []string `json:"kept,omitempty"`
	// Soaking is what will go later: a run could not be taken back without it.
	Soaking []rotation.Soaking `json:"soaking,omitempty"`
}

// Removal is one keystore entry that goes.
type Removal struct {
	Machine string `json:"machine"`
	Port    int    `json:"port"`
	Alias   string `json:"alias"`
	// SHA256 is what the entry must hold to be removed.
	SHA256 string `json:"sha256,omitempty"`
	// Why says for people what it is.
	Why string `json:"why"`
}

// Nothing tells whether there is nothing to clean.
func (c Cleaning) Nothing() bool { return len(c.Entries)+len(c.Roots)+len(c.Returns) == 0 }

// CleanPlan lists what rollouts have left behind: what kept runs replaced, and
// what this program has made and nothing presents. Entries of other people are
// not its business, nor are those that ArcGIS made itself.
//
// A root goes only when every machine was seen, and what each presents ends
// elsewhere: one that could not be looked at may be the last that needs it.
func CleanPlan(state rotation.State, runs []journal.Run) Cleaning {
	list := Cleaning{Entries: []Removal{}, Roots: []string{}}
	if state.Gateway == nil {
		return list
	}
	list.Returns = state.Gateway.Away()
	state = state.Whole()
	kept := keptRuns(state, runs)
	presented, unseen := presentedChains(state)
	for _, o := range ports(state) {
		if o.HasKeystore() && o.Trouble == "" {
			list.keystore(o, kept, slices.Concat(presented, external(state)), unseen)
		}
	}
	if len(unseen) > 0 {
		list.Kept = append(list.Kept, "trusted roots stay as long as a machine is not seen: "+strings.Join(unseen, ", "))
		return list
	}
	list.gateway(state, kept, presented)
	return list
}

// keptRuns are the memories of runs that were made here and proved.
func keptRuns(state rotation.State, runs []journal.Run) []remembered {
	var list []remembered
	for _, run := range runs {
		memory, ok := remember(run)
		if ok && run.Outcome == string(rotation.Verified) && cloud.SameID(run.GatewayID, state.Gateway.ID()) && strings.EqualFold(run.DeploymentID, state.Deployment.ID) {
			list = append(list, memory)
		}
	}
	return list
}

// presentedChains are what all ports present, and the machines that were not seen.
func presentedChains(state rotation.State) (chains [][][]byte, unseen []string) {
	for _, at := range state.Machines {
		if len(at.Components) > 0 && at.Report == nil {
			unseen = append(unseen, at.Name)
		}
	}
	for _, o := range ports(state) {
		if o.leaf() == "" && !slices.Contains(unseen, o.at.Name) {
			unseen = append(unseen, o.at.Name)
		}
		chains = append(chains, o.Chain)
	}
	return chains, unseen
}

// external are the chains of the gateway's own certificates, as it has and as it
// serves them: Portal and Server verify them with the same keystores.
func external(state rotation.State) (chains [][][]byte) {
	add := func(certificates []*x509.Certificate) {
		var chain [][]byte
		for _, certificate := range certificates {
			chain = append(chain, certificate.Raw)
		}
		chains = append(chains, chain)
	}
	for _, entry := range state.Gateway.Certificates() {
		add(entry.Chain)
	}
	for _, observation := range state.Wire {
		add(observation.Chain)
	}
	return chains
}

// keystore lists what goes of one keystore.
func (c *Cleaning) keystore(o observed, kept []remembered, presented [][][]byte, unseen []string) {
	for _, entry := range o.Entries {
		alias := strings.ToLower(entry.Alias)
		if strings.EqualFold(alias, o.Alias) || isDefault(alias) || entry.Trouble != "" || strings.EqualFold(entry.SHA256, o.leaf()) && !entry.Trusted {
			continue
		}
		why := ""
		match := ours.FindStringSubmatch(alias)
		switch {
		case match == nil:
			if replaced(o, entry, kept) {
				why = "it was replaced by a rollout"
			}
		case !entry.Trusted:
			why = "it was made by a rollout and is not in use"
		case inUse(o, match[1]):
		case len(unseen) > 0:
			c.Kept = append(c.Kept, fmt.Sprintf("%s at %s, port %d, stays as long as a machine is not seen", alias, o.at.Name, o.Component.Port))
		case slices.ContainsFunc(presented, func(chain [][]byte) bool { return issuedBy(chain, entry) }):
		default:
			why = "it is an authority of a rollout, and nobody presents anything of it"
		}
		if why != "" {
			c.Entries = append(c.Entries, Removal{Machine: o.at.Name, Port: o.Component.Port, Alias: alias, SHA256: strings.ToLower(entry.SHA256), Why: why})
		}
	}
}

// inUse tells whether the active entry is of the same rollout.
func inUse(o observed, alias string) bool { return strings.EqualFold(o.Alias, alias) }

// replaced tells whether a kept run replaced an entry and the machine has stayed
// with it.
func replaced(o observed, entry machine.Entry, kept []remembered) bool {
	for _, run := range kept {
		for _, port := range run.Ports {
			if !strings.EqualFold(port.Machine, o.at.Name) || port.Port != o.Component.Port {
				continue
			}
			port = port.asItWent(o)
			if run.Source != Back && port.How == ByAlias &&
				strings.EqualFold(port.BeforeAlias, entry.Alias) && (entry.SHA256 == "" || strings.EqualFold(entry.SHA256, port.Before)) {
				return true
			}
		}
	}
	return false
}

// issuedBy tells whether a chain holds or may end in an entry. Of the entry only
// names and fingerprints are known.
func issuedBy(chain [][]byte, entry machine.Entry) bool {
	for _, der := range chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return true // nothing is removed on what cannot be read
		}
		if strings.EqualFold(pki.Fingerprint(certificate), entry.SHA256) ||
			certificate.Issuer.CommonName != "" && strings.Contains(entry.Subject, certificate.Issuer.CommonName) {
			return true
		}
	}
	return false
}

// endsUnder tells whether a chain is, or ends under, a root.
func endsUnder(chain [][]byte, root *x509.Certificate) bool {
	for _, der := range chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return true // nothing is removed on what cannot be read
		}
		if certificate.Equal(root) || bytes.Equal(certificate.RawIssuer, root.RawSubject) && root.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature) == nil {
			return true
		}
	}
	return false
}

// gateway lists what goes of the gateway's trusted roots: those that rollouts
// added or put another one beside, when no port ends under them, and only from
// settings that keep another and lead to machines that were seen.
func (c *Cleaning) gateway(state rotation.State, kept []remembered, presented [][][]byte) {
	settings := state.Gateway.Settings()
	doomed := []string{}
	for _, root := range state.Gateway.TrustedRoots() {
		name := strings.ToLower(root.Name)
		known := ours.MatchString(name) || slices.ContainsFunc(kept, func(run remembered) bool {
			return run.Source != Back && slices.ContainsFunc(run.OldRoots, func(old string) bool { return strings.EqualFold(old, name) })
		})
		if !known || len(root.Chain) == 0 || slices.ContainsFunc(presented, func(chain [][]byte) bool {
			return slices.ContainsFunc(root.Chain, func(c *x509.Certificate) bool { return endsUnder(chain, c) })
		}) {
			continue
		}
		if foreign := servesOthers(state, settings, root.Name); foreign != "" {
			c.Kept = append(c.Kept, fmt.Sprintf("trusted root %s stays: backend setting %s leads to what was not seen", root.Name, foreign))
			continue
		}
		doomed = append(doomed, root.Name)
	}
	for _, setting := range settings {
		left := slices.DeleteFunc(slices.Clone(setting.Roots), func(name string) bool { return containsFold(doomed, name) })
		if len(left) == 0 && len(setting.Roots) > 0 {
			c.Kept = append(c.Kept, fmt.Sprintf("trusted root %s stays: it is the only one of backend setting %s", setting.Roots[0], setting.Name))
			doomed = slices.DeleteFunc(doomed, func(name string) bool { return containsFold(setting.Roots, name) })
		}
	}
	c.Roots = doomed
}

func containsFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(other string) bool { return strings.EqualFold(other, name) })
}

// servesOthers is a setting that trusts a root and leads somewhere else too than
// to ports of ours that were seen.
func servesOthers(state rotation.State, settings []cloud.BackendSetting, root string) string {
	pools := map[string][]string{}
	for _, pool := range state.Pools() {
		pools[strings.ToLower(pool.Name)] = pool.Addresses
	}
	for _, setting := range settings {
		if !containsFold(setting.Roots, root) {
			continue
		}
		for _, way := range state.Gateway.Routes() {
			if strings.EqualFold(way.Setting, setting.Name) && !allSeen(state, pools[strings.ToLower(way.Pool)], way.Port) {
				return setting.Name
			}
		}
	}
	return ""
}

// allSeen tells whether every member of a pool is a machine of which the port was
// looked at.
func allSeen(state rotation.State, members []string, port int) bool {
	for _, address := range members {
		seen := slices.ContainsFunc(ports(state), func(o observed) bool {
			return o.Component.Port == port && o.leaf() != "" && isMachine(address, o.at.Host, o.at.Name)
		})
		if !seen {
			return false
		}
	}
	return true
}

// Clean removes it and proves that everything serves what it did.
func (r *Runner) Clean(ctx context.Context, cleaning Cleaning, before rotation.State) (Result, error) {
	if blocked := refusals(slices.Concat(before.Obstacles, unready(before))); len(blocked) > 0 {
		return Result{}, &rotation.BlockedError{Obstacles: blocked}
	}
	plan := newPlan(before, "", r.now())
	plan.Steps = []Step{{Kind: StepClean, Title: "remove what nobody presents any more", Restarts: []string{}}}
	run := r.newRun(inHand{plan: plan}, before)
	var err error
	if run.memory, err = r.begin(ctx, plan, remembered{Kind: cleaned}, before); err != nil {
		return Result{}, err
	}
	run.result.RunID = run.memory.runID
	err = run.putBack(ctx, rotation.PhaseClean)
	if err == nil {
		err = run.cleanEntries(ctx, cleaning.Entries)
	}
	if err == nil {
		err = run.cleanRoots(ctx, cleaning.Roots)
	}
	if err != nil {
		run.failed(err)
	}
	run.result.Interrupted = errors.Is(ctx.Err(), context.Canceled)
	proof := r.Rotation.ProveUnchanged(context.WithoutCancel(ctx), rotation.PhaseProve, before)
	run.memory.evidence("proof that clients are served as before", proof)
	switch unproved := proof.Err(); {
	case err == nil && unproved == nil:
		run.result.Outcome = rotation.Cleaned
	case unproved == nil && len(run.result.Removed) == 0 && run.result.GatewayWrites == 0:
		run.result.Outcome = rotation.Unchanged
	case unproved == nil:
		run.result.Outcome = rotation.Restored // clients are served as before; removing is simply not finished
	default:
		if err == nil {
			run.result.Failure = unproved.Error()
		}
		run.result.Outcome = rotation.NotKnown
		if run.result.NotRestored, run.result.Unknown = proof.Differences(before); len(run.result.NotRestored) > 0 {
			run.result.Outcome = rotation.PartlyRestored
		}
	}
	run.end()
	return run.result, nil
}

func (r *run) cleanEntries(ctx context.Context, entries []Removal) error {
	var work []preparation
	for _, entry := range entries {
		task := machine.Task{Kind: machine.Remove, Port: entry.Port, Alias: entry.Alias, Expect: entry.SHA256}
		if i := slices.IndexFunc(work, func(p preparation) bool { return strings.EqualFold(p.machine, entry.Machine) }); i >= 0 {
			work[i].tasks = append(work[i].tasks, task)
		} else {
			work = append(work, preparation{entry.Machine, []machine.Task{task}})
		}
	}
	if len(work) == 0 {
		return nil
	}
	r.tell(rotation.PhaseClean, fmt.Sprintf("removing %d entries from %s", len(entries), machines(len(work))))
	return r.memory.step(StepClean, "remove unused entries", intents(work), func() (any, error) {
		var results []machine.TaskResult
		var first error
		for _, one := range r.sideBySide(ctx, rotation.PhaseClean, work) {
			for _, task := range one.report.Tasks {
				if task.State == machine.TaskDone {
					r.result.Removed = append(r.result.Removed, fmt.Sprintf("%s at %s, port %d", task.Alias, one.machine, task.Port))
				}
			}
			results = append(results, one.report.Tasks...)
			if first == nil {
				first = one.err
			}
		}
		return results, first
	})
}

func (r *run) cleanRoots(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if err := r.stillPresented(ctx); err != nil {
		return err
	}
	r.tell(rotation.PhaseClean, "writing to the gateway: without trusted root "+strings.Join(names, ", "))
	return r.memory.step(StepClean, "remove unused trusted roots", names, func() (any, error) {
		done, err := r.Rotation.EditGateway(ctx, rotation.PhaseClean, r.plan.GatewayID, func(gateway *cloud.Gateway) (cloud.Document, error) {
			if !slices.ContainsFunc(names, func(name string) bool { _, there := gateway.TrustedRoot(name); return there }) {
				return nil, rotation.ErrNothingToEdit
			}
			return gateway.WithoutTrustedRoots(names)
		})
		r.wrote(done)
		if err == nil {
			for _, name := range names {
				r.result.Removed = append(r.result.Removed, "trusted root "+name)
			}
		}
		return done.Operations, err
	})
}

// stillPresented looks at every machine once more before the gateway stops
// trusting anything: a run from elsewhere may have given one a certificate under
// a root that nobody presented before.
func (r *run) stillPresented(ctx context.Context) error {
	var work []preparation
	for _, at := range r.before.Machines {
		if len(at.Components) > 0 {
			work = append(work, preparation{machine: at.Name})
		}
	}
	for _, one := range r.sideBySide(ctx, rotation.PhaseClean, work) {
		if err := cmp.Or(one.err, r.meanwhile(one.report, one.machine)); err != nil {
			return err
		}
	}
	return nil
}
