package computer_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// linux is a computer with Linux; it needs a Unix below.
func linux(t *testing.T, change ...func(*computer.Options)) *computer.Computer {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("scripts of Linux run on Unix only")
	}
	o := computer.Options{Name: "vm", OS: computer.Linux, Dir: filepath.Join(t.TempDir(), "disk"), Env: func() []string { return []string{"HTTPS_PROXY=http://127.0.0.1:9"} },
		Accounts: map[string]string{"arcgis": "sesame"}}
	for _, f := range change {
		f(&o)
	}
	c, err := computer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAScriptHasItsParametersAndNothingOfOurs(t *testing.T) {
	t.Setenv("CARTOUCHE_TEST_SECRET", "ours")
	c := linux(t)
	out, err := c.Run(t.Context(), computer.Script{Text: `echo "$named|$HTTPS_PROXY|$CARTOUCHE_TEST_SECRET|$1|$2"; echo trouble >&2; exit 3`,
		Parameters: []computer.Parameter{{Name: "named", Value: "a b"}, {Value: "one two"}}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Stdout != "a b|http://127.0.0.1:9||one|two\n" || out.Stderr != "trouble\n" || out.ExitCode != 3 {
		t.Errorf("%+v", out)
	}
}

func TestAScriptLivesOnItsComputersDisk(t *testing.T) {
	t.Parallel()
	c := linux(t)
	out, err := c.Run(t.Context(), computer.Script{Text: "#!/bin/sh\npwd; mktemp; echo kept >$HOME/kept"})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(out.Stdout) {
		if !strings.HasPrefix(path, c.Dir()) {
			t.Errorf("%s is not on the disk %s", path, c.Dir())
		}
	}
	left := c.Left()
	if len(left) != 2 || left[0] != "home/kept" || !strings.HasPrefix(left[1], "tmp/") {
		t.Errorf("left %q, want what the script left, and nothing of the handler", left)
	}
	if info, err := os.Stat(c.Dir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may enter the disk: %v %v", info.Mode(), err)
	}
}

func TestAScriptIsKilledWithWhatItStarted(t *testing.T) {
	t.Parallel()
	c := linux(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := c.Run(ctx, computer.Script{Text: "sleep 1000 & touch $HOME/started; sleep 1000"})
		ended <- err
	}()
	await(t, "the script's start", func() bool { return slices.Contains(c.Left(), "home/started") })
	if len(c.Processes()) != 1 {
		t.Errorf("%d process groups, want 1", len(c.Processes()))
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	await(t, "the end of its processes", func() bool { return len(c.Processes()) == 0 })
}

func TestWhatAScriptStartedSurvivesItsTimeout(t *testing.T) {
	t.Parallel()
	c := linux(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := c.Run(ctx, computer.Script{Text: "sleep 1000 & echo $$ >$HOME/started; wait"})
		ended <- err
	}()
	await(t, "the script's start", func() bool { return slices.Contains(c.Left(), "home/started") })
	cancel(computer.ErrTimedOut)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if len(c.Processes()) != 1 {
		t.Errorf("%d process groups, want the one of what it started", len(c.Processes()))
	}
}

func TestWhatAScriptLeavesRunningIsSeenAndEndsWithTheComputer(t *testing.T) {
	t.Parallel()
	c := linux(t)
	if _, err := c.Run(t.Context(), computer.Script{Text: "setsid sleep 1000 >/dev/null 2>&1 & sleep 0.1"}); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && len(c.Processes()) == 0 {
		t.Error("a process that left its group is not seen")
	}
	c.Close()
	await(t, "the end of its processes", func() bool { return len(c.Processes()) == 0 })
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

func TestAFullDiskTakesNoLargeFile(t *testing.T) {
	t.Parallel()
	c := linux(t)
	out, err := c.Run(t.Context(), computer.Script{Full: true, Text: `head -c 100000 /dev/zero >$TMPDIR/large || echo "no room" >&2; wc -c <$TMPDIR/large`})
	if err != nil || !strings.Contains(out.Stderr, "no room") || strings.TrimSpace(out.Stdout) == "100000" {
		t.Errorf("%+v %v", out, err)
	}
}

func TestWhomAScriptRunsAs(t *testing.T) {
	t.Parallel()
	named := []computer.Parameter{{Name: "named", Value: "value"}}
	script := computer.Script{Text: "echo got $named", User: "nobody-here", Parameters: named}
	refusal := func(err error) string {
		var r *computer.Refusal
		if !errors.As(err, &r) {
			return ""
		}
		return r.Message
	}
	c := linux(t)
	if _, err := c.Run(t.Context(), script); !strings.Contains(refusal(err), "Failed to lookup RunAs user 'nobody-here'") {
		t.Errorf("unknown user: %v", err)
	}
	script.User = "arcgis" // the password plays no part, and sudo drops the environment
	if out, err := c.Run(t.Context(), script); err != nil || out.Stdout != "got\n" {
		t.Errorf("%+v %v", out, err)
	}
	script.KeepEnvironment = true
	if out, err := c.Run(t.Context(), script); err != nil || out.Stdout != "got value\n" {
		t.Errorf("%+v %v", out, err)
	}
	windows := windows(t, script.Text)
	for password, want := range map[string]string{"wrong": "Script cannot be executed with specified runAsUser/runAsPassword parameters", "sesame": ""} {
		script.Password = password
		if _, err := windows.Run(t.Context(), script); refusal(err) != want {
			t.Errorf("password %s: %v", password, err)
		}
	}
}

// windows is a computer that knows one script: it answers its parameters.
func windows(t *testing.T, script string) *computer.Computer {
	t.Helper()
	c, err := computer.New(computer.Options{Name: "vm", OS: computer.Windows, Dir: t.TempDir(), Accounts: map[string]string{"arcgis": "sesame"},
		Known: map[string]computer.Known{computer.Hash(script): func(_ context.Context, c *computer.Computer, parameters map[string]string) computer.Outcome {
			return computer.Outcome{Stdout: c.OS() + " " + parameters["named"], ExitCode: 7}
		}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAKnownScriptIsDoneByTheWorld(t *testing.T) {
	t.Parallel()
	c := windows(t, "Write-Output known\r\n")
	out, err := c.Run(t.Context(), computer.Script{Text: "Write-Output known\n\n", Parameters: []computer.Parameter{{Name: "named", Value: "value"}}})
	if err != nil || out.Stdout != "Windows value" || out.ExitCode != 7 {
		t.Errorf("%+v %v", out, err)
	}
	for length, room := range map[int][2]bool{8000: {true, true}, 9000: {false, true}, 40000: {false, false}} {
		long := []computer.Parameter{{Name: "named", Value: strings.Repeat("x", length)}}
		for i, direct := range []bool{false, true} {
			if _, err := c.Run(t.Context(), computer.Script{Text: "Write-Output known", Parameters: long, Direct: direct}); (err == nil) != room[i] {
				t.Errorf("%d characters, direct %v: %v", length, direct, err)
			}
		}
	}
	signed := []computer.Parameter{{Name: "named", Value: "https://stg/x?sv=1&sig=a%2F^b"}}
	for direct, want := range map[bool]string{false: "Windows https://stg/x?sv=1", true: "Windows " + signed[0].Value} {
		if out, err := c.Run(t.Context(), computer.Script{Text: "Write-Output known", Parameters: signed, Direct: direct}); err != nil || out.Stdout != want {
			t.Errorf("direct %v: %+v %v", direct, out, err)
		}
	}
	if _, err := exec.LookPath("pwsh"); err == nil {
		return // it runs what nobody knows
	}
	if _, err := c.Run(t.Context(), computer.Script{Text: "Write-Output other"}); err == nil || !strings.Contains(err.Error(), "does not know this script") {
		t.Errorf("%v", err)
	}
}

func TestAProgramOnTheDiskCallsItsTool(t *testing.T) {
	t.Parallel()
	var got []string
	c := linux(t, func(o *computer.Options) {
		o.Programs = map[string]string{"tools/replace.sh": "replace"}
		o.Tools = map[string]computer.Tool{"replace": func(_ context.Context, _ *computer.Computer, args []string) computer.Outcome {
			got = args
			return computer.Outcome{Stdout: "done\n", Stderr: "with care\n", ExitCode: 4}
		}}
	})
	out, err := c.Run(t.Context(), computer.Script{Text: `"$HOME/../tools/replace.sh" 'a file.pfx' '$x*' ''`})
	if err != nil || out.Stdout != "done\n" || out.Stderr != "with care\n" || out.ExitCode != 4 {
		t.Errorf("%+v %v", out, err)
	}
	if !slices.Equal(got, []string{"a file.pfx", "$x*", ""}) {
		t.Errorf("arguments %q", got)
	}
	if left := c.Left(); len(left) > 0 {
		t.Errorf("the call left %q", left)
	}
	if _, _, _, err := c.Exec(t.Context(), `C:\Windows\System32\netsh.exe`); err == nil {
		t.Error("it has no netsh")
	}
}
