package cli_test

import (
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// beTerminal makes stdout and stderr terminals for the rest of the script.
func beTerminal(ts *testscript.TestScript, _ bool, _ []string) { onStage(ts).terminal = true }

// runAgain runs the command that the last line of stdout names. A real shell
// takes the words apart.
func runAgain(ts *testscript.TestScript, neg bool, _ []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	_, command, found := strings.Cut(lines[len(lines)-1], ": cartouche ")
	if !found {
		ts.Fatalf("the last line has no command: %s", lines[len(lines)-1])
	}
	words, err := exec.Command("sh", "-c", `words() { printf '%s\0' "$@"; }; words `+command).Output()
	ts.Check(err)
	runCartouche(ts, neg, strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00"))
}
