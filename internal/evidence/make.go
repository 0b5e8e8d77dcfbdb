package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/journal"
)

// Of makes the evidence of a run from what the journal has of it, and from nothing
// else, so that it can be made again at any time. A part that the journal does not
// have, because an older program wrote it or the run was cut off, is empty.
func Of(run journal.Run, at time.Time) Document {
	m := maker{document: Document{
		Format: Format, Version: version, MadeAt: at.UTC().Truncate(time.Second),
		Deployment:   Deployment{ID: run.DeploymentID, Name: run.DeploymentName, GatewayID: run.GatewayID, Cloud: run.Cloud},
		Plan:         orNull(run.Plan),
		PlanHash:     run.PlanHash,
		Operations:   []string{},
		Certificates: map[string]string{},
	}}
	m.run(run)
	m.before(run)
	m.proofs(run)
	m.steps(run)
	m.outcome(run)
	return m.document
}

type maker struct {
	document Document
	looks    []Look // that were made after something was done, in their order
}

func (m *maker) run(run journal.Run) {
	var hands struct{ Computer, System, Caller string }
	m.read(run, "hands", &hands)
	plan := planOf(run.Plan)
	m.document.Run = Run{
		ID: run.ID, Command: plan.command(), About: plan.about(), StartedAt: run.StartedAt.UTC(), FinishedAt: run.FinishedAt.UTC(),
		By: run.By, Computer: hands.Computer, System: hands.System, Caller: hands.Caller, Program: run.Version,
	}
}

// read takes the last piece of evidence of a kind.
func (m *maker) read(run journal.Run, kind string, into any) (at time.Time, found bool) {
	for _, piece := range slices.Backward(run.Evidence) {
		if piece.Kind == kind && json.Unmarshal(piece.Data, into) == nil {
			return piece.At.UTC(), true
		}
	}
	return time.Time{}, false
}

func (m *maker) before(run journal.Run) {
	var proof proofForm
	at, found := m.read(run, "wire before", &proof.Wire)
	if !found {
		return
	}
	m.read(run, "backends before", &proof.Backends)
	m.read(run, "sites before", &proof.Sites)
	look := m.look("before anything was changed", at, proof)
	look.Proved, look.Rounds = nil, 1
	var machines []machineForm
	m.read(run, "machines before", &machines)
	look.Ports = m.ports(machines)
	var validated validationsForm
	if _, asked := m.read(run, "validated before", &validated); asked {
		look.Validations = append(look.Validations, validated.list()...)
	}
	m.document.Before = &look
}

// proofs are the looks at what came of the run, in the order in which they were made.
func (m *maker) proofs(run journal.Run) {
	for _, step := range run.Steps {
		if step.Kind == "prove" {
			m.proof("proof of the result", step.FinishedAt, step.Result)
		}
	}
	for _, piece := range run.Evidence {
		switch {
		case strings.HasPrefix(piece.Kind, "proof "):
			m.proof(piece.Kind, piece.At, piece.Data)
		case piece.Kind == "wire after":
			var proof proofForm
			if json.Unmarshal(piece.Data, &proof.Wire) == nil {
				look := m.look("after the run, which changed nothing", piece.At, proof)
				look.Proved, look.Rounds = nil, 1
				m.looks = append(m.looks, look)
			}
		}
	}
	slices.SortStableFunc(m.looks, func(a, b Look) int { return a.At.Compare(b.At) })
	m.document.EarlierProofs = []Look{}
	if n := len(m.looks); n > 0 {
		m.document.EarlierProofs = m.looks[:n-1]
		last := m.looks[n-1]
		var machines []machineForm
		m.read(run, "machines after", &machines)
		last.Ports = m.ports(machines)
		var validated validationsForm
		_ = json.Unmarshal(run.Summary, &validated)
		last.Validations = append(last.Validations, validated.list()...)
		m.document.After = &last
	}
}

func (m *maker) proof(what string, at time.Time, data json.RawMessage) {
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
		return // it was not come to
	}
	var proof struct {
		OK *bool `json:"ok"`
		proofForm
	}
	if json.Unmarshal(data, &proof) != nil || proof.OK == nil {
		return // how a step without an end was found is no proof
	}
	proof.proofForm.OK = *proof.OK
	m.looks = append(m.looks, m.look(what, at, proof.proofForm))
}

// look turns what the journal has of a look into the form of evidence.
func (m *maker) look(what string, at time.Time, proof proofForm) Look {
	look := Look{
		At: at.UTC(), What: what, Proved: &proof.OK, Failures: orNone(proof.Failures), Rounds: proof.Looks,
		Handshakes: []Handshake{}, Backends: orNone(proof.Backends), Sites: []Site{}, Validations: []Validation{}, Ports: []Port{},
	}
	for _, seen := range proof.Wire {
		hand := Handshake{
			At: seen.At.UTC(), Target: seen.Target, Address: seen.Address, ServerName: seen.ServerName, Proxy: seen.Proxy,
			Milliseconds: seen.Took.Milliseconds(), Protocol: seen.Protocol, CipherSuite: seen.CipherSuite,
			Chain: []string{}, Expected: []string{}, Failure: seen.Failure,
		}
		for _, certificate := range seen.Chain {
			hand.Chain = append(hand.Chain, m.keep(certificate.Raw))
		}
		for _, wanted := range proof.Expected {
			if wanted.Target == seen.Target && wanted.Address == seen.Address && wanted.ServerName == seen.ServerName {
				hand.Expected = orNone(wanted.Leaves)
			}
		}
		look.Handshakes = append(look.Handshakes, hand)
	}
	s := proof.Sites
	for _, site := range []Site{{"Portal for ArcGIS", s.PortalURL, s.PortalVersion, s.PortalTrouble}, {"ArcGIS Server", s.ServerURL, "", s.ServerTrouble}} {
		if site.URL != "" {
			look.Sites = append(look.Sites, site)
		}
	}
	for _, f := range s.Federation {
		status, messages := f.Validation.Status, f.Validation.Messages
		if f.Trouble != "" {
			status, messages = "not asked", append(messages, f.Trouble)
		}
		look.Validations = append(look.Validations, Validation{"federated server", f.Server.Name, f.Server.URL, status, orNone(messages)})
	}
	return look
}

func (m *maker) ports(machines []machineForm) []Port {
	list := []Port{}
	for _, at := range machines {
		if at.Report == nil {
			continue
		}
		for _, c := range at.Report.Components {
			port := Port{
				Machine: at.Name, Product: c.Product, Port: c.Port, Role: c.Role, Version: c.Version, Alias: c.Alias, Protocol: c.Protocol,
				Chain: []string{}, Healthy: c.Healthy, Trouble: c.Trouble,
			}
			if c.WireTrouble != "" {
				port.Trouble = c.WireTrouble
			}
			for _, der := range c.Chain {
				port.Chain = append(port.Chain, m.keep(der))
			}
			list = append(list, port)
		}
	}
	return list
}

// keep puts a certificate where it stands once, and gives its fingerprint.
func (m *maker) keep(der []byte) string {
	sum := sha256.Sum256(der)
	fingerprint := hex.EncodeToString(sum[:])
	m.document.Certificates[fingerprint] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return fingerprint
}

func (m *maker) steps(run journal.Run) {
	m.document.Steps = []Step{}
	for _, s := range run.Steps {
		step := Step{
			Index: s.Index, Kind: s.Kind, Title: s.Title, StartedAt: s.StartedAt.UTC(), FinishedAt: s.FinishedAt.UTC(),
			Outcome: s.Outcome, Error: s.Error, Intent: orNull(s.Intent), Result: orNull(s.Result),
		}
		if s.Kind == "prove" {
			step.Result = orNull(nil)
		}
		m.document.Steps = append(m.document.Steps, step)
	}
}

// outcome is from the result of the run, where it had one.
func (m *maker) outcome(run journal.Run) {
	var result struct {
		Failure       string   `json:"failure"`
		NotRestored   phrases  `json:"notRestored"`
		Unknown       phrases  `json:"unknown"`
		Left          phrases  `json:"left"`
		Removed       phrases  `json:"removed"`
		Interrupted   bool     `json:"interrupted"`
		Unclaimed     string   `json:"unclaimed"`
		GatewayWrites int      `json:"gatewayWrites"`
		Operations    []string `json:"operations"`
		Restarts      int      `json:"restarts"`
		Machines      []struct {
			Machine   string  `json:"machine"`
			Product   string  `json:"product"`
			Port      int     `json:"port"`
			Restarted int     `json:"restarted"`
			Seconds   float64 `json:"seconds"`
			Tasks     []struct {
				Port      int     `json:"port"`
				Restarted bool    `json:"restarted"`
				Seconds   float64 `json:"seconds"`
			} `json:"tasks"`
		} `json:"machines"`
	}
	_ = json.Unmarshal(run.Summary, &result) // a run in doubt has none
	m.document.Outcome = Outcome{
		Word: run.Outcome, Failure: result.Failure, NotRestored: orNone(result.NotRestored), Unknown: orNone(result.Unknown),
		Left: orNone(result.Left), Removed: orNone(result.Removed), Interrupted: result.Interrupted, Unclaimed: result.Unclaimed, GatewayWrites: result.GatewayWrites,
	}
	m.document.Restarts = Restarts{Count: result.Restarts, Machines: []Restart{}}
	again := func(one Restart) {
		if one.Times > 0 {
			m.document.Restarts.Machines = append(m.document.Restarts.Machines, one)
		}
	}
	for _, at := range result.Machines {
		again(Restart{at.Machine, at.Product, at.Port, at.Restarted, int64(at.Seconds * 1000)})
		for _, task := range at.Tasks {
			if task.Restarted {
				again(Restart{at.Machine, "", task.Port, 1, int64(task.Seconds * 1000)})
			}
		}
	}
	m.document.Operations = append(m.document.Operations, result.Operations...)
	if len(run.Summary) > 0 {
		return
	}
	for _, step := range run.Steps { // of a run without an end, what its steps have told
		var ids []string
		if json.Unmarshal(step.Result, &ids) == nil {
			m.document.Operations = append(m.document.Operations, ids...)
		}
	}
}
