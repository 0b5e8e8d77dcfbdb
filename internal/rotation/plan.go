package rotation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
)

// planFormat is raised when a saved plan of an older program can no longer be
// understood.
const planFormat = 2

// Plan is what a rotation will do, for people to read and for Apply to carry
// out. It holds no secret and survives a round trip through JSON.
type Plan struct {
	Format int       `json:"format"`
	MadeAt time.Time `json:"madeAt"`
	// Hash is over everything else in the plan; a plan that was edited by hand
	// no longer fits it.
	Hash string `json:"hash"`

	Cloud        string   `json:"cloud"`
	Deployment   string   `json:"deployment"`
	DeploymentID string   `json:"deploymentId"`
	GatewayID    string   `json:"gatewayId"`
	Names        []string `json:"names"`
	// GivenNames are those that a person gave because no record has them.
	GivenNames []string `json:"givenNames,omitempty"`

	// Certificate is the new leaf, Serving the one that is replaced.
	Certificate pki.Description  `json:"certificate"`
	Serving     *pki.Description `json:"serving"`
	// Source says for people where the certificate comes from.
	Source string `json:"source,omitempty"`
	// UndoOf is the run that the plan takes back, "" for any other plan.
	UndoOf string `json:"undoOf,omitempty"`
	// File is the .pfx file, "" when there is none. Vault is the certificate in
	// Key Vault that was named, Form and Identity are what was asked for.
	File          string   `json:"file,omitempty"`
	Vault         *InVault `json:"vault,omitempty"`
	Form          Form     `json:"form,omitempty"`
	Identity      string   `json:"identity,omitempty"`
	AssumeTrusted bool     `json:"assumeTrusted,omitempty"`
	AllowOlder    bool     `json:"allowOlder,omitempty"`
	AllowWeaker   bool     `json:"allowWeaker,omitempty"`
	// Key says who sees the private key.
	Key string `json:"key"`
	// AddIdentity is the identity that the gateway gets in the same write.
	AddIdentity string `json:"addIdentity,omitempty"`
	// Imports come first: what becomes the newest version in Key Vault.
	Imports []Import `json:"imports,omitempty"`

	// Findings judge the certificate; Obstacles the deployment. A Refusal in
	// either keeps the plan from being applied.
	Findings  pki.Findings `json:"findings"`
	Obstacles pki.Findings `json:"obstacles"`

	// Trust says why Portal and Server will accept the new chain.
	Trust string `json:"trust"`
	// Way is how the machines are reached, "" when they are left alone.
	Way reach.Kind `json:"way,omitempty"`
	// Trusting are the keystores that get what the new certificate needs, before
	// it is served, in the order of the restarts; Pinned are the entries that are
	// refreshed after the proof.
	Trusting []Trusting `json:"trusting,omitempty"`
	Pinned   []Pinned   `json:"pinned,omitempty"`
	// Returns are machines that a run which was cut off has left out of their
	// pools: they return before anything else.
	Returns []cloud.Member `json:"returns,omitempty"`
	// Vouched are fingerprints of roots that no public list has and that the
	// keystores of the machines have, or will have.
	Vouched []string `json:"vouched,omitempty"`

	// Entry is the name of the new sslCertificates entry.
	Entry string `json:"entry"`
	// Moves are the listeners that go to it; none when all is done already.
	Moves []Move `json:"moves"`
	// Removes are entries that go with the same write: references of a run that
	// failed, which keep the gateway from being written as long as it cannot read them.
	Removes []string `json:"removes,omitempty"`
	Steps   []Step   `json:"steps"`
	Proofs  []string `json:"proofs"`
	// Operations are what Azure must permit the caller to do for all this.
	Operations []Operation `json:"operations"`

	// Basis are the facts on which the plan rests, each with its fingerprint.
	Basis map[string]string `json:"basis"`
}

// StepKind names what a step does.
type StepKind string

const (
	// StepClaim claims the deployment before anything else; it is in no list of
	// steps, since it changes nothing of the deployment.
	StepClaim StepKind = "claim"
	// StepTrust imports what machines need to accept the new certificate.
	StepTrust StepKind = "trust"
	// StepStage imports the certificate into Key Vault.
	StepStage StepKind = "stage"
	// StepSwitch is the one write: the new entry and the listeners' references.
	StepSwitch StepKind = "switch"
	// StepProve looks at the result from outside.
	StepProve StepKind = "prove"
	// StepPin refreshes the entries of keystores that hold the leaf itself.
	StepPin StepKind = "pin"
	// StepClean removes entries that no listener uses.
	StepClean StepKind = "clean"
)

// Step is one line of the plan as people read it.
type Step struct {
	Kind  StepKind `json:"kind"`
	Title string   `json:"title"`
	// Touches is the resource that is written, "" when nothing is.
	Touches string `json:"touches,omitempty"`
	// Changes says each change inside of it.
	Changes []string `json:"changes,omitempty"`
	// Restarts lists the machines that restart. Empty means none does.
	Restarts []string `json:"restarts"`
	// Undo says how it is taken back.
	Undo string `json:"undo,omitempty"`
}

// step finds the step of a kind.
func (p Plan) step(kind StepKind) Step {
	for _, step := range p.Steps {
		if step.Kind == kind {
			return step
		}
	}
	return Step{}
}

// Refused tells whether the certificate must not be rolled out.
func (p Plan) Refused() bool { return p.Findings.Refused() }

// Blocked tells whether the deployment does not allow the change now.
func (p Plan) Blocked() bool { return p.Obstacles.Refused() }

// LooksAgain tells whether the gateway is written as it is, only to make it look
// at Key Vault again.
func (p Plan) LooksAgain() bool {
	return p.AddIdentity == "" && len(p.Moves) > 0 && !slices.ContainsFunc(p.Moves, func(m Move) bool { return !m.again() })
}

// NothingToDo tells whether every listener already serves the certificate, and
// every machine that was looked at is as it should be.
func (p Plan) NothingToDo() bool {
	return p.gatewayAsWanted() && len(p.Trusting)+len(p.Pinned)+len(p.Returns) == 0
}

// gatewayAsWanted tells whether the gateway needs no write.
func (p Plan) gatewayAsWanted() bool { return len(p.Moves) == 0 }

// NewPlan says what to do to reach the goal from the state. It is pure. A
// certificate that must be refused, and a deployment that does not allow the
// change, still give a plan, so that people see all of it at once; Refused and
// Blocked tell.
func NewPlan(state State, goal Goal) (Plan, error) {
	if state.Gateway == nil {
		return Plan{}, fmt.Errorf("plan %s: its gateway was not read", state.Deployment.Name)
	}
	if len(goal.bundles()) == 0 {
		return Plan{}, fmt.Errorf("plan %s: no certificate given", state.Deployment.Name)
	}
	targets, obstacles := targets(state, goal)
	moves, warnings := moves(state, targets)
	lead := leading(goal, targets, moves)
	plan := Plan{
		Format:        planFormat,
		MadeAt:        goal.Now.UTC().Truncate(time.Second),
		Cloud:         state.Cloud,
		Deployment:    state.Deployment.Name,
		DeploymentID:  state.Deployment.ID,
		GatewayID:     state.Gateway.ID(),
		Names:         coveredNames(state),
		GivenNames:    state.Deployment.GivenNames,
		Certificate:   pki.Describe(lead.bundle.Leaf),
		Serving:       describeLeaf(servingNow(state)),
		Source:        source(goal, lead),
		File:          goal.File,
		Form:          goal.Form,
		Identity:      goal.Identity,
		AssumeTrusted: goal.AssumeTrusted,
		AllowOlder:    goal.AllowOlder,
		AllowWeaker:   goal.AllowWeaker,
		Key:           whoSeesTheKey(state, goal, targets),
		Entry:         lead.entry,
		Moves:         moves,
		Imports:       imports(state, targets, moves),
	}
	if goal.Vault.Named() {
		plan.Vault = &goal.Vault
	}
	v := vouch(state, goal, targetBundles(lead, targets), lead.bundle.Leaf)
	if state.Way == reach.DSC && plan.gatewayAsWanted() {
		v.needs = nil // nothing tells what is in a keystore, and everything would restart
	}
	plan.Way, plan.Trusting, plan.Pinned = state.Way, drained(state, v.needs), v.pins
	plan.Returns = state.Gateway.Away()
	for _, root := range v.roots {
		plan.Vouched = append(plan.Vouched, pki.Fingerprint(root))
	}
	judgement, findings := judgeTargets(state, goal.knowing(v.roots), lead, targets)
	plan.Findings = v.untold(findings)
	if findings.Refused() {
		warnings = append(warnings, followedAnyway(state, targets, moves)...)
	}
	plan.Trust = trust(state, judgement, goal, v)
	reading, identity := vaultAccess(state, goal, targets, moves)
	plan.AddIdentity = identity
	seen := slices.DeleteFunc(withoutAccess(state.Obstacles), func(f pki.Finding) bool { return slices.Contains(vaultFindings(state, nil), f) })
	plan.Obstacles = slices.Concat(state.OutOfPools(), seen, shapeObstacles(state), managed(state, moves), obstacles, reading, warnings, vaultFindings(state, moves),
		pastTheGateway(state, plan.Certificate.SHA256), unprovable(state, lead.bundle.Leaf), v.findings, lastOnes(state, v.needs))
	plan.Basis = basis(state, plan.Certificate.Thumbprint)
	plan.Steps = steps(plan, state)
	plan.Proofs = proofs(state)
	plan.Operations = operations(plan, state)
	plan.Obstacles = append(plan.Obstacles, accessFindings(state.Access, withoutReads(plan.Operations))...)
	plan.Hash = plan.computeHash()
	return plan, nil
}

// leading is the target that the plan is told by: one that changes, if any does.
func leading(goal Goal, targets []target, moves []Move) target {
	for _, goes := range targets {
		if goes.moves(moves) {
			return goes
		}
	}
	if len(targets) > 0 {
		return targets[0]
	}
	bundle := goal.bundles()[0]
	return target{bundle: bundle, entry: EntryName(bundle)}
}

// source says where the certificate comes from.
func source(goal Goal, lead target) string {
	switch {
	case goal.File != "":
		return goal.File
	case goal.Vault.Named():
		return goal.Vault.String()
	}
	if in, ok := ParseInVault(lead.secret); ok {
		return in.String()
	}
	return ""
}

// judgeTargets judges each different certificate for the names that it is for.
// The judgement is of the leading one.
func judgeTargets(state State, goal Goal, lead target, targets []target) (pki.Judgement, pki.Findings) {
	criteria := pki.Criteria{
		Now: goal.Now, Names: coveredNames(state), Roots: goal.Roots, Serving: servingNow(state),
		AssumeTrusted: goal.AssumeTrusted, AllowOlder: goal.AllowOlder, AllowWeaker: goal.AllowWeaker,
	}
	if goal.Bundle == nil { // each listener follows its own
		criteria.Names = namesOf(lead, targets)
	}
	judgement := judge(lead.bundle, criteria)
	findings := judgement.Findings
	judged := []*pki.Bundle{lead.bundle}
	for _, goes := range targets {
		if slices.ContainsFunc(judged, func(b *pki.Bundle) bool { return b.Leaf.Equal(goes.bundle.Leaf) }) {
			continue
		}
		judged = append(judged, goes.bundle)
		criteria.Names, criteria.Serving = namesOf(goes, targets), nil
		findings = append(findings, judge(goes.bundle, criteria).Findings...)
	}
	for _, goes := range targets {
		in, refers := ParseInVault(goes.secret)
		if v, read := state.vaulted(in); refers && read && !goes.into.Named() {
			findings = append(findings, v.chosen.Unusable(goal.Now)...)
		}
	}
	return judgement, dedupe(findings.WorstFirst())
}

// targetBundles are the different certificates of the targets, the leading one
// first.
func targetBundles(lead target, targets []target) []*pki.Bundle {
	all := []*pki.Bundle{lead.bundle}
	for _, goes := range targets {
		if !slices.ContainsFunc(all, func(b *pki.Bundle) bool { return b.Leaf.Equal(goes.bundle.Leaf) }) {
			all = append(all, goes.bundle)
		}
	}
	return all
}

// namesOf are the names of the listeners that get the same certificate.
func namesOf(lead target, targets []target) []string {
	names := slices.Clone(lead.listener.Names)
	for _, goes := range targets {
		if goes.bundle.Leaf.Equal(lead.bundle.Leaf) {
			names = append(names, goes.listener.Names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// shapeObstacles are refusals that follow from what the deployment is.
func shapeObstacles(state State) pki.Findings {
	var found pki.Findings
	if reason := state.Deployment.CannotUpdate; reason != "" {
		found = append(found, pki.Finding{Code: "cannot-update", Severity: pki.Refusal, Sentence: reason})
	}
	found = append(found, noListener(state)...)
	return found
}

// noListener refuses a gateway on which nothing is ours: nothing could be proved.
func noListener(state State) pki.Findings {
	if len(state.Listeners) > 0 {
		return nil
	}
	if len(state.Deployment.Names()) == 0 {
		return pki.Findings{{
			Code: "no-listener", Severity: pki.Refusal,
			Sentence: "nothing says under which name clients come, so it is not known which listener serves them",
			Mend:     "give the name that users type: --name NAME",
		}}
	}
	return pki.Findings{{
		Code: "no-listener", Severity: pki.Refusal,
		Sentence: "no HTTPS listener of the gateway serves " + strings.Join(state.Deployment.Names(), " or "),
		Mend:     "compare the tag arcgis-deployment-domain with the host names of the gateway's listeners",
	}}
}

// computeHash is the SHA-256 of the plan's JSON without the hash itself.
func (p Plan) computeHash() string {
	p.Hash = ""
	return HashPlan(p)
}
