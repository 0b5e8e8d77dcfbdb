package web

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// runDifference is something that is not as before, with where it is mended.
type runDifference struct {
	rotation.Difference
	Link, LinkText string
}

// runProof is a proof in figures.
type runProof struct {
	OK                bool
	Looks, Handshakes int
	Up, Backends      int
	Federated         int
	Failures          []string
	Endpoints         []runEndpoint
}

type runEndpoint struct {
	Target, Address, ServerName, Leaf, Failure string
	At                                         time.Time
}

// result takes over what came of the run.
func (v *runView) result(run journal.Run) {
	switch {
	case len(run.Summary) == 0:
	case journal.WasFound(run.Outcome):
		var found rotation.Aftermath
		if json.Unmarshal(run.Summary, &found) == nil {
			v.Found = &found
		}
	case v.Purpose.AtMachines:
		var r rollout.Result
		if json.Unmarshal(run.Summary, &r) != nil {
			return
		}
		v.Failure, v.Hint, v.Unclaimed, v.Stays, v.Removed, v.Soaking = r.Failure, r.Hint, r.Unclaimed, r.Left, r.Removed, r.Soaking
		v.stopped(r.Interrupted, r.Outcome)
		v.Machines, v.Operations, v.GatewayWrites, v.Restarts = r.Machines, r.Operations, r.GatewayWrites, r.Restarts
		v.NotRestored, v.Unknown = v.mending(r.NotRestored), v.mending(r.Unknown)
	default:
		var r rotation.Result
		if json.Unmarshal(run.Summary, &r) != nil {
			return
		}
		v.Failure, v.Hint, v.Unclaimed, v.Stays, v.Removed, v.Soaking = r.Failure, r.Hint, r.Unclaimed, r.Left, r.Removed, r.Soaking
		v.stopped(r.Interrupted, r.Outcome)
		v.Operations, v.GatewayWrites, v.Restarts = r.Operations, r.GatewayWrites, r.Restarts
		v.NotRestored, v.Unknown = v.mending(r.NotRestored), v.mending(r.Unknown)
		v.Proof = proofOf(r.Proof)
	}
}

// stopped says of a run that was asked to stop, and did as its page had said, that
// it has not failed.
func (v *runView) stopped(asked bool, outcome rotation.Outcome) {
	switch {
	case asked && outcome == rotation.Restored:
		v.Sentence, v.Failure = "The run was stopped, as asked. What was served before is back, and that was proved.", ""
	case asked && outcome == rotation.Unchanged:
		v.Sentence, v.Failure = "The run was stopped, as asked, before anything was changed.", ""
	}
}

// mending says for each difference which page does what its command does, once for
// those that stand below one another and are mended by the same.
func (v *runView) mending(list []rotation.Difference) []runDifference {
	var out []runDifference
	for _, d := range list {
		one := runDifference{Difference: d}
		verb, rest, _ := strings.Cut(strings.TrimPrefix(d.Next, "cartouche "), " ")
		switch verb {
		case "undo":
			one.Link, one.LinkText = "/runs/"+pathSegment(rest)+"/undo", "Go back once more"
		case "verify", "show":
			one.Link, one.LinkText = "/deployments/"+v.DeploymentID, "Look at the deployment"
		case "clean":
			one.Link, one.LinkText = "/deployments/"+v.DeploymentID+"/clean", "Clean up"
			if strings.Contains(rest, "--internal") {
				one.Link += "/machines"
			}
		}
		if n := len(out); n > 0 && out[n-1].Next == one.Next {
			out[n-1].Next, out[n-1].Link = "", ""
		}
		out = append(out, one)
	}
	return out
}

// pathSegment is the first word of a text, if it is safe in a path.
func pathSegment(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if strings.ContainsFunc(word, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'f') }) {
		return "unknown"
	}
	return word
}

func proofOf(proof *rotation.Proof) *runProof {
	if proof == nil {
		return nil
	}
	p := &runProof{
		OK: proof.OK, Looks: proof.Looks, Handshakes: proof.Handshakes, Backends: len(proof.Backends),
		Federated: len(proof.Sites.Federation), Failures: proof.Failures,
	}
	for _, backend := range proof.Backends {
		if backend.Up() {
			p.Up++
		}
	}
	for _, seen := range proof.Wire {
		p.Endpoints = append(p.Endpoints, endpointOf(seen))
	}
	return p
}

func endpointOf(seen handshake.Observation) runEndpoint {
	one := runEndpoint{Target: seen.Target, Address: seen.Address, ServerName: seen.ServerName, Failure: seen.Failure, At: seen.At}
	if leaf := seen.Leaf(); leaf != nil {
		one.Leaf = pki.Fingerprint(leaf)
	}
	return one
}
