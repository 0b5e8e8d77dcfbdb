package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Proof is what was seen after a change, and whether it is what was wanted.
type Proof struct {
	OK bool `json:"ok"`
	// Failures say what is not as wanted, one sentence each.
	Failures []string                `json:"failures,omitempty"`
	Wire     []handshake.Observation `json:"wire"`
	Backends []cloud.BackendServer   `json:"backends"`
	Sites    Sites                   `json:"sites"`
	// Looks counts the rounds of handshakes that were made, Handshakes those of
	// each round that the proof rests on: an endpoint that could not be reached
	// before is looked at and proves nothing.
	Looks      int `json:"looks"`
	Handshakes int `json:"handshakes"`
	// Expected are those handshakes, each with the leaf that was wanted: so
	// anybody can hold Wire against it again.
	Expected []Expected `json:"expected,omitempty"`
	// lacks are the Failures, taken apart.
	lacks []lack
}

// Expected is what an endpoint was to serve.
type Expected struct {
	Target     string `json:"target"`
	Address    string `json:"address,omitempty"`
	ServerName string `json:"serverName"`
	// Leaves are fingerprints: the wanted one, and those that are as good where
	// nobody can tell which listener answers.
	Leaves []string `json:"leaves"`
}

// list is the expectation for others to read, in a fixed order.
func (e expectation) list() []Expected {
	var list []Expected
	for at, want := range e {
		list = append(list, Expected{at.target, at.address, at.serverName, append([]string{want.leaf}, want.also...)})
	}
	slices.SortFunc(list, func(a, b Expected) int {
		return cmp.Or(strings.Compare(a.Target, b.Target), strings.Compare(a.Address, b.Address), strings.Compare(a.ServerName, b.ServerName))
	})
	return list
}

// errNothingProvable says that no endpoint could be reached even before.
var errNothingProvable = errors.New("no endpoint could be reached, so nothing can be proved")

// proveWire looks at every endpoint until all of them serve the expected leaf
// several times in a row, or until something is served that is neither the old
// nor the new leaf, or until patience ends.
func (r *Runner) proveWire(ctx context.Context, phase Phase, listeners []Listener, expected expectation) (wire []handshake.Observation, looks int, failures []lack) {
	if !expected.provable() {
		return nil, 0, []lack{unproved(errNothingProvable.Error())}
	}
	patience := r.Patience.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, patience.Proof)
	defer cancel()
	targets := expected.worthALook(targetsOf(listeners))
	good, foreign := 0, 0
	for {
		wire = r.lookAt(ctx, targets)
		looks++
		var strangers []lack
		failures, strangers = compare(wire, expected)
		if len(failures) == 0 {
			good++
			r.tellWaiting(phase, fmt.Sprintf("%d handshakes in look %d, all as expected (%d of %d in a row)", len(expected), looks, good, patience.Rounds))
			if good >= patience.Rounds {
				return wire, looks, nil
			}
		} else {
			good = 0
			r.tellWaiting(phase, fmt.Sprintf("look %d: %s", looks, failures[0]))
		}
		// A leaf that is neither old nor new will not become right by waiting;
		// seeing it twice rules out a glitch of one connection.
		if len(strangers) > 0 {
			if foreign++; foreign >= 2 {
				return wire, looks, strangers
			}
		}
		if pause.For(ctx, patience.Interval) != nil {
			if len(failures) == 0 {
				failures = []lack{unproved(fmt.Sprintf("the endpoints served the expected certificate only %d times in a row, %d were wanted", good, patience.Rounds))}
			}
			return wire, looks, failures
		}
	}
}

// compare gives what is not (yet) as expected, and apart from it what is
// neither the old nor the new leaf.
func compare(wire []handshake.Observation, expected expectation) (failures, strangers []lack) {
	seen := map[spot]bool{}
	for _, observation := range wire {
		want, asked := expected[spotOf(observation)]
		if !asked {
			continue
		}
		seen[spotOf(observation)] = true
		leaf := served(observation)
		if leaf == nil {
			failures = append(failures, unseen(place(observation), "does not answer: "+observation.Failure, want.before()))
			continue
		}
		switch got := pki.Fingerprint(leaf); {
		case want.is(got):
		case got == want.meanwhile:
			failures = append(failures, differs(place(observation), "still serves the other certificate", want.before()))
		default:
			stranger := differs(place(observation), fmt.Sprintf("serves %s (%s…), which is neither the old nor the new certificate",
				pki.Describe(leaf).Subject, got[:16]), want.before())
			failures = append(failures, stranger)
			strangers = append(strangers, stranger)
		}
	}
	for at := range expected {
		if !seen[at] {
			failures = append(failures, unseen(fmt.Sprintf("%s (%s)", at.target, at.address), "was not looked at again", expected[at].before()))
		}
	}
	slices.SortFunc(failures, func(a, b lack) int { return strings.Compare(a.sentence, b.sentence) })
	return failures, strangers
}

// claim is what is to be proved.
type claim struct {
	phase    Phase
	before   State
	moves    []Move // that the run has made, even if they were taken back
	expected expectation
	judge    wireJudge
}

// pins are the leaves to which a password may be sent: those that Azure says
// the gateway has, and those that the run gave it. What an endpoint served does
// not make it one of them.
func (c claim) pins() []string {
	leaves := c.before.leaves()
	for _, move := range c.moves {
		leaves = append(leaves, move.ToLeaf)
	}
	return leaves
}

// prove looks at everything that the plan promised to prove. The leaf alone
// decides the handshakes of a restored certificate; a new one must also be
// complete and valid for the names, as the judge says.
func (r *Runner) prove(ctx context.Context, c claim) Proof {
	phase := c.phase
	proof := Proof{Handshakes: len(c.expected), Expected: c.expected.list()}
	var lacks []lack
	proof.Wire, proof.Looks, lacks = r.proveWire(ctx, phase, c.before.Listeners, c.expected)
	if proof.lacking(lacks); len(lacks) > 0 {
		return proof // what follows could only repeat it
	}
	r.tell(phase, fmt.Sprintf("%d handshakes in each of %d looks, all with the expected certificate", proof.Handshakes, proof.Looks))
	for _, finding := range c.judge(proof.Wire) {
		if finding.Severity == pki.Refusal {
			lacks = append(lacks, lack{Difference: Difference{What: "what endpoints send", Now: finding.Sentence}, sentence: finding.Sentence})
		}
	}
	if proof.lacking(lacks); len(lacks) > 0 {
		return proof
	}
	r.proveHealth(ctx, c, &proof)
	proof.OK = len(proof.Failures) == 0 && ctx.Err() == nil
	return proof
}

// proveHealth compares the health of backends and sites with before: what was
// well must be well again. It asks a few times, since a probe or a validation
// may catch a bad moment.
func (r *Runner) proveHealth(ctx context.Context, c claim, proof *Proof) {
	phase, before, leaves := c.phase, c.before, c.pins()
	patience := r.Patience.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, patience.Proof)
	defer cancel()
	for attempt := range 4 {
		if attempt > 0 && pause.For(ctx, patience.Interval) != nil {
			break
		}
		var lacks []lack
		backends, err := r.Azure.BackendHealth(ctx, before.Deployment.GatewayID)
		switch {
		case err == nil:
			proof.Backends = before.ownBackends(backends)
			lacks = append(lacks, worseBackends(before.Backends, proof.Backends)...)
		case len(before.Backends) > 0: // of their health nothing is known, neither good nor bad
			lacks = append(lacks, unseen("the health of the backends", fmt.Sprintf("could not be read: %v", err), fmt.Sprintf("%d of %d up", up(before.Backends), len(before.Backends))))
		}
		proof.Sites = r.observeSites(ctx, before.Deployment, leaves)
		lacks = append(lacks, worseSites(before.Sites, proof.Sites)...)
		if proof.lacking(lacks); len(lacks) == 0 {
			r.tell(phase, healthSentence(*proof))
			return
		}
		r.tellWaiting(phase, proof.Failures[0])
	}
}

// worseBackends lists the backends that were up before and are not now. One of
// which nothing is said any more has not been seen to be up.
func worseBackends(before, after []cloud.BackendServer) []lack {
	var worse []lack
	for _, was := range before {
		if !was.Up() {
			continue
		}
		is := cloud.BackendServer{Health: "not listed any more"}
		for _, server := range after {
			if server.Pool == was.Pool && server.Setting == was.Setting && server.Address == was.Address {
				is = server
			}
		}
		if !is.Up() {
			what := fmt.Sprintf("backend %s of %s", was.Address, was.Pool)
			now := strings.TrimSuffix(is.Health+": "+is.Log, ": ")
			worse = append(worse, lack{
				Difference: Difference{What: what, Now: now, Was: was.Health}, sentence: what + " was up and is " + now,
				unseen: strings.EqualFold(is.Health, "Unknown"), // the probes have not spoken
			})
		}
	}
	return worse
}

// validationRank orders Portal's judgements of a federated server.
var validationRank = map[string]int{arcgis.Success: 3, arcgis.WithWarnings: 2, arcgis.Undetermined: 1, arcgis.Failure: 0}

// worseSites lists what Portal and Server could do before and cannot now.
func worseSites(before, after Sites) []lack {
	var worse []lack
	if before.ServerTrouble == "" && after.ServerTrouble != "" {
		worse = append(worse, ill("ArcGIS Server", after.ServerTrouble, after.serverUnseen))
	}
	if before.PortalTrouble == "" && after.PortalTrouble != "" {
		worse = append(worse, ill("Portal", after.PortalTrouble, after.portalUnseen))
	}
	if before.SignedIn && !after.SignedIn {
		if len(worse) > 0 && after.PortalTrouble != "" && before.PortalTrouble == "" {
			return worse // that Portal is ill says it already
		}
		return append(worse, lack{
			Difference: Difference{What: "the site administrator's sign-in to Portal", Now: "not accepted any more", Was: "accepted"},
			sentence:   "the site administrator can no longer sign in to Portal", unseen: after.portalUnseen,
		})
	}
	now := map[string]FederationResult{}
	for _, result := range after.Federation {
		now[result.Server.ID] = result
	}
	for _, was := range before.Federation {
		is, listed := now[was.Server.ID]
		if !listed || validationRank[is.Validation.Status] < validationRank[was.Validation.Status] {
			why := strings.TrimSpace(strings.Join(append(is.Validation.Messages, is.Trouble), " "))
			worse = append(worse, lack{
				Difference: Difference{
					What: "Portal's validation of the federated server " + was.Server.Name,
					Now:  fmt.Sprintf("%q: %s", is.Validation.Status, why), Was: fmt.Sprintf("%q", was.Validation.Status),
				},
				sentence: fmt.Sprintf("Portal validated the federated server %s as %q before and now as %q: %s", was.Server.Name, was.Validation.Status, is.Validation.Status, why),
				unseen:   is.Trouble != "" || after.portalUnseen,
			})
		}
	}
	return worse
}

func ill(what, now string, unseen bool) lack {
	return lack{Difference: Difference{What: what, Now: now, Was: "healthy"}, sentence: what + " was healthy and is not: " + now, unseen: unseen}
}

func differs(what, now, was string) lack {
	return lack{Difference: Difference{What: what, Now: now, Was: was}, sentence: what + " " + now}
}

// unseen is a lack of which nobody could see anything.
func unseen(what, now, was string) lack {
	l := differs(what, now, was)
	l.unseen = true
	return l
}

func unproved(why string) lack {
	return lack{Difference: Difference{What: "the endpoints", Now: why}, sentence: why, unseen: true}
}

func up(servers []cloud.BackendServer) (n int) {
	for _, server := range servers {
		if server.Up() {
			n++
		}
	}
	return n
}

func healthSentence(proof Proof) string {
	sentence := fmt.Sprintf("%d of %d backends up", up(proof.Backends), len(proof.Backends))
	if proof.Sites.ServerURL != "" && proof.Sites.ServerTrouble == "" {
		sentence += ", Server healthy"
	}
	if proof.Sites.PortalURL != "" && proof.Sites.PortalTrouble == "" {
		sentence += ", Portal healthy"
	}
	if len(proof.Sites.Federation) > 0 {
		sentence += fmt.Sprintf(", federation validated (%d)", len(proof.Sites.Federation))
	}
	return sentence
}
