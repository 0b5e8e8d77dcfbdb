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
	sealed, key := input(t, machine.Job{Host: "gis1.example.com", Limit: time.Minute})
	code := Run(t.Context(), bytes.NewReader(sealed), strings.NewReader(key.Reveal()+"\r\n"), &stdout, &stderr, func(ctx context.Context, job machine.Job) machine.Report {
		if until, limited := ctx.Deadline(); !limited || time.Until(until) > time.Minute {
			t.Error("the job's limit is not kept")
		}
		if job.Password.Reveal() != password {
			t.Error("the password did not arrive")
		}
		return machine.Report{Format: machine.Format, Host: job.Host}
	})
	report, err := machine.DecodeReport(stdout.Bytes(), key)
	if code != 0 || err != nil || report.Host != "gis1.example.com" || stderr.Len() != 0 {
		t.Errorf("got %d, %+v, %v, %q", code, report, err, stderr.String())
	}
}

// Windows PowerShell may pipe a line with a byte order mark, or in UTF-16.
func TestTheKeyIsReadHoweverItIsPiped(t *testing.T) {
	t.Parallel()
	sealed, key := input(t, machine.Job{Host: "gis1.example.com"})
	utf16 := strings.Join(strings.Split(key.Reveal(), ""), "\x00") + "\x00\r\x00\n\x00"
	for _, said := range []string{"\xef\xbb\xbf" + key.Reveal() + "\r\n", "\xff\xfe" + utf16, utf16, key.Reveal()} {
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), bytes.NewReader(sealed), strings.NewReader(said), &stdout, &stderr, func(_ context.Context, job machine.Job) machine.Report {
			return machine.Report{Format: machine.Format, Host: job.Host}
		})
		if _, err := machine.DecodeReport(stdout.Bytes(), key); code != 0 || err != nil {
			t.Errorf("%.20q: got %d, %v: %s", said, code, err, stderr.String())
		}
	}
}

func TestWhatIsNoJobIsComplainedAbout(t *testing.T) {
	t.Parallel()
	sealed, key := input(t, machine.Job{Host: "gis1.example.com"})
	for name, c := range map[string]struct {
		sealed []byte
		key    string
	}{"no key": {sealed, ""}, "nonsense": {sealed, password}, "no job": {nil, key.Reveal()}, "half a job": {sealed[:100], key.Reveal()}} {
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), bytes.NewReader(c.sealed), strings.NewReader(c.key), &stdout, &stderr, func(context.Context, machine.Job) machine.Report {
			t.Errorf("%s: it was done", name)
			return machine.Report{}
		})
		complaint, _ := Complaint(stderr.String())
		if code != exitCodes[BadJob] || complaint != BadJob || stdout.Len() != 0 || strings.Contains(stderr.String(), password) {
			t.Errorf("%s: got %d, %q", name, code, stderr.String())
		}
	}
	broken, whole := iotest.ErrReader(errors.New("broken pipe")), strings.NewReader(key.Reveal())
	var stderr bytes.Buffer
	if code := Run(t.Context(), broken, whole, nil, &stderr, nil); code != exitCodes[BadJob] {
		t.Errorf("got %d, %q", code, stderr.String())
	}
	if code := Run(t.Context(), bytes.NewReader(sealed), broken, nil, &stderr, nil); code != exitCodes[BadJob] {
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
		if number < 91 || number > 98 {
			t.Errorf("%s has the exit code %d", code, number)
		}
	}
}

// What cmd.exe would make something of is not handed to Windows, and not more
// than it takes, however long the job is.
func TestParametersSurviveCommandLines(t *testing.T) {
	t.Parallel()
	signed := secret.New("https://stg.blob.core.windows.net/cartouche-x/y?sv=2026-01-01&sig=" + strings.Repeat("a%2F", 200))
	in := Input{URL: signed, SHA256: strings.Repeat("0", 64), Job: signed, Key: secret.New(strings.Repeat("f", 64)), User: "arcgis"}
	windows, length := in.Parameters("windows"), 0
	for name, value := range windows {
		length += len(name) + len(value.Reveal()) + 4
		if strings.ContainsAny(value.Reveal(), "&|<>^%\"' ") || strings.HasPrefix(value.Reveal(), "-") {
			t.Errorf("%s is %q", name, value.Reveal())
		}
	}
	if length > 8191-1000 {
		t.Errorf("%d characters leave no room for the rest of the command line", length)
	}
	if _, there := windows[ParameterUser]; there {
		t.Error("on Windows, Run Command changes the user")
	}
	linux := in.Parameters("linux")
	if linux[ParameterURL].Reveal() != signed.Reveal() || linux[ParameterUser].Reveal() != "arcgis" {
		t.Error("on Linux they are as they are")
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
