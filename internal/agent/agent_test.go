package agent

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

func TestAJobGoesInAndAReportComesOut(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	given := input(t, machine.Job{Host: "gis1.example.com", Limit: time.Minute})
	code := Run(t.Context(), strings.NewReader(given.Reveal()+"\r\n"), &stdout, &stderr, func(ctx context.Context, job machine.Job) machine.Report {
		if until, limited := ctx.Deadline(); !limited || time.Until(until) > time.Minute {
			t.Error("the job's limit is not kept")
		}
		if job.Password.Reveal() != password {
			t.Error("the password did not arrive")
		}
		return machine.Report{Format: machine.Format, Host: job.Host}
	})
	report, err := machine.DecodeReport(stdout.Bytes())
	if code != 0 || err != nil || report.Host != "gis1.example.com" || stderr.Len() != 0 {
		t.Errorf("got %d, %+v, %v, %q", code, report, err, stderr.String())
	}
}

func TestWhatIsNoJobIsComplainedAbout(t *testing.T) {
	t.Parallel()
	for name, stdin := range map[string]*strings.Reader{"nothing": strings.NewReader(""), "nonsense": strings.NewReader(password)} {
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), stdin, &stdout, &stderr, func(context.Context, machine.Job) machine.Report {
			t.Errorf("%s: it was done", name)
			return machine.Report{}
		})
		complaint, _ := Complaint(stderr.String())
		if code != exitCodes[BadJob] || complaint != BadJob || stdout.Len() != 0 || strings.Contains(stderr.String(), password) {
			t.Errorf("%s: got %d, %q", name, code, stderr.String())
		}
	}
	var stderr bytes.Buffer
	if code := Run(t.Context(), iotest.ErrReader(errors.New("broken pipe")), nil, &stderr, nil); code != exitCodes[BadJob] {
		t.Errorf("got %d, %q", code, stderr.String())
	}
}

func TestComplaintsAreFoundAmongOtherLines(t *testing.T) {
	t.Parallel()
	for stderr, want := range map[string][2]string{
		"cartouche: disk-full: it is full\n":                                               {DiskFull, "it is full"},
		"warning\r\ncartouche: hash-differs: another\r\nmore":                              {HashDiffers, "another"},
		"cartouche: no-such-code: x\ncartouche: not-started: of another kind":              {NotStarted, "of another kind"},
		`C:\Windows\Temp\cartouche.0\cartouche-agent.exe : cartouche: bad-job: it is none`: {BadJob, "it is none"},
		"":                                {"", ""},
		"something cartouche: disk-full:": {"", ""},
		"cartouche: disk-full: " + strings.Repeat("x", 5000): {DiskFull, strings.Repeat("x", 1000)},
	} {
		if code, sentence := Complaint(stderr); code != want[0] || sentence != want[1] {
			t.Errorf("%.60q: got %q, %.60q", stderr, code, sentence)
		}
	}
	// Every code is in a script or given by the program, with its number.
	for code, number := range exitCodes {
		if number < 91 || number > 97 {
			t.Errorf("%s has the exit code %d", code, number)
		}
	}
}

func TestAJobThatRunCommandCannotHandOverIsRefusedBefore(t *testing.T) {
	t.Parallel()
	url, big := secret.New("https://example"), secret.New(strings.Repeat("A", 40_000))
	if _, err := Parameters("linux", url, "00", big); err != nil {
		t.Error(err)
	}
	if _, err := Parameters("windows", url, "00", big); err == nil || strings.Contains(err.Error(), "AAA") {
		t.Errorf("got %v", err)
	}
	if _, err := Parameters("linux", url, "00", secret.New(strings.Repeat("A", 200_000))); err == nil {
		t.Error("a variable of 200 kB is more than Linux takes")
	}
}

// TestTheAgentKnowsNothingOfAzure holds what makes it small, and what it cannot
// be made to do.
func TestTheAgentKnowsNothingOfAzure(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "../../cmd/cartouche-agent").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "cartouche/internal/machine\n") {
		t.Fatalf("that is not the agent: %s", out)
	}
	for line := range strings.Lines(string(out)) {
		for _, word := range []string{"azure", "internal/cloud", "sqlite", "cobra", "lipgloss"} {
			if strings.Contains(strings.ToLower(line), word) {
				t.Errorf("the agent links %s", strings.TrimSpace(line))
			}
		}
	}
}

// The other systems' agents are linked by .ci/release, which takes a while.
func TestTheAgentIsBuiltFromSource(t *testing.T) {
	t.Parallel()
	first, err := Build(t.Context(), "linux", runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(first.Content), "\x7fELF") || len(first.SHA256) != 64 || first.Name != "cartouche-agent-linux-"+runtime.GOARCH {
		t.Errorf("got %d bytes as %s with %s", len(first.Content), first.Name, first.SHA256)
	}
	if len(first.Content) > 12<<20 {
		t.Errorf("%d bytes are too many for a machine to fetch", len(first.Content))
	}
	again, err := Build(t.Context(), "linux", runtime.GOARCH)
	if err != nil || &again.Content[0] != &first.Content[0] {
		t.Errorf("it was built twice, %v", err)
	}
	if _, err := Build(t.Context(), "plan9", "mips"); err == nil || !strings.Contains(err.Error(), "windows/amd64") {
		t.Errorf("got %v", err)
	}
}
