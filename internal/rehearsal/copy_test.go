package rehearsal_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/onlooker"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// planAt observes a deployment and plans to roll a certificate out.
func planAt(t *testing.T, o *onlooker.Onlooker, d deployment.Deployment, bundle *pki.Bundle, roots *pki.Roots) (rotation.State, rotation.Plan) {
	t.Helper()
	state := o.Look(t, d)
	goal, err := o.Runner.Resolve(t.Context(), state, rotation.Goal{Bundle: bundle, Roots: roots, Now: time.Now(), File: "new.pfx"}, func(b *pki.Bundle) *pki.Bundle { return b })
	if err != nil {
		t.Fatal(err)
	}
	plan, err := rotation.NewPlan(state, goal)
	if err != nil {
		t.Fatal(err)
	}
	return state, plan
}

// The plan for a world that was made of a deployment's shape is the plan for the
// deployment: whoever rehearses there rehearses what will be done.
func TestThePlanForACopyIsThePlanForTheDeployment(t *testing.T) {
	t.Parallel()
	for _, name := range sim.Worlds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, time.November, 27, 8, 0, 0, 0, time.UTC)
			var originals []planned
			now = inBubble(t, now, func(t *testing.T) { originals = planAll(t, name) })
			if len(originals) == 0 && name != "v1" { // whose gateways cannot be updated
				t.Error("nothing was planned")
			}
			for _, original := range originals {
				now = inBubble(t, now, original.compare)
				now = inBubble(t, now, original.compareMasked)
			}
		})
	}
}

// inBubble runs a part of a test in virtual time, in which no gateway probes its
// backends while this computer is busy. Each world is in one of its own, and has
// ended before the next one begins, which takes over its keys.
func inBubble(t *testing.T, now time.Time, part func(*testing.T)) (later time.Time) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now)) // bubbles begin in 2000
		part(t)
		later = time.Now()
	})
	return later
}

// planned is what is rolled out in a deployment, and how.
type planned struct {
	shape  shape.Shape
	bundle *pki.Bundle
	roots  *pki.Roots
	plan   rotation.Plan
}

// planAll plans for each deployment of a world whose gateway can be updated.
func planAll(t *testing.T, name string) (all []planned) {
	t.Helper()
	world := startInMemory(t, sim.Options{World: name, Current: sim.CurrentCertificate{Key: "p256"}})
	original := onlooker.In(t, world)
	for _, d := range original.Found {
		if d.CannotUpdate != "" {
			continue
		}
		_, pfx, err := world.Renew(d.Domain)
		if err != nil {
			t.Fatal(err)
		}
		_, _, password := world.NewCertificate()
		bundle, err := pki.ReadPFX(pfx, secret.New(password))
		if err != nil {
			t.Fatal(err)
		}
		state, plan := planAt(t, original, d, bundle, original.Roots)
		s, err := shape.Of(state, original.Roots)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, planned{s, bundle, original.Roots, plan})
	}
	return all
}

func startInMemory(t *testing.T, options sim.Options) *sim.World {
	t.Helper()
	options.InMemory, options.Machines.Key = true, "p256"
	return worldtest.Start(t, options)
}

// compare makes a world of a shape and holds its plan against the original.
func (p planned) compare(t *testing.T) {
	t.Helper()
	real, extra := genuine(p.bundle, p.roots)
	copied, err := rehearsal.CopyOf(p.shape, real...)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt := onlooker.In(t, startInMemory(t, sim.Options{File: copied.File, ExtraRoots: extra}))
	d, ok := deployment.Again(rebuilt.Found, p.shape.Deployment.GatewayID, p.shape.Deployment.ID)
	if !ok {
		t.Fatalf("the copy has no deployment %s: %+v", p.shape.Deployment.Name, rebuilt.Found)
	}
	_, plan := planAt(t, rebuilt, d, p.bundle, rebuilt.Roots)
	if diff := cmp.Diff(told(t, p.plan), told(t, plan)); diff != "" {
		t.Errorf("%s: another plan (-original +copy):\n%s", p.shape.Deployment.Name, diff)
	}
	t.Logf("not rehearsed: %s", strings.Join(copied.Missing, "\n"))
}

// compareMasked does the same with a shape that names nobody: steps, restarts
// and what was found are those of the original.
func (p planned) compareMasked(t *testing.T) {
	t.Helper()
	masked, err := shape.Masked(p.shape)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := rehearsal.CopyOf(masked)
	if err != nil {
		t.Fatal(err)
	}
	world := startInMemory(t, sim.Options{File: copied.File})
	rebuilt := onlooker.In(t, world)
	d, ok := deployment.Again(rebuilt.Found, masked.Deployment.GatewayID, masked.Deployment.ID)
	if !ok {
		t.Fatalf("the masked copy has no deployment %s %s: %+v", masked.Deployment.GatewayID, masked.Deployment.ID, rebuilt.Found)
	}
	_, pfx, password := world.NewCertificate()
	bundle, err := pki.ReadPFX(pfx, secret.New(password))
	if err != nil {
		t.Fatal(err)
	}
	_, plan := planAt(t, rebuilt, d, bundle, rebuilt.Roots)
	if diff := cmp.Diff(outline(p.plan), outline(plan)); diff != "" {
		t.Errorf("%s: another plan for the masked copy (-original +copy):\n%s", p.shape.Deployment.Name, diff)
	}
}

// outline is a plan without anybody's name.
func outline(plan rotation.Plan) (lines []string) {
	for _, step := range plan.Steps {
		lines = append(lines, fmt.Sprintf("%s: %d changes, %d restarts", step.Kind, len(step.Changes), len(step.Restarts)))
	}
	for _, finding := range append(append(pki.Findings{}, plan.Findings...), plan.Obstacles...) {
		lines = append(lines, fmt.Sprintf("%s %s", finding.Severity, finding.Code))
	}
	return append(lines, fmt.Sprintf("%d moves, %d imports, %d pinned, %d trusting, %d proofs", len(plan.Moves), len(plan.Imports), len(plan.Pinned), len(plan.Trusting), len(plan.Proofs)))
}

// genuine are the certificates of a file, and those that the world must know.
func genuine(bundle *pki.Bundle, roots *pki.Roots) (all []*x509.Certificate, known [][]byte) {
	all = append(all, bundle.Leaf)
	all = append(all, bundle.Intermediates...)
	last := all[len(all)-1]
	root := bundle.Root
	if root == nil {
		root = roots.Issuer(last)
	}
	if root != nil {
		all = append(all, root)
		if roots.Contains(root) {
			known = append(known, root.Raw)
		}
	}
	return all, known
}

var ids = regexp.MustCompile(`(?i)\bback-gis-example-org-[0-9a-f]{8}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{16}(…)|\b[0-9a-f]{32}([0-9a-f]{8})?([0-9a-f]{24})?\b`)

// told is what a plan says that it will do, without what names one certificate
// or one moment.
func told(t *testing.T, plan rotation.Plan) map[string]any {
	t.Helper()
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	if err := json.Unmarshal(ids.ReplaceAll(bytes.TrimSpace(text), []byte("ID")), &value); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hash", "madeAt", "basis"} {
		delete(value, name)
	}
	if pinned, ok := value["pinned"].([]any); ok {
		for _, one := range pinned {
			delete(one.(map[string]any), "was")
		}
	}
	if serving, ok := value["serving"].(map[string]any); ok {
		delete(serving, "serialNumber")
	}
	return value
}
