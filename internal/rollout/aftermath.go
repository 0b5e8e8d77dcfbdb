package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Aftermath looks in a state for what a run of this package that has no end has
// left. It holds for the last run on the gateway.
func Aftermath(state rotation.State, run journal.Run) rotation.Aftermath {
	found := rotation.Aftermath{RunID: run.ID, Began: run.StartedAt, Steps: []rotation.StepFound{}}
	kept := recall(run)
	switch {
	case !Made(run) || state.Gateway == nil || !cloud.SameID(run.GatewayID, state.Gateway.ID()) || !strings.EqualFold(run.DeploymentID, state.Deployment.ID):
		found.Sentence = "what it was to do cannot be read, or is about another deployment"
		return found
	case state.Underway():
		found.Sentence = "the gateway is still changing"
		return found
	}
	for _, step := range run.Steps {
		if step.Outcome == journal.InDoubt {
			outcome, sentence := stepFound(state, step, kept)
			found.Steps = append(found.Steps, rotation.StepFound{Index: step.Index, Title: step.Title, Outcome: outcome, Sentence: sentence})
		}
	}
	found.Outcome, found.Sentence = judgeFound(state, run, kept)
	if away := state.Gateway.Away(); len(away) > 0 && found.Outcome != "" {
		found.Outcome = journal.FoundPartly
		found.Sentence += "; a machine is out of its pools: whatever Cartouche does next puts it back"
	}
	return found
}

// at is how a port was found.
type at int

const (
	unseen at = iota
	atNew
	atOld
	elsewhere
)

// where tells what a port serves: the run's certificate, what was served before
// it, or what somebody else gave it.
func where(state rotation.State, port Port) at {
	o, there := find(state, port.Machine, port.Port)
	leaf := o.leaf()
	switch {
	case !there || leaf == "":
		return unseen
	case port.SHA256 != "" && leaf == port.SHA256:
		return atNew
	case leaf == port.Before:
		return atOld
	}
	return elsewhere
}

// stepFound says of one step whether it took effect.
func stepFound(state rotation.State, step journal.Step, kept remembered) (outcome, sentence string) {
	switch StepKind(step.Kind) {
	case StepRoots:
		n := 0
		for _, root := range kept.Roots {
			if trustsIn(state.Gateway, root) {
				n++
			}
		}
		return share(n, len(kept.Roots), "of the new roots are trusted by the gateway")
	case StepPrepare:
		return prepareFound(state, kept)
	case StepSwitch:
		var ports []Port
		if json.Unmarshal(step.Intent, &ports) != nil || len(ports) == 0 {
			return journal.FoundUnknown, "which ports it was to change cannot be read"
		}
		return portFound(state, ports[0], atNew)
	case StepUndo:
		for _, port := range kept.Ports {
			if port.Product.Name()+" on "+port.Machine == step.Title {
				return portFound(state, port, atOld)
			}
		}
	case StepProve:
		return journal.FoundNotDone, "a proof changes nothing; it was not finished"
	case StepClean:
		return journal.FoundUnknown, "the same command again removes what is left"
	}
	return journal.FoundUnknown, "nothing tells"
}

func portFound(state rotation.State, port Port, wanted at) (outcome, sentence string) {
	switch seen := where(state, port); seen {
	case unseen:
		return journal.FoundUnknown, port.called() + " was not seen"
	case elsewhere:
		return journal.FoundUnknown, port.called() + " serves neither the certificate from before nor the new one"
	case atNew, atOld:
		outcome = journal.FoundNotDone
		if seen == wanted {
			outcome = journal.FoundDone
		}
		if seen == atNew {
			return outcome, port.called() + " serves the new certificate"
		}
	}
	return outcome, port.called() + " serves the certificate from before"
}

// prepareFound counts the keystores that have the new entry.
func prepareFound(state rotation.State, kept remembered) (outcome, sentence string) {
	n, of := 0, 0
	for _, port := range kept.Ports {
		if port.How != ByAlias || port.Served {
			continue
		}
		of++
		o, there := find(state, port.Machine, port.Port)
		if !there || !o.HasKeystore() || o.Trouble != "" {
			return journal.FoundUnknown, "the keystore of " + port.called() + " was not read"
		}
		if _, has := o.entry(port.Alias); has {
			n++
		}
	}
	if of == 0 {
		return journal.FoundUnknown, "it was to install nothing; what it trusts takes nothing away"
	}
	return share(n, of, "of the keystores have the new entry "+kept.Alias)
}

// share is for what is done in several places.
func share(n, of int, what string) (outcome, sentence string) {
	outcome = journal.FoundPartly
	switch n {
	case 0:
		outcome = journal.FoundNotDone
	case of:
		outcome = journal.FoundDone
	}
	return outcome, fmt.Sprintf("%d of %d %s", n, of, what)
}

// judgeFound says how the run as a whole was found. It is one look and no proof.
func judgeFound(state rotation.State, run journal.Run, kept remembered) (outcome, sentence string) {
	if slices.ContainsFunc(run.Steps, func(s journal.Step) bool { return s.Kind == string(StepClean) }) {
		return journal.FoundPartly, "it was removing what runs have left; the same command again removes the rest"
	}
	counts, all := map[at]int{}, 0
	for _, port := range kept.Ports {
		if port.Served { // before the run already
			continue
		}
		all++
		counts[where(state, port)]++
	}
	switched := slices.ContainsFunc(run.Steps, func(s journal.Step) bool { return s.Kind == string(StepSwitch) })
	text := fmt.Sprintf("%d of %d ports serve the new certificate, %d that from before", counts[atNew], all, counts[atOld])
	if counts[elsewhere] > 0 {
		text += fmt.Sprintf(", %d another one", counts[elsewhere])
	}
	switch {
	case all == 0 && len(run.Steps) == 0:
		return journal.FoundUnchanged, "it was to change no port"
	case counts[unseen] > 0:
		return "", fmt.Sprintf("%d of %d ports could not be seen from here", counts[unseen], all)
	case counts[atNew] == all && all > 0:
		return journal.FoundVerified, text + "; each was asked once"
	case counts[atOld] == all && switched:
		return journal.FoundRestored, text + "; each was asked once"
	case counts[atOld] == all && len(run.Steps) == 0:
		return journal.FoundUnchanged, text
	}
	return journal.FoundPartly, text
}
