package browser

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// asProgram makes a process of this test the program instead.
const asProgram = "CARTOUCHE_BROWSER_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	os.Exit(cli.Run(context.Background(), cli.Environment{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.Getenv,
		Patience: quick, PollInterval: 30 * time.Millisecond,
	}))
}

// process is `cartouche serve` as a process of its own, which can be killed.
func process(t *testing.T, state string, world *sim.World) (address string, kill func()) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "serve", "--no-browser")
	command.Env = []string{asProgram + "=1", "CARTOUCHE_STATE_DIR=" + state, "HOME=" + t.TempDir(), "LANG=C.UTF-8"}
	for name, value := range environment(world) {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	t.Cleanup(kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if address = regexp.MustCompile(`http://\S+`).FindString(lines.Text()); address != "" {
			return address, kill
		}
	}
	t.Fatal("serve says no address")
	return "", nil
}

func TestAServerThatIsKilledInMidRun(t *testing.T) {
	t.Parallel()
	world := start(t, sim.Options{World: "single", Scale: 12}) // so that there is a middle
	state := t.TempDir()
	file, password := newFile(t, world)
	c := chrome(t)
	address, kill := process(t, state, world)
	c.comeIn(address)
	c.press("Renew")
	c.reviewed(world, file, password)
	c.press("Renew the certificate")
	c.at("/runs/*")
	run := c.path()
	c.until("a step that is being done", `document.querySelector(".steps .doing") !== null`)
	c.provokes("ERR_") // the browser's words for a server that is gone
	kill()
	c.until("that the connection is missed", `!document.querySelector("[data-lost]").hidden`)
	c.do(chromedp.Navigate("about:blank"))

	address, _ = process(t, state, world)
	c.comeIn(address)
	c.open("/history")
	c.wants("A run was cut off", "cut off")
	c.open(run)
	c.wants("This run was cut off", "cut off: nobody knows yet whether it took effect", "not begun", "See what came of it", "Run again")
	c.alsoExamined("run-cut-off")
	c.press("See what came of it")
	c.at("/deployments/*")
	c.wants("was cut off")
	for strings.Contains(c.text(), "The gateway is still changing.") { // since nobody has stopped it
		c.press("Look again")
	}
	c.open(run)
	c.wants("This run was cut off.", "it was looked at", "There is no proof of it.")
	c.press("Run again")
	c.at("/renew/*/certificate")
	c.reviewed(world, file, password)
	c.press(c.goButton())
	c.at("/runs/*")
	c.untilSaid("What clients got at the end")
	c.wants("and that was proved.")
	next, _, _ := world.NewCertificate()
	if now := servedBy(t, world); now != leafOf(next.Leaf.Raw) {
		t.Errorf("the gateway serves %s, want the new certificate", now)
	}
}

// goButton is what starts what the review shows: the certificate may be served already.
func (c *tab) goButton() string {
	c.t.Helper()
	return ask(c, chromedp.Text(".go button"))
}
