package rotation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
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
	Certificate   pki.Description  `json:"certificate"`
	Serving       *pki.Description `json:"serving"`
	Source        string           `json:"source,omitempty"`
	AssumeTrusted bool             `json:"assumeTrusted,omitempty"`
	AllowOlder    bool             `json:"allowOlder,omitempty"`
	AllowWeaker   bool             `json:"allowWeaker,omitempty"`

	// Findings judge the certificate; Obstacles the deployment. A Refusal in
	// either keeps the plan from being applied.
	Findings  pki.Findings `json:"findings"`
	Obstacles pki.Findings `json:"obstacles"`

	// Trust says why Portal and Server will accept the new chain.
	Trust string `json:"trust"`

	// Entry is the name of the new sslCertificates entry.
	Entry string `json:"entry"`
	// Moves are the listeners that go to it; none when all is done already.
	Moves  []Move   `json:"moves"`
	Steps  []Step   `json:"steps"`
	Proofs []string `json:"proofs"`
	// Operations are what Azure must permit the caller to do for all this.
	Operations []Operation `json:"operations"`

	// Basis are the facts on which the plan rests, each with its fingerprint.
	Basis map[string]string `json:"basis"`
}

// Move is one listener going from one certificate entry to another.
type Move struct {
	Listener string `json:"listener"`
	From     string `json:"from"`
	// FromLeaf is the SHA-256 fingerprint behind From, "" when Azure does not tell.
	FromLeaf string `json:"fromLeaf,omitempty"`
	To       string `json:"to"`
	ToLeaf   string `json:"toLeaf"`
}

// StepKind names what a step does.
type StepKind string

const (
	// StepSwitch is the one write: the new entry and the listeners' references.
	StepSwitch StepKind = "switch"
	// StepProve looks at the result from outside.
	StepProve StepKind = "prove"
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

// Refused tells whether the certificate must not be rolled out.
func (p Plan) Refused() bool { return p.Findings.Refused() }

// Blocked tells whether the deployment does not allow the change now.
func (p Plan) Blocked() bool { return p.Obstacles.Refused() }

// NothingToDo tells whether every listener already serves the certificate.
func (p Plan) NothingToDo() bool { return len(p.Moves) == 0 }

// NewPlan says what to do to reach the goal from the state. It is pure. A
// certificate that must be refused, and a deployment that does not allow the
// change, still give a plan, so that people see all of it at once; Refused and
// Blocked tell.
func NewPlan(state State, goal Goal) (Plan, error) {
	if goal.Bundle == nil || goal.Bundle.Leaf == nil {
		return Plan{}, fmt.Errorf("plan %s: no certificate given", state.Deployment.Name)
	}
	if state.Gateway == nil {
		return Plan{}, fmt.Errorf("plan %s: its gateway was not read", state.Deployment.Name)
	}
	names := coveredNames(state)
	plan := Plan{
		Format:        planFormat,
		MadeAt:        goal.Now.UTC().Truncate(time.Second),
		Cloud:         state.Cloud,
		Deployment:    state.Deployment.Name,
		DeploymentID:  state.Deployment.ID,
		GatewayID:     state.Gateway.ID(),
		Names:         names,
		GivenNames:    state.Deployment.GivenNames,
		Certificate:   pki.Describe(goal.Bundle.Leaf),
		Source:        goal.Source,
		AssumeTrusted: goal.AssumeTrusted,
		AllowOlder:    goal.AllowOlder,
		AllowWeaker:   goal.AllowWeaker,
		Entry:         EntryName(goal),
		Basis:         basis(state),
	}
	serving := servingNow(state)
	plan.Serving = describeLeaf(serving)
	judgement := pki.Judge(goal.Bundle, pki.Criteria{
		Now:           goal.Now,
		Names:         names,
		Roots:         goal.Roots,
		Serving:       serving,
		AssumeTrusted: goal.AssumeTrusted,
		AllowOlder:    goal.AllowOlder,
		AllowWeaker:   goal.AllowWeaker,
	})
	plan.Findings = judgement.Findings
	plan.Trust = trust(judgement, goal)
	plan.Obstacles = slices.Concat(withoutAccess(state.Obstacles), shapeObstacles(state), pastTheGateway(state, plan.Certificate.SHA256), unprovable(state))
	plan.Moves = moves(state, plan.Entry, plan.Certificate.SHA256)
	plan.Steps = steps(plan, state)
	plan.Proofs = proofs(state)
	plan.Operations = operations(plan, state)
	plan.Obstacles = append(plan.Obstacles, accessFindings(state.Access, plan.Operations)...)
	plan.Hash = plan.computeHash()
	return plan, nil
}

// entryPrefix begins the name of every sslCertificates entry that we add.
const entryPrefix = "cartouche-"

// EntryName is the name of the sslCertificates entry for a certificate. It
// follows from the certificate alone, so that a second run finds what the first
// one made; the date is when the certificate begins, for people who look at the
// gateway in the portal.
func EntryName(goal Goal) string {
	leaf := goal.Bundle.Leaf
	return entryPrefix + leaf.NotBefore.UTC().Format("20060102") + "-" + pki.Fingerprint(leaf)[:8]
}

// moves are the listeners that do not point to the certificate yet. An entry
// that already holds the very leaf, under whatever name, is good as it is.
func moves(state State, entry, leaf string) []Move {
	moves := []Move{}
	for _, listener := range state.Listeners {
		from := ""
		if listener.Leaf != nil {
			from = listener.Leaf.SHA256
		}
		if from == leaf {
			continue
		}
		moves = append(moves, Move{Listener: listener.Name, From: listener.Entry, FromLeaf: from, To: entry, ToLeaf: leaf})
	}
	return moves
}

// trust is what the order "trust before use" comes to for an external
// certificate: Portal and Server verify each other through the gateway, so they
// must know the root before it is served.
func trust(judgement pki.Judgement, goal Goal) string {
	switch {
	case judgement.RootKnown:
		root := judgement.Chain[len(judgement.Chain)-1]
		return fmt.Sprintf("the chain ends in %q, which Portal and Server know already: nothing is imported on any machine, so none restarts", pki.Describe(root).Subject)
	case goal.AssumeTrusted:
		return "the root is not known here; it is assumed that Portal and Server know it (--assume-trusted), and their federation proves it"
	}
	return "nothing says that Portal and Server know the root of this chain"
}

// shapeObstacles are refusals that follow from what the deployment is.
func shapeObstacles(state State) pki.Findings {
	var found pki.Findings
	if reason := state.Deployment.CannotUpdate; reason != "" {
		found = append(found, pki.Finding{Code: "cannot-update", Severity: pki.Refusal, Sentence: reason})
	}
	found = append(found, noListener(state)...)
	for _, listener := range state.Listeners {
		if listener.KeyVaultSecretID != "" {
			found = append(found, pki.Finding{
				Code: "key-vault-reference", Severity: pki.Refusal,
				Sentence: fmt.Sprintf("listener %s takes its certificate from Key Vault (%s); a file would cut that link", listener.Name, listener.KeyVaultSecretID),
				Mend:     "import the certificate into the vault as a new version of the same certificate",
			})
		}
	}
	managers := state.Gateway.Managers()
	if by := state.Deployment.ManagedBy; by != "" {
		managers = append(managers, by)
	}
	for _, manager := range managers {
		found = append(found, pki.Finding{
			Code: "managed-elsewhere", Severity: pki.Warning,
			Sentence: "the gateway is also managed by " + manager + ", which may put the old certificate back",
			Mend:     "renew the certificate there too",
		})
	}
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

func steps(plan Plan, state State) []Step {
	prove := Step{
		Kind:     StepProve,
		Title:    "prove that every endpoint serves the new certificate",
		Restarts: []string{},
		Undo:     "when the proof fails, the listeners go back and that is proved",
	}
	if plan.NothingToDo() {
		return []Step{prove}
	}
	change := []string{}
	if _, exists := state.Gateway.Certificate(plan.Entry); !exists {
		change = append(change, fmt.Sprintf("add certificate entry %s (%s)", plan.Entry, plan.Certificate.Subject))
	}
	old := map[string]bool{}
	for _, move := range plan.Moves {
		change = append(change, fmt.Sprintf("listener %s: %s -> %s", move.Listener, move.From, move.To))
		old[move.From] = true
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		change = append(change, "keep certificate entry "+name+" for going back")
	}
	return []Step{{
		Kind:     StepSwitch,
		Title:    "switch the gateway to the new certificate in one conditional write",
		Touches:  plan.GatewayID,
		Changes:  change,
		Restarts: []string{},
		Undo:     "point the listeners back to the entry that is kept",
	}, prove}
}

func proofs(state State) []string {
	proofs := []string{}
	for _, way := range ways(state) {
		if way.reached {
			proofs = append(proofs, way.String()+", with SNI and without: exactly the new leaf, full chain")
		}
	}
	if len(state.Backends) > 0 {
		proofs = append(proofs, "backend health as before or better")
	}
	if state.Sites.ServerURL != "" {
		proofs = append(proofs, "ArcGIS Server's health check at "+state.Sites.ServerURL)
	}
	if state.Sites.PortalURL != "" {
		proofs = append(proofs, "Portal's health check at "+state.Sites.PortalURL)
	}
	if state.Sites.SignedIn {
		proofs = append(proofs, fmt.Sprintf("Portal validates its federated servers (%d) as before or better", len(state.Sites.Federation)))
	}
	return proofs
}

// computeHash is the SHA-256 of the plan's JSON without the hash itself.
func (p Plan) computeHash() string {
	p.Hash = ""
	data, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("rotation: a plan is always JSON: %v", err)) // plain strings and times only
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
