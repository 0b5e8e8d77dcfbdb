package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// office is a world in which several computers work on one deployment.
type office struct {
	t     *testing.T
	world *sim.World
	dir   string
	name  string
}

func openOffice(t *testing.T, world string) *office {
	t.Parallel()
	options := sim.Options{World: world, Scale: 300, Dir: t.TempDir()}
	options.Machines.Key = "p256"
	o := &office{t: t, world: worldtest.Start(t, options), dir: t.TempDir()}
	o.name = o.world.Deployments()[0].Domain
	if err := o.world.WriteDir(o.dir); err != nil {
		t.Fatal(err)
	}
	return o
}

// apply are the arguments that roll the world's new certificate out.
func (o *office) apply(more ...string) []string {
	return append([]string{"apply", o.name, "--pfx", filepath.Join(o.dir, "new.pfx"), "--password-file", filepath.Join(o.dir, "new.pfx.password"), "--yes"}, more...)
}

func (o *office) writes() int { return o.world.Ground().Ledger.Count(ground.GatewayWrite) }

// claims are the tags of ours on the gateway's group.
func (o *office) claims() []string {
	group, err := cloud.GroupOf(o.world.Deployments()[0].GatewayID)
	if err != nil {
		o.t.Fatal(err)
	}
	var names []string
	tags, _ := o.world.Manager().Document(group)["tags"].(map[string]any)
	for name := range tags {
		if strings.HasPrefix(name, "cartouche-run-") || strings.HasPrefix(name, "cartouche-stop-") {
			names = append(names, name)
		}
	}
	return names
}

// computer is one of them: it has a state directory of its own.
type computer struct {
	*office
	state  string
	inside bool
}

func (o *office) computer() *computer { return &computer{office: o, state: o.t.TempDir()} }

// said is what a command came to.
type said struct {
	status         int
	stdout, stderr string
}

func (s said) want(t *testing.T, status int, words ...string) {
	t.Helper()
	if s.status != status {
		t.Errorf("status %d, want %d\n%s%s", s.status, status, s.stdout, s.stderr)
	}
	for _, words := range words {
		if !strings.Contains(s.stdout+s.stderr, words) {
			t.Errorf("it does not say %q:\n%s%s", words, s.stdout, s.stderr)
		}
	}
}

// run runs a command; when says what happens as soon as it says some words.
func (c *computer) run(args []string, when ...*hook) said {
	variables := map[string]string{"LANG": "C.UTF-8"}
	leading := c.world.Environment()
	if c.inside {
		leading = append(leading, c.world.InsideEnvironment()...)
	}
	for _, variable := range leading {
		variables[variable.Name] = variable.Value
	}
	variables["CARTOUCHE_STATE_DIR"], variables["HOME"] = c.state, c.state
	stdout, stderr := &stream{}, &stream{hooks: when}
	status := cli.Run(context.Background(), cli.Environment{
		Args: args, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr,
		Lookup: func(name string) string { return variables[name] }, Patience: quick, Keys: worldtest.RSAKeys, MachinePatience: quickAtMachines, PollInterval: time.Second,
	})
	for _, hook := range when {
		if !hook.done {
			c.t.Errorf("%s never said %q:\n%s", strings.Join(args, " "), hook.words, stderr)
		}
	}
	return said{status, stdout.String(), stderr.String()}
}

func TestOfTwoRunsOnTwoComputersOneWorks(t *testing.T) {
	o := openOffice(t, "single")
	var results [2]said
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { results[i] = o.computer().run(o.apply()) })
	}
	group.Wait()
	if results[0].status != 0 {
		results[0], results[1] = results[1], results[0]
	}
	results[0].want(t, 0, "verified")
	results[1].want(t, 8, "another run works on the deployment: ", "; its claim ", "next: wait for its end", "cartouche unlock bm")
	if writes := o.writes(); writes != 1 {
		t.Errorf("%d writes of the gateway, want 1", writes)
	}
	if left := o.claims(); len(left) != 0 {
		t.Errorf("claims that are left: %v", left)
	}
}

// While one works, everybody is told, and whoever would change something waits.
func TestWhoeverLooksIsToldWhoWorks(t *testing.T) {
	o := openOffice(t, "single")
	first, second := o.computer(), o.computer()
	first.run(o.apply(), &hook{words: "the gateway took the change", then: func() {
		second.run([]string{"show", o.name}).want(t, 0, "working on it", ", since ")
		second.run([]string{"show", o.name, "--json"}).want(t, 0, `"claims": [`, `"who": "`, `"until": "`)
		second.run([]string{"unlock", o.name}).want(t, 2, "works on it", "nobody can be asked")
		second.run([]string{"clean", o.name, "--yes", "--json"}).want(t, 8, `"code": "locked"`, `"held": {`, `"run": "`)
		second.run(o.apply("--no-lease")).want(t, 8)
	}}).want(t, 0, "verified")
	second.run([]string{"unlock", o.name}).want(t, 0, "nobody works on bm")
	second.run([]string{"unlock", o.name, "--json"}).want(t, 0, `"outcome": "free"`, `"claims": []`)
}

func TestARunWhoseClaimWasBrokenWritesNothingMore(t *testing.T) {
	o := openOffice(t, "single")
	other := o.computer()
	o.computer().run(o.apply(), &hook{words: "writing to the gateway", then: func() {
		other.run([]string{"unlock", o.name, "--yes"}).want(t, 0, "the claim is broken: bm is free")
	}}).want(t, 4, "this run may change nothing more", "has broken its claim on the deployment", "nothing was changed")
	if writes := o.writes(); writes != 0 {
		t.Errorf("%d writes of the gateway, want none", writes)
	}
	other.run(o.apply()).want(t, 0, "verified")
}

// A claim that is broken during the last proof keeps nothing from being true that was
// proved; but somebody else may be at work by then, and that is said, whoever asks.
func TestARunWhoseClaimWasBrokenDuringItsProofSaysSo(t *testing.T) {
	o := openOffice(t, "single")
	first, other := o.computer(), o.computer()
	said := first.run(o.apply(), &hook{words: "handshakes in look 1", then: func() {
		claims := o.claims()
		other.run([]string{"unlock", o.name, "--yes"}).want(t, 0)
		runs := first.run([]string{"history", "--json"})
		if id := firstID(runs.stdout); len(claims) != 1 || id == "" || !strings.Contains(claims[0], "-"+id+"-") {
			t.Errorf("the claim %v does not bear the id of the run %q", claims, id)
		}
	}})
	said.want(t, 0, "verified: every endpoint", "somebody else may have been at work before this run had ended: ", "has broken its claim on the deployment", "next: cartouche verify bm")
	id := firstID(first.run([]string{"history", "--json"}).stdout)
	first.run([]string{"evidence", id, "--json"}).want(t, 0, `"unclaimed": "somebody else may have been at work`)
	first.run([]string{"evidence", "verify"}).want(t, 0)
	first.run([]string{"undo", "--yes", "--json"}, &hook{words: "handshakes in look 1", then: func() {
		other.run([]string{"unlock", o.name, "--yes"}).want(t, 0)
	}}).want(t, 0, `"outcome": "verified"`, `"unclaimed": "somebody else`)
	if quiet := first.run(o.apply("--json")); quiet.status != 0 || strings.Contains(quiet.stdout, "unclaimed") {
		t.Errorf("a run that nobody disturbed: %d %s", quiet.status, quiet.stdout)
	}
}

func TestARolloutWhoseClaimWasBrokenAtItsEndSaysSo(t *testing.T) {
	o := openOffice(t, "single")
	inside, outside := o.computer(), o.computer()
	inside.inside = true
	inside.run([]string{"apply", o.name, "--internal", "issue", "--reach", "direct", "--yes", "--json"}, &hook{words: `"phase":"prove"`, then: func() {
		outside.run([]string{"unlock", o.name, "--yes"}).want(t, 0)
	}}).want(t, 0, `"outcome": "verified"`, `"unclaimed": "somebody else may have been at work`)
}

// firstID is the first id in a JSON document.
func firstID(document string) string {
	_, id, _ := strings.Cut(document, `"id": "`)
	id, _, _ = strings.Cut(id, `"`)
	return id
}

// Going back is a change as well.
func TestARunWhoseClaimWasBrokenDoesNotGoBack(t *testing.T) {
	o := openOffice(t, "single")
	o.world.Ground().Faults.Add(ground.Fault{Name: "wrong-leaf", Step: "edge"})
	other := o.computer()
	o.computer().run(o.apply(), &hook{words: "going back to the certificate from before", then: func() {
		other.run([]string{"unlock", o.name, "--yes"}).want(t, 0)
	}}).want(t, 6, "this run may change nothing more")
	if writes := o.writes(); writes != 1 {
		t.Errorf("%d writes of the gateway, want the one before", writes)
	}
}

func TestTheClaimOfAKilledRunIsTakenOverWhereItWasMade(t *testing.T) {
	o := openOffice(t, "single")
	first := o.computer()
	first.run(o.apply("--no-lease", "--pfx", filepath.Join(o.dir, "nothing.pfx"))) // makes no id yet
	first.run([]string{"clean", o.name, "--yes"}).want(t, 0)
	id, err := os.ReadFile(filepath.Join(first.state, "state-id"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(first.state, "state-id")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	host, _ := os.Hostname()
	visitor := worldtest.Enter(t, o.world.Environment(), cloud.Options{PollInterval: time.Second})
	site := lease.Site{Azure: visitor.Azure, GatewayID: o.world.Deployments()[0].GatewayID}
	if _, err := site.Acquire(t.Context(), lease.Holder{Who: "anna", Host: host, State: strings.TrimSpace(string(id))}); err != nil {
		t.Fatal(err)
	}
	o.computer().run(o.apply()).want(t, 8, "anna at ")
	first.run(o.apply()).want(t, 0, "took over the claim of a run of this computer that ended without giving it back", "verified")
	if left := o.claims(); len(left) != 0 {
		t.Errorf("claims that are left: %v", left)
	}
}

// A machine that is out of its pools because of one run is not put back by
// another one from elsewhere.
func TestNobodyPutsTheMachineOfAnotherRunBack(t *testing.T) {
	o := openOffice(t, "ha")
	inside, outside := o.computer(), o.computer()
	inside.inside = true
	inside.run([]string{"apply", o.name, "--internal", "issue", "--reach", "direct", "--yes", "--json"}, &hook{words: "is out of pool", then: func() {
		before := o.writes()
		outside.run(o.apply()).want(t, 8, "another run works on the deployment")
		outside.run([]string{"undo", "--yes"}).want(t, 2)
		if now := o.writes(); now != before {
			t.Errorf("%d writes of the gateway meanwhile", now-before)
		}
	}}).want(t, 0, "verified")
	outside.run(o.apply()).want(t, 0, "verified")
}

func TestARolloutWhoseClaimWasBrokenTouchesNoFurtherMachine(t *testing.T) {
	o := openOffice(t, "ha")
	inside, outside := o.computer(), o.computer()
	inside.inside = true
	restarts := 0
	inside.run([]string{"apply", o.name, "--internal", "issue", "--reach", "direct", "--yes"}, &hook{words: "2 of 7: ", then: func() {
		outside.run([]string{"unlock", o.name, "--yes"}).want(t, 0)
		restarts = o.world.Ground().Ledger.Count(ground.MachineRestart)
	}}).want(t, 6, "this run may change nothing more")
	if now := o.world.Ground().Ledger.Count(ground.MachineRestart); now != restarts || restarts != 1 {
		t.Errorf("%d restarts before the claim was broken, %d after", restarts, now-restarts)
	}
}

func TestARolloutWhoseClaimWasBrokenInstallsNothing(t *testing.T) {
	o := openOffice(t, "ha")
	inside, outside := o.computer(), o.computer()
	inside.inside = true
	said := inside.run([]string{"apply", o.name, "--internal", "issue", "--reach", "direct", "--yes"}, &hook{words: "the gateway trusts the new root", then: func() {
		outside.run([]string{"unlock", o.name, "--yes"}).want(t, 0)
	}})
	said.want(t, said.status, "this run may change nothing more")
	for _, doing := range []string{"installing tls-", "trusting tls-"} {
		if strings.Contains(said.stderr, doing) {
			t.Errorf("it is still %s:\n%s", doing, said.stderr)
		}
	}
	if said.status == 0 || o.world.Ground().Ledger.Count(ground.MachineRestart) != 0 {
		t.Errorf("status %d, %d restarts", said.status, o.world.Ground().Ledger.Count(ground.MachineRestart))
	}
}

func TestWithoutALeaseItIsSaid(t *testing.T) {
	o := openOffice(t, "single")
	c := o.computer()
	c.run(o.apply("--no-lease")).want(t, 0, "warning: nothing keeps a run on another computer from changing bm at the same time (--no-lease)", "verified")
	if writes := o.world.Ground().Ledger.Count(ground.TagWrite); writes != 0 {
		t.Errorf("%d writes of tags", writes)
	}
	runs := c.run([]string{"history", "--json"})
	id := firstID(runs.stdout)
	c.run([]string{"history", id, "--json"}).want(t, 0, "none: --no-lease")
	// Where nothing is to be changed nobody is kept away and no tag is written.
	c.run(o.apply()).want(t, 0, "nothing to do")
	if writes := o.world.Ground().Ledger.Count(ground.TagWrite); writes != 0 {
		t.Errorf("%d writes of tags for nothing", writes)
	}
}
