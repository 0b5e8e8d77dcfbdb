package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// certificates are what their fingerprints say, and all that a look refers to are there.
func (r *Report) certificates(d Document) {
	for fingerprint, text := range d.Certificates {
		block, rest := pem.Decode([]byte(text))
		if block == nil || len(rest) > 0 || block.Type != "CERTIFICATE" {
			r.refuse("certificate-unreadable", "the certificate %.16s… is not PEM", fingerprint)
			continue
		}
		if sum := sha256.Sum256(block.Bytes); hex.EncodeToString(sum[:]) != fingerprint {
			r.refuse("certificate-other", "the certificate that stands as %.16s… is another one", fingerprint)
		}
	}
	for _, look := range d.looks() {
		for _, chain := range look.chains() {
			for _, fingerprint := range chain {
				if _, there := d.Certificates[fingerprint]; !there {
					r.refuse("certificate-missing", "the certificate %.16s… was seen and is not in the file", fingerprint)
				}
			}
		}
	}
}

func (d Document) looks() []Look {
	looks := slices.Clone(d.EarlierProofs)
	for _, look := range []*Look{d.Before, d.After} {
		if look != nil {
			looks = append(looks, *look)
		}
	}
	return looks
}

func (l Look) chains() [][]string {
	var chains [][]string
	for _, h := range l.Handshakes {
		chains = append(chains, h.Chain)
	}
	for _, p := range l.Ports {
		chains = append(chains, p.Chain)
	}
	return chains
}

// plan is the one whose hash was kept with the run.
func (r *Report) plan(d Document, program string) {
	if d.PlanHash == "" || bytes.Equal(d.Plan, []byte("null")) {
		return // nothing to clean by a hash: the steps say what was removed
	}
	var own struct {
		Hash string `json:"hash"`
		Kind string `json:"kind"`
	}
	if json.Unmarshal(d.Plan, &own) != nil || own.Hash != d.PlanHash {
		r.refuse("plan-other", "the plan does not have the hash that was kept with the run")
		return
	}
	var err error
	if own.Kind == rollout.PlanKind {
		_, err = rollout.ParsePlan(d.Plan)
	} else {
		_, err = rotation.ParsePlan(d.Plan)
	}
	edited := (*rotation.EditedPlanError)(nil)
	switch {
	case err == nil:
	case errors.As(err, &edited) && own.Kind == rollout.PlanKind:
		r.note("plan-completed", "the plan's own hash is of the plan without the certificates, which were issued after it was confirmed")
	case errors.As(err, &edited) && d.Run.Program == program:
		r.refuse("plan-edited", "the plan does not fit its own hash: it was changed after it was confirmed")
	default: // another version of the program may write plans otherwise
		r.note("plan-not-checked", "whether the plan fits its own hash cannot be told by this version of the program (%s); the file was made by %s", program, d.Run.Program)
	}
}

// outcome holds what the run says of itself against what was seen.
func (r *Report) outcome(d Document) {
	after := d.After
	switch d.Outcome.Word {
	case journal.InDoubt:
		r.note("in-doubt", "the run has no end: whether its last step took effect is not known from this file")
		return
	case string(rotation.Verified), string(rotation.NothingToDo), string(rotation.Restored), string(rotation.Cleaned):
	default:
		return // no proof is claimed
	}
	if after == nil || after.Proved == nil || len(after.Handshakes) == 0 {
		r.refuse("no-proof", "the outcome is %q, and nothing in the file proves it", d.Outcome.Word)
		return
	}
	if !*after.Proved || len(after.Failures) > 0 {
		r.refuse("proof-failed", "the outcome is %q, and the proof in the file failed", d.Outcome.Word)
	}
	r.expected(*after)
	reached := d.Outcome.Word == string(rotation.Verified) || d.Outcome.Word == string(rotation.NothingToDo)
	switch {
	case reached && d.Run.About == "internal":
		r.asPlannedAtMachines(d)
		r.asBefore(d) // of the certificate that clients get
	case reached:
		r.asPlanned(d)
	default:
		r.asBefore(d)
	}
}

// expected: each handshake of a proof shows a leaf that was wanted there.
func (r *Report) expected(look Look) {
	proving := 0
	for _, h := range look.Handshakes {
		if len(h.Expected) == 0 {
			continue
		}
		proving++
		if !slices.Contains(h.Expected, h.leaf()) {
			r.refuse("handshake-other", "%s served %s, and the proof says that it served what was wanted", h.place(), short(h.leaf()))
		}
	}
	if proving == 0 {
		r.note("expectation-unknown", "which certificate was wanted at which endpoint is not in the file: an older program has made the run")
	}
}

// asPlanned: the certificate of the plan is what clients get.
func (r *Report) asPlanned(d Document) {
	p := planOf(d.Plan)
	wanted := []string{p.Certificate.SHA256}
	for _, move := range p.Moves {
		wanted = append(wanted, move.ToLeaf)
	}
	before := map[string]string{}
	if d.Before != nil {
		for _, h := range d.Before.Handshakes {
			before[h.spot()] = h.leaf()
		}
	}
	served := 0
	for _, h := range d.After.Handshakes {
		leaf := h.leaf()
		switch {
		case leaf == "": // could not be reached; whether it could before, the expectation says
		case slices.Contains(wanted, leaf):
			served++
		case before[h.spot()] != leaf && len(h.Expected) == 0: // otherwise it was held against that
			r.refuse("handshake-other", "%s served %s, which is neither the certificate of the plan nor what it served before", h.place(), short(leaf))
		}
	}
	if served == 0 {
		r.refuse("handshake-other", "the outcome is %q, and no handshake afterwards shows the certificate of the plan (%s)", d.Outcome.Word, short(p.Certificate.SHA256))
	}
}

// asPlannedAtMachines: the ports of the plan serve what it says.
func (r *Report) asPlannedAtMachines(d Document) {
	p := planOf(d.Plan)
	unseen := 0
	for _, want := range p.Ports {
		i := slices.IndexFunc(d.After.Ports, func(port Port) bool {
			return strings.EqualFold(port.Machine, want.Machine) && port.Port == want.Port
		})
		switch {
		case i < 0 || want.SHA256 == "":
			unseen++
		case len(d.After.Ports[i].Chain) == 0 || d.After.Ports[i].Chain[0] != want.SHA256:
			r.refuse("port-other", "port %d of %s does not serve the certificate of the plan", want.Port, want.Machine)
		}
	}
	if unseen > 0 {
		r.note("ports-not-seen", "of %d of the %d ports of the plan the file does not say what they served afterwards", unseen, len(p.Ports))
	}
}

// asBefore: clients get what they got.
func (r *Report) asBefore(d Document) {
	if d.Before == nil {
		r.note("before-unknown", "what was served before is not in the file")
		return
	}
	after := map[string]Handshake{}
	for _, h := range d.After.Handshakes {
		after[h.spot()] = h
	}
	for _, was := range d.Before.Handshakes {
		is, again := after[was.spot()]
		if was.leaf() != "" && again && len(is.Expected) > 0 && is.leaf() != was.leaf() {
			r.refuse("handshake-other", "%s served %s before and %s afterwards, and the outcome is %q", was.place(), short(was.leaf()), short(is.leaf()), d.Outcome.Word)
		}
	}
}

func (r *Report) steps(d Document) {
	ended := d.Outcome.Word != journal.InDoubt
	for _, step := range d.Steps {
		if ended && step.Outcome == journal.InDoubt {
			r.note("step-in-doubt", "step %d (%s) has no end", step.Index+1, step.Title)
		}
		if d.Outcome.Word == string(rotation.Verified) && step.Outcome == "failed" {
			r.note("step-failed", "step %d (%s) failed, and the run was verified all the same", step.Index+1, step.Title)
		}
	}
	if ended && d.Run.FinishedAt.Before(d.Run.StartedAt) {
		r.note("clock", "the run ended before it began, so the clock of the computer was changed meanwhile")
	}
	if ended && d.After != nil && d.After.At.Before(d.Run.StartedAt) {
		r.note("clock", "what was seen afterwards was seen before the run began, so the clock of the computer was changed meanwhile")
	}
}

func (h Handshake) place() string {
	place := h.Target
	if h.Address != "" {
		place += " at " + h.Address
	}
	if h.ServerName == "" {
		place += " without a server name"
	}
	return place
}

func short(fingerprint string) string {
	if fingerprint == "" {
		return "nothing"
	}
	return fingerprint[:min(16, len(fingerprint))] + "…"
}
