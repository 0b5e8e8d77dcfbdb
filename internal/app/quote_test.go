package app

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// What somebody may have called a thing in Azure, a certificate or a machine.
var hostileNames = []string{
	"plain", "two words", "$(touch pwned)", "`touch pwned`", `"; touch pwned; "`, "'; touch pwned; '", "a'b\"c$d`e\\f!g", "a & touch pwned", "a|touch pwned",
	"%PATH%", "!!", "~root", "*", "a;touch pwned", "“; touch pwned; “", "‘; touch pwned; ‘", "ü", "a\\", "<script>", "a #b", "(touch pwned)", "{a,b}", "a=b", "^&touch pwned",
}

func TestAShellReadsAQuotedNameAsOneWord(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no sh")
	}
	for _, name := range hostileNames {
		quoted := quoteFor(name, "linux")
		folder := t.TempDir()
		command := exec.Command(shell, "-c", "for word in "+quoted+"; do printf '[%s]' \"$word\"; done; ls")
		command.Dir = folder
		out, err := command.CombinedOutput()
		if err != nil || string(out) != "["+name+"]" {
			t.Errorf("%q as %s: a shell reads %q (%v)", name, quoted, out, err)
		}
	}
}

func TestWhatNoCommandLineCanHoldIsLeftOut(t *testing.T) {
	for _, goos := range []string{"linux", "windows"} {
		for _, name := range []string{"--plan=x", "-h", "a\nb", "\x1b[2Jx", "a\rb", "a\u009bb", "a\x00b"} {
			if got := quoteFor(name, goos); got != "NAME" {
				t.Errorf("%s: %q becomes %q", goos, name, got)
			}
		}
	}
}

func TestBothShellsOfWindowsReadAQuotedNameAsText(t *testing.T) {
	for name, want := range map[string]string{
		"plain": "plain", `C:\new.pfx`: `C:\new.pfx`, "two words": `"two words"`, `two words\`: `"two words\\"`, "it's": `"it's"`, "a & b": `"a & b"`,
		"$(calc)": "'$(calc)'", "`calc`": "'`calc`'", "%PATH%": "NAME", "$(calc) & calc": "NAME", `a" & calc`: "NAME", "“ $(calc)": "'“ $(calc)'", "‘; calc; $x": "NAME",
	} {
		if got := quoteFor(name, "windows"); got != want {
			t.Errorf("%q becomes %s, want %s", name, got, want)
		}
	}
	// In double quotes nothing that either shell reads there, in single quotes
	// nothing that cmd.exe reads without any.
	for _, name := range hostileNames {
		switch quoted := quoteFor(name, "windows"); {
		case strings.HasPrefix(quoted, `"`) && strings.ContainsAny(strings.Trim(quoted, `"`), "$`%\"“”„"):
			t.Errorf("%q becomes %s", name, quoted)
		case strings.HasPrefix(quoted, "'") && strings.ContainsAny(strings.Trim(quoted, "'"), `&|<>^%"'`):
			t.Errorf("%q becomes %s", name, quoted)
		}
	}
}
