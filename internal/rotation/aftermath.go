package rotation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Aftermath is what is to be seen now of a run that has no end. Its process is
// gone, so nobody but the world can tell what it did.
type Aftermath struct {
	RunID string    `json:"run"`
	Began time.Time `json:"began"`
	// Outcome is one of package journal's found ones, "" as long as not enough
	// was looked at to tell.
	Outcome string `json:"outcome"`
	// Sentence says how the run was found as a whole.
	Sentence string `json:"sentence"`
	// Steps are those that were begun and have no end.
	Steps []StepFound `json:"steps"`
}

// StepFound is what is to be seen of a step without an end.
type StepFound struct {
	Index int    `json:"index"`
	Title string `json:"title"`
	// Outcome is one of package journal's found ones for steps.
	Outcome  string `json:"outcome"`
	Sentence string `json:"sentence"`
}

// Aftermath looks in a state for what a run that has no end has left. It holds
// for the last run on the gateway: whatever came after it may have changed more.
func (s State) Aftermath(run journal.Run) Aftermath {
	found := Aftermath{RunID: run.ID, Began: run.StartedAt, Steps: []StepFound{}}
	var kept remembered
	if s.Gateway == nil || json.Unmarshal(run.Before, &kept) != nil || !ofState(run, s) {
		found.Sentence = "what it was to do cannot be read, or is about another deployment"
		return found
	}
	if s.Underway() {
		found.Sentence = "the gateway is still changing"
		return found
	}
	look := s.movesFound(kept.Moves)
	for _, step := range run.Steps {
		if step.Outcome == journal.InDoubt {
			outcome, sentence := s.stepFound(run, step, kept, look)
			found.Steps = append(found.Steps, StepFound{step.Index, step.Title, outcome, sentence})
		}
	}
	found.Outcome, found.Sentence = s.judgeFound(run, found.Steps, look)
	if away := s.Gateway.Away(); len(away) > 0 && found.Outcome != "" {
		found.Outcome = journal.FoundPartly
		found.Sentence += fmt.Sprintf("; %s out of a pool: whatever Cartouche does next puts it back", members(away))
	}
	return found
}

// Underway tells that a change of the gateway has not ended.
func (s State) Underway() bool {
	switch s.Gateway.ProvisioningState() {
	case "Succeeded", "Failed", "Canceled":
		return false
	}
	return true
}

// AwaitGateway waits until no change of a gateway is under way, as long as a
// change may take.
func (r *Runner) AwaitGateway(ctx context.Context, gatewayID string) error {
	ctx, cancel := context.WithTimeout(ctx, r.Patience.withDefaults().Write)
	defer cancel()
	_, err := r.settled(ctx, PhaseObserve, gatewayID)
	return err
}

func members(list []cloud.Member) string {
	if len(list) == 1 {
		return list[0].Address + " is"
	}
	return fmt.Sprintf("%d machines are", len(list))
}

// movesFound is where the listeners of a run point, and what they serve.
type movesFound struct {
	moves, atNew, atOld int
	// servesNew and servesOld tell that every endpoint that answered serves that,
	// and that each listener had one that did.
	servesNew, servesOld bool
	// sentence is about the listener that says most.
	sentence string
}

func (s State) movesFound(moves []Move) movesFound {
	look := movesFound{moves: len(moves), servesNew: len(moves) > 0, servesOld: len(moves) > 0}
	for _, move := range moves {
		listener, exists := s.Gateway.Listener(move.Listener)
		entry := listener.CertificateName
		leaves := s.servedBy(move.Listener)
		renewed, old := s.leafOf(move.To, move.ToLeaf), s.leafOf(move.From, move.FromLeaf)
		is := func(want string) bool {
			return want != "" && len(leaves) > 0 && !slices.ContainsFunc(leaves, func(leaf string) bool { return leaf != want })
		}
		look.servesNew, look.servesOld = look.servesNew && is(renewed), look.servesOld && is(old)
		switch {
		case !exists:
			look.sentence = "there is no listener " + move.Listener + " any more"
		case move.again() && is(renewed), !move.again() && strings.EqualFold(entry, move.To):
			look.atNew++
			look.sentence = cmp.Or(look.sentence, fmt.Sprintf("listener %s points to %s", move.Listener, entry))
		case move.again() && is(old), strings.EqualFold(entry, move.From), move.Back != nil && strings.EqualFold(entry, move.Back.Entry):
			look.atOld++
			look.sentence = cmp.Or(look.sentence, fmt.Sprintf("listener %s points to %s, as before", move.Listener, entry))
		default:
			look.sentence = fmt.Sprintf("listener %s points to %s, which is neither what was there before nor what the run was to bring", move.Listener, entry)
		}
	}
	return look
}

// leafOf is the fingerprint that a move expects, or that its entry tells.
func (s State) leafOf(entry, known string) string {
	if known != "" {
		return known
	}
	if certificate, ok := s.Gateway.Certificate(entry); ok && len(certificate.Chain) > 0 {
		return pki.Fingerprint(certificate.Chain[0])
	}
	return ""
}

// servedBy are the leaves that a listener's endpoints serve by name, each once.
func (s State) servedBy(listener string) []string {
	var leaves []string
	for _, observation := range s.Wire {
		leaf := served(observation)
		if leaf == nil || !spotOf(observation).speaksForName() {
			continue
		}
		its := slices.ContainsFunc(s.ListenersAt(observation), func(l Listener) bool { return strings.EqualFold(l.Name, listener) })
		if its && !contains(leaves, pki.Fingerprint(leaf)) {
			leaves = append(leaves, pki.Fingerprint(leaf))
		}
	}
	return leaves
}

// stepFound says of one step whether it took effect.
func (s State) stepFound(run journal.Run, step journal.Step, kept remembered, look movesFound) (outcome, sentence string) {
	switch StepKind(step.Kind) {
	case StepSwitch:
		return look.towards(look.atNew, look.atOld)
	case "undo":
		if look.moves == 0 {
			return journal.FoundNotDone, "it only looked"
		}
		return look.towards(look.atOld, look.atNew)
	case StepProve:
		return journal.FoundNotDone, "a proof changes nothing; it was not finished"
	case StepStage:
		return s.importFound(run, step)
	case StepTrust:
		return s.trustFound(kept)
	case StepPin:
		return journal.FoundUnknown, "nothing depends on the pinned entries; the same command again refreshes them"
	case StepClean:
		return s.cleanFound(step)
	}
	return journal.FoundUnknown, "this version does not know such a step"
}

// towards is for a write that moves all listeners or none.
func (look movesFound) towards(there, here int) (outcome, sentence string) {
	switch look.moves {
	case there:
		return journal.FoundDone, look.sentence
	case here:
		return journal.FoundNotDone, look.sentence
	}
	return journal.FoundUnknown, look.sentence
}

// importFound asks the versions of a certificate in Key Vault, which tell their
// thumbprint.
func (s State) importFound(run journal.Run, step journal.Step) (outcome, sentence string) {
	var in Import
	var plan struct {
		Certificate pki.Description `json:"certificate"`
	}
	if json.Unmarshal(step.Intent, &in) != nil || json.Unmarshal(run.Plan, &plan) != nil || plan.Certificate.Thumbprint == "" {
		return journal.FoundUnknown, "what was to be imported cannot be read"
	}
	v, asked := s.vaulted(in.newest())
	if !asked || v.Trouble != "" && len(v.Versions) == 0 && !in.New {
		return journal.FoundUnknown, in.InVault.String() + " was not looked at"
	}
	for _, version := range v.Versions {
		if strings.EqualFold(version.Thumbprint, plan.Certificate.Thumbprint) {
			return journal.FoundDone, fmt.Sprintf("%s has it, as version %s", in.InVault, version.Version)
		}
	}
	return journal.FoundNotDone, in.InVault.String() + " does not have it"
}

// trustFound counts the keystores that have what was to be imported. Whether a
// component has restarted since, its keystore does not tell: see pending.go.
func (s State) trustFound(kept remembered) (outcome, sentence string) {
	wanted, have := 0, 0
	for _, at := range kept.Trusting {
		for _, root := range at.Roots {
			wanted++
			if s.keystoreHas(at.Host, at.Port, root) {
				have++
			}
		}
	}
	switch {
	case len(s.Machines) == 0:
		return journal.FoundUnknown, "the machines were not looked at"
	case wanted == 0:
		return journal.FoundUnknown, "it was not to restart anything; what it imported takes nothing away"
	case have == 0:
		return journal.FoundNotDone, "no keystore has what was to be imported"
	case have < wanted:
		return journal.FoundPartly, fmt.Sprintf("%d of %d roots are in the keystores", have, wanted)
	}
	return journal.FoundUnknown, "every keystore has what was to be imported; which components have restarted since, nothing tells: the next run restarts them"
}

func (s State) keystoreHas(host string, port int, sha256 string) bool {
	for _, at := range s.Machines {
		if at.Report == nil || !strings.EqualFold(at.Host, host) {
			continue
		}
		for _, seen := range at.Report.Components {
			if seen.Component.Port != port {
				continue
			}
			for _, entry := range seen.Entries {
				if entry.Trusted && strings.EqualFold(entry.SHA256, sha256) {
					return true
				}
			}
		}
	}
	return false
}

func (s State) cleanFound(step journal.Step) (outcome, sentence string) {
	var entries []string
	if json.Unmarshal(step.Intent, &entries) != nil || len(entries) == 0 {
		return journal.FoundUnknown, "what was to be removed cannot be read"
	}
	var left []string
	for _, name := range entries {
		if _, exists := s.Gateway.Certificate(name); exists {
			left = append(left, name)
		}
	}
	switch len(left) {
	case 0:
		return journal.FoundDone, "the gateway no longer has " + strings.Join(entries, ", ")
	case len(entries):
		return journal.FoundNotDone, "the gateway still has " + strings.Join(entries, ", ")
	}
	return journal.FoundPartly, "the gateway still has " + strings.Join(left, ", ")
}

// judgeFound says how the run as a whole was found. It is one look and no proof,
// and the words say so.
func (s State) judgeFound(run journal.Run, steps []StepFound, look movesFound) (outcome, sentence string) {
	clean, effect := false, ""
	for _, step := range run.Steps {
		did := step.Outcome
		if i := slices.IndexFunc(steps, func(f StepFound) bool { return f.Index == step.Index }); i >= 0 {
			did = steps[i].Outcome
		}
		took := did == "done" || did == journal.FoundDone || did == journal.FoundPartly || did == journal.FoundUnknown
		switch StepKind(step.Kind) {
		case StepClean:
			clean = true
			fallthrough
		case StepTrust, StepStage, StepPin:
			if took && effect == "" {
				effect = step.Title
			}
		}
	}
	wrote := slices.ContainsFunc(run.Steps, func(s journal.Step) bool {
		return s.Kind == string(StepSwitch) && s.Outcome == "done" || s.Kind == "undo"
	})
	failed := ""
	if state := s.Gateway.ProvisioningState(); state != "Succeeded" {
		failed = "; the gateway's last change is " + strings.ToLower(state)
	}
	switch {
	case clean && effect == "":
		return journal.FoundUnchanged, "nothing was removed"
	case clean && len(steps) == 1 && steps[0].Outcome != journal.FoundDone:
		return journal.FoundPartly, "some of it was removed"
	case clean:
		return journal.FoundCleaned, "what it was to remove is gone"
	case look.moves == 0 && effect == "":
		return journal.FoundUnchanged, "it was to move no listener, and nothing of it took effect"
	case look.moves == 0:
		return journal.FoundPartly, "it was to move no listener; this took effect, or may have: " + effect
	case failed != "":
		return journal.FoundPartly, look.sentence + failed
	case look.atNew == look.moves && look.servesNew:
		return journal.FoundVerified, "every endpoint that was asked, once, serves the certificate that the run was to bring"
	case look.atOld == look.moves && look.servesOld && effect != "":
		return journal.FoundPartly, "every endpoint serves what it did before; this took effect, or may have: " + effect
	case look.atOld == look.moves && look.servesOld && wrote:
		return journal.FoundRestored, "every endpoint that was asked, once, serves again what it did before the run"
	case look.atOld == look.moves && look.servesOld:
		return journal.FoundUnchanged, "every endpoint serves what it did before the run"
	case len(s.Wire) == 0 || firstServed(s.Wire) == nil:
		return "", look.sentence + "; what is served could not be seen"
	}
	return journal.FoundPartly, look.sentence + "; not every endpoint serves one and the same certificate of the two"
}
