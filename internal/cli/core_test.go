package cli_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// killed is a computer as it would be had the run on this one been killed now: it
// has its journal.
func (c *computer) killed() *computer {
	twin := *c
	twin.state = c.t.TempDir()
	if err := os.CopyFS(twin.state, os.DirFS(c.state)); err != nil {
		c.t.Error(err)
	}
	_ = os.RemoveAll(twin.state + "/locks")
	return &twin
}

// latest is the outcome of the latest run in the history.
func (c *computer) latest() string {
	_, text, _ := strings.Cut(c.run([]string{"history", "--json"}).stdout, `"outcome": "`)
	outcome, _, _ := strings.Cut(text, `"`)
	return outcome
}

// A run that was removing what machines have is judged by what machines have, and
// not by the gateway, which never had it.
func TestACleaningOfMachinesThatWasKilledIsNotFoundToBeDone(t *testing.T) {
	o := openOffice(t, "single")
	c := o.computer()
	c.inside = true
	c.run([]string{"apply", o.name, "--internal", "issue", "--reach", "direct", "--yes"}).want(t, 0, "verified")
	c.run([]string{"undo", "--yes", "--reach", "direct"}).want(t, 0, "verified")
	c.run([]string{"clean", o.name, "--internal", "--now", "--yes", "--reach", "direct"}, &hook{words: " is done", then: func() {
		killed := c.killed()
		killed.run([]string{"show", o.name}).want(t, 0, "has no end")
		if outcome := killed.latest(); outcome == "found: cleaned" || outcome == "found: unchanged" {
			t.Errorf("it was killed before it had removed everything, and its outcome is %q", outcome)
		}
		// What was removed cannot be taken back, so this is not the run that is meant.
		killed.run([]string{"undo", "--reach", "direct", "--yes"}).want(t, 0, "nothing to take back")
	}}).want(t, 0, "cleaned")
}

// A run that did not come back all the way is the one that is meant when none is
// named, and not the one before it, whose certificate is good and older still.
func TestWhatDidNotComeBackIsTakenBackFirst(t *testing.T) {
	o := openOffice(t, "single")
	c := o.computer()
	c.run(o.apply()).want(t, 0, "verified")
	issued, err := o.world.Authority().Issue(authority.Spec{Names: []string{o.world.Deployments()[0].Domain}})
	if err != nil {
		t.Fatal(err)
	}
	file, err := issued.PFX("open sesame")
	if err != nil {
		t.Fatal(err)
	}
	pfx, password := filepath.Join(c.state, "later.pfx"), filepath.Join(c.state, "later.pfx.password")
	if err := errors.Join(os.WriteFile(pfx, file, 0o600), os.WriteFile(password, []byte("open sesame"), 0o600)); err != nil {
		t.Fatal(err)
	}
	o.world.Ground().Faults.Add(ground.Fault{Name: "wrong-leaf", Step: "edge"})
	other := o.computer()
	failed := c.run([]string{"apply", o.name, "--pfx", pfx, "--password-file", password, "--allow-older", "--yes", "--json"}, &hook{words: "going back to the certificate from before", then: func() {
		other.run([]string{"unlock", o.name, "--yes"}).want(t, 0)
	}})
	failed.want(t, 6, "this run may change nothing more", `"outcome": "partly-restored"`)
	_, id, _ := strings.Cut(failed.stdout, `"run": "`)
	id, _, _ = strings.Cut(id, `"`)
	c.run([]string{"undo", "--yes", "--json"}).want(t, 0, `"outcome": "verified"`, `"undoOf": "`+id+`"`)
	// Nothing is left of it, so the same command again finds nothing, and goes no further back.
	c.run([]string{"undo", "--yes"}).want(t, 0, "nothing to take back")
}

// Where a group has as many tags as it may, it is said how to go on.
func TestAGroupThatIsFullOfTags(t *testing.T) {
	o := openOffice(t, "single")
	group, err := cloud.GroupOf(o.world.Deployments()[0].GatewayID)
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]any{}
	for n := range 50 {
		tags[fmt.Sprint("costs", n)] = "4711"
	}
	o.world.Manager().Edit(group, func(document map[string]any) { document["tags"] = tags })
	o.computer().run(o.apply()).want(t, 4, "exceeds the maximum of 50", "--no-lease goes on without", "nothing was changed")
	if writes := o.writes(); writes != 0 {
		t.Errorf("%d writes of the gateway", writes)
	}
	o.computer().run(o.apply("--no-lease")).want(t, 0, "verified")
}
