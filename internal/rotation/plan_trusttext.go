package rotation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// trust is what the order "trust before use" comes to for an external
// certificate: Portal and Server verify each other through the gateway, so they
// must know the root before it is served.
func trust(state State, judgement pki.Judgement, goal Goal, v vouching) string {
	return chainTrust(state, judgement, goal, v) + pinTrust(state, v)
}

func chainTrust(state State, judgement pki.Judgement, goal Goal, v vouching) string {
	root := "its root"
	if len(judgement.Chain) > 0 {
		root = fmt.Sprintf("%q", pki.Describe(judgement.Chain[len(judgement.Chain)-1]).Subject)
	}
	switch {
	case state.Way == reach.DSC:
		return fmt.Sprintf("Cloud Builder's DSC puts the leaf itself into the keystore of every machine (%s), and restarts each for that, one after another", inWords(restarting(v.needs)))
	case len(v.needs) > 0:
		return fmt.Sprintf("the chain ends in %s, which the keystores of %s do not know: it is imported there before it is served, and %s, one after another, because Java reads its trust store only when it starts",
			root, inWords(needing(v.needs)), restartWords(v.needs))
	case len(v.roots) > 0:
		return fmt.Sprintf("the chain ends in %s, which is in the keystores of all that verify it (%d): nothing is imported, and no machine restarts", root, v.held)
	case judgement.RootKnown:
		return fmt.Sprintf("the chain ends in %s, which Portal and Server know already: nothing is imported on any machine, so none restarts", root)
	case judgement.Findings.Has("chain-not-seen") && judgement.Findings.Has("chain-incomplete"):
		return "the root is not seen from here; the federation of Portal proves that it is known"
	case goal.AssumeTrusted:
		return "the root is not known here; it is assumed that Portal and Server know it (--assume-trusted), and their federation proves it"
	}
	return "nothing says that Portal and Server know the root of this chain"
}

// pinTrust says what becomes of the entries in which Cloud Builder pins the leaf.
func pinTrust(state State, v vouching) string {
	switch {
	case state.Way == "":
		return "; the machines were not looked at, so a pinned entry " + pinnedAlias + " stays as it is"
	case len(v.pins) > 0:
		var names []string
		for _, pin := range v.pins {
			if !slices.Contains(names, pin.Machine) {
				names = append(names, pin.Machine)
			}
		}
		return fmt.Sprintf("; the pinned entry %s of %s is refreshed after the proof, without a restart", pinnedAlias, inWords(names))
	}
	return ""
}

// undoTrust says of the machines what going back leaves.
func undoTrust(state State, kept remembered) string {
	switch {
	case len(kept.Pinned) == 0:
		return ""
	case state.Way == "":
		return "the machines were not looked at, so the pinned entries " + pinnedAlias + " keep the certificate that is taken back; nothing depends on them where the chain of the old one is trusted"
	}
	return "the pinned entries " + pinnedAlias + " get the certificate from before again, after the proof, without a restart"
}

// needing are the components that get something.
func needing(needs []Trusting) []string {
	var names []string
	for _, need := range needs {
		names = append(names, fmt.Sprintf("%s (%s)", need.Machine, need.Product.Name()))
	}
	return names
}

func restartWords(needs []Trusting) string {
	names := restarting(needs)
	if len(names) == 1 {
		return names[0] + " restarts"
	}
	return "all of them restart"
}

// trustStep says what is imported where and who restarts.
func trustStep(plan Plan) Step {
	step := Step{
		Kind:     StepTrust,
		Title:    "make Portal and Server accept the new certificate before it is served",
		Changes:  []string{},
		Restarts: restarting(plan.Trusting),
		Undo:     "what was imported stays in the keystores: it takes nothing away",
	}
	if plan.Way == reach.DSC {
		step.Title, step.Undo = "put the new leaf into every machine's keystore by its DSC extension", "run it again with the old certificate: every machine restarts once more"
	}
	for _, need := range plan.Trusting {
		var names []string
		for _, authority := range need.Imports {
			names = append(names, fmt.Sprintf("%s as %s", authority.Subject, authority.Alias))
		}
		what := "import " + strings.Join(names, ", then ")
		if len(names) == 0 {
			what = "imported by an earlier run"
		}
		if need.Restarts {
			what += ", and restart"
			if len(need.Away) > 0 {
				what += fmt.Sprintf(", out of %s meanwhile", Leaves(need.Away))
			}
			if need.Alone { // as long as most restarts have been seen to take; DSC waits up to 180 s and 360 s
				what += fmt.Sprintf("; it is the only one of site %q: nobody can use it while it restarts, one to three minutes as a rule", need.Site)
			}
		}
		step.Changes = append(step.Changes, fmt.Sprintf("%s on %s: %s", need.Product.Name(), need.Machine, what))
	}
	return step
}

// pinStep says which pinned entries are refreshed.
func pinStep(plan Plan) Step {
	step := Step{
		Kind:     StepPin,
		Title:    "refresh the pinned entry " + pinnedAlias + ", without a restart",
		Changes:  []string{},
		Restarts: []string{},
		Undo:     "cartouche undo puts the certificate from before into it again",
	}
	for _, pin := range plan.Pinned {
		step.Changes = append(step.Changes, fmt.Sprintf("%s on %s: %s… -> %s…", pin.Product.Name(), pin.Machine, short(pin.Holds), short(pin.SHA256)))
	}
	return step
}

func short(fingerprint string) string {
	return fingerprint[:min(16, len(fingerprint))]
}
