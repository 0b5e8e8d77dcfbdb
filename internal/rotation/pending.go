package rotation

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// A keystore shows what was imported and not whether the component has
// restarted since, on which it depends whether it counts. Only the journal
// knows of a run that ended between the two.

// unrestarted is a root in the keystore of a component that is not known to
// have restarted since.
type unrestarted struct {
	host string
	port int
	root string
}

// maxRunsAsked is how many runs are looked through, newest first.
const maxRunsAsked = 20

// pendingRestarts are what runs of a deployment have imported and did not come
// to restart. A journal that cannot be read says nothing; then the proof shows.
func (r *Runner) pendingRestarts(ctx context.Context, deploymentID string) []unrestarted {
	if r.Journal == nil {
		return nil
	}
	runs, err := r.Journal.Runs(ctx, deploymentID, maxRunsAsked)
	if err != nil {
		return nil
	}
	var pending []unrestarted
	settled := map[unrestarted]bool{}
	for _, run := range runs {
		var kept remembered
		if json.Unmarshal(run.Before, &kept) != nil || len(kept.Trusting) == 0 {
			continue
		}
		whole, err := r.Journal.Run(ctx, run.ID)
		if err != nil {
			continue
		}
		for _, step := range whole.Steps {
			if step.Kind != string(StepTrust) {
				continue
			}
			var done []MachineDone
			_ = json.Unmarshal(step.Result, &done) // of a step that never ended there is none
			for _, need := range kept.Trusting {
				for _, root := range need.Roots {
					at := unrestarted{need.Host, need.Port, root}
					if step.Outcome == "done" || hasRestarted(done, need.Host, need.Port) {
						settled[at] = true
					} else if !settled[at] && !slices.Contains(pending, at) {
						pending = append(pending, at)
					}
				}
			}
		}
	}
	return pending
}

func hasRestarted(done []MachineDone, host string, port int) bool {
	return slices.ContainsFunc(done, func(d MachineDone) bool {
		return d.Host == host && slices.ContainsFunc(d.Tasks, func(t machine.TaskResult) bool {
			return t.Kind == machine.Restart && t.Port == port && t.State == machine.TaskDone
		})
	})
}

// restartPending tells whether a component has a root in its keystore that it
// has not read.
func (s State) restartPending(host string, port int, root *x509.Certificate) bool {
	return slices.Contains(s.pending, unrestarted{host, port, pki.Fingerprint(root)})
}

// trustedAt is what the journal remembers of a keystore.
type trustedAt struct {
	Host  string   `json:"host"`
	Port  int      `json:"port"`
	Roots []string `json:"roots"`
}

// trusting are the keystores whose components are to restart for what is, or
// was, imported into them.
func (p Plan) trusting() []trustedAt {
	var list []trustedAt
	for _, need := range p.Trusting {
		if !need.Restarts {
			continue
		}
		at := trustedAt{Host: need.Host, Port: need.Port, Roots: p.Vouched}
		for _, authority := range need.Imports {
			if !slices.Contains(at.Roots, strings.ToLower(authority.SHA256)) {
				at.Roots = append(slices.Clone(at.Roots), authority.SHA256)
			}
		}
		list = append(list, at)
	}
	return list
}
