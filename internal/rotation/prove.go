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
func (r *Runner) proveWire(ctx context.Context, phase Phase, listeners []Listener, expected expectation) (wire []handshake.Observation, looks int, failures []string) {
	if !expected.provable() {
		return nil, 0, []string{errNothingProvable.Error()}
	}
	patience := r.Patience.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, patience.Proof)
	defer cancel()
	targets := expected.worthALook(targetsOf(listeners))
	good, foreign := 0, 0
	for {
		wire = r.lookAt(ctx, targets)
		looks++
		var strangers []string
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
		if sleep(ctx, patience.Interval) != nil {
			if len(failures) == 0 {
				failures = []string{fmt.Sprintf("the endpoints served the expected certificate only %d times in a row, %d were wanted", good, patience.Rounds)}
			}
			return wire, looks, failures
		}
	}
}

// compare gives what is not (yet) as expected, and apart from it what is
// neither the old nor the new leaf.
func compare(wire []handshake.Observation, expected expectation) (failures, strangers []string) {
	seen := map[spot]bool{}
	for _, observation := range wire {
		want, asked := expected[spotOf(observation)]
		if !asked {
			continue
		}
		seen[spotOf(observation)] = true
		leaf := served(observation)
		if leaf == nil {
			failures = append(failures, fmt.Sprintf("%s does not answer: %s", place(observation), observation.Failure))
			continue
		}
		switch got := pki.Fingerprint(leaf); {
		case want.is(got):
		case got == want.meanwhile:
			failures = append(failures, place(observation)+" still serves the other certificate")
		default:
			sentence := fmt.Sprintf("%s serves %s (%s…), which is neither the old nor the new certificate",
				place(observation), pki.Describe(leaf).Subject, got[:16])
			failures = append(failures, sentence)
			strangers = append(strangers, sentence)
		}
	}
	for at := range expected {
		if !seen[at] {
			failures = append(failures, fmt.Sprintf("%s (%s) was not looked at again", at.target, at.address))
		}
	}
	slices.Sort(failures)
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
	proof.Wire, proof.Looks, proof.Failures = r.proveWire(ctx, phase, c.before.Listeners, c.expected)
	if len(proof.Failures) > 0 {
		return proof // what follows could only repeat it
	}
	r.tell(phase, fmt.Sprintf("%d handshakes in each of %d looks, all with the expected certificate", proof.Handshakes, proof.Looks))
	for _, finding := range c.judge(proof.Wire) {
		if finding.Severity == pki.Refusal {
			proof.Failures = append(proof.Failures, finding.Sentence)
		}
	}
	if len(proof.Failures) > 0 {
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
		if attempt > 0 && sleep(ctx, patience.Interval) != nil {
			break
		}
		proof.Failures = nil
		backends, err := r.Azure.BackendHealth(ctx, before.Deployment.GatewayID)
		switch {
		case err == nil:
			proof.Backends = before.ownBackends(backends)
			proof.Failures = append(proof.Failures, worseBackends(before.Backends, proof.Backends)...)
		case len(before.Backends) > 0: // of their health nothing is known, neither good nor bad
			proof.Failures = append(proof.Failures, fmt.Sprintf("the health of the backends could not be read: %v", err))
		}
		proof.Sites = r.observeSites(ctx, before.Deployment, leaves)
		proof.Failures = append(proof.Failures, worseSites(before.Sites, proof.Sites)...)
		if len(proof.Failures) == 0 {
			r.tell(phase, healthSentence(*proof))
			return
		}
		r.tellWaiting(phase, proof.Failures[0])
	}
}

// worseBackends lists the backends that were up before and are not now. One of
// which nothing is said any more has not been seen to be up.
func worseBackends(before, after []cloud.BackendServer) []string {
	var worse []string
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
			worse = append(worse, strings.TrimSuffix(fmt.Sprintf("backend %s of %s was up and is %s: %s", was.Address, was.Pool, is.Health, is.Log), ": "))
		}
	}
	return worse
}

// validationRank orders Portal's judgements of a federated server.
var validationRank = map[string]int{arcgis.Success: 3, arcgis.WithWarnings: 2, arcgis.Undetermined: 1, arcgis.Failure: 0}

// worseSites lists what Portal and Server could do before and cannot now.
func worseSites(before, after Sites) []string {
	var worse []string
	if before.ServerTrouble == "" && after.ServerTrouble != "" {
		worse = append(worse, "ArcGIS Server was healthy and is not: "+after.ServerTrouble)
	}
	if before.PortalTrouble == "" && after.PortalTrouble != "" {
		worse = append(worse, "Portal was healthy and is not: "+after.PortalTrouble)
	}
	if before.SignedIn && !after.SignedIn {
		return append(worse, "the site administrator can no longer sign in to Portal")
	}
	now := map[string]FederationResult{}
	for _, result := range after.Federation {
		now[result.Server.ID] = result
	}
	for _, was := range before.Federation {
		is, listed := now[was.Server.ID]
		if !listed || validationRank[is.Validation.Status] < validationRank[was.Validation.Status] {
			worse = append(worse, fmt.Sprintf("Portal validated the federated server %s as %q before and now as %q: %s",
				was.Server.Name, was.Validation.Status, is.Validation.Status, strings.Join(append(is.Validation.Messages, is.Trouble), " ")))
		}
	}
	return worse
}

func healthSentence(proof Proof) string {
	up := 0
	for _, backend := range proof.Backends {
		if backend.Up() {
			up++
		}
	}
	sentence := fmt.Sprintf("%d of %d backends up", up, len(proof.Backends))
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
