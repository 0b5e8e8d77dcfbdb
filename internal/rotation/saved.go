package rotation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// maxPlanSize bounds a plan file; a plan of a gateway with a hundred listeners
// takes some 60 KiB.
const maxPlanSize = 4 << 20

// ParsePlan reads a saved plan. A file that is no plan, that a newer program
// wrote, or that was edited by hand is refused.
func ParsePlan(data []byte) (Plan, error) {
	var plan Plan
	if err := DecodePlan(data, maxPlanSize, &plan); err != nil {
		return Plan{}, err
	}
	if plan.Format != planFormat {
		return Plan{}, fmt.Errorf("plan file: format %d, this program reads format %d; make the plan again", plan.Format, planFormat)
	}
	if plan.Hash != plan.computeHash() {
		return Plan{}, &EditedPlanError{}
	}
	return plan, nil
}

// DecodePlan reads the one JSON value of a plan file, of whichever kind, into
// plan. More than limit bytes, a field that the plan does not have, and anything
// after it are refused.
func DecodePlan(data []byte, limit int, plan any) error {
	if len(data) > limit {
		return fmt.Errorf("plan file: %d bytes is more than a plan has", len(data))
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(plan); err != nil {
		return fmt.Errorf("plan file: not a plan of this program: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("plan file: there is more after the plan")
	}
	return nil
}

// HashPlan is the SHA-256 of the JSON of a plan that has no hash in it.
func HashPlan(plan any) string {
	sum := sha256.Sum256(mustJSON(plan))
	return hex.EncodeToString(sum[:])
}

// EditedPlanError says that a saved plan does not fit its own hash.
type EditedPlanError struct{}

func (*EditedPlanError) Error() string {
	return "plan file: changed after it was saved (its hash does not fit); make the plan again"
}

// MovedError says that the world is no longer what the plan was made for.
type MovedError struct {
	// Moved says what moved, one sentence each.
	Moved []string
}

func (e *MovedError) Error() string {
	return "the deployment has changed since the plan was made: " + strings.Join(e.Moved, "; ")
}

// basis are the facts on which a plan rests. What moves by itself (states,
// health, ETags, the time) is not among them.
//
// Of Key Vault it is which versions there are, except those that are the
// certificate of the plan: they may be the plan's own doing.
func basis(state State, thumbprint string) map[string]string {
	facts := map[string]string{}
	for path, fingerprint := range state.Whole().Gateway.Fingerprints() {
		facts["gateway "+path] = fingerprint
	}
	for _, listener := range state.Listeners {
		facts["addresses of listener "+listener.Name] = strings.Join(slices.Sorted(slices.Values(listener.Addresses)), ",")
		if listener.Leaf != nil {
			facts["leaf of listener "+listener.Name] = listener.Leaf.SHA256
		}
	}
	facts["names of the deployment"] = strings.Join(coveredNames(state), ",")
	for _, v := range state.Vaulted {
		facts[v.InVault.String()] = vaultBasis(v, thumbprint)
	}
	if state.Sites.PortalVersion != "" {
		facts["version of Portal"] = state.Sites.PortalVersion
	}
	return facts
}

// MovedSince compares the state with what a saved plan rests on and returns a
// *MovedError when they differ.
func (p Plan) MovedSince(state State) error {
	now := basis(state, p.Certificate.Thumbprint)
	var moved []string
	if !cloud.SameID(p.GatewayID, state.Gateway.ID()) {
		moved = append(moved, "the plan is for the gateway "+p.GatewayID+", not for "+state.Gateway.ID())
	}
	for fact, before := range p.Basis {
		after, still := now[fact]
		switch {
		case !still && fact == "version of Portal":
			// Not asked this time: nothing is known to have moved.
		case !still:
			moved = append(moved, fact+" is gone")
		case after != before:
			moved = append(moved, fact+" changed")
		}
	}
	for fact := range now {
		if _, known := p.Basis[fact]; !known && fact != "version of Portal" {
			moved = append(moved, fact+" is new")
		}
	}
	if len(moved) == 0 {
		return nil
	}
	slices.Sort(moved)
	return &MovedError{Moved: moved}
}

func vaultBasis(v Vaulted, thumbprint string) string {
	facts := []string{fmt.Sprintf("roles=%t", v.Roles)}
	for _, version := range v.Versions {
		if thumbprint == "" || !strings.EqualFold(version.Thumbprint, thumbprint) {
			facts = append(facts, fmt.Sprintf("%s=%t", version.Version, version.Enabled))
		}
	}
	for _, reader := range v.Readers {
		facts = append(facts, strings.ToLower(reader.Identity)+"="+string(reader.May))
	}
	return strings.Join(facts, ",")
}
