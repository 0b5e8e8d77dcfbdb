package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// story is a run with a long wait, as a rotation.Runner tells it.
func story(began time.Time) []rotation.Event {
	events := []rotation.Event{{At: began, Phase: rotation.PhaseSwitch, Text: "writing"}}
	for second := range 25 {
		at := began.Add(time.Duration(second) * time.Second)
		events = append(events, rotation.Event{At: at, Phase: rotation.PhaseSwitch, Text: "waiting \x1b[31m", Waiting: true})
	}
	return append(events, rotation.Event{At: began.Add(26 * time.Second), Phase: rotation.PhaseSwitch, Text: "carried out"})
}

func tell(terminal, asJSON bool) string {
	began := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	var stderr stream
	event, done := cli.Progress(cli.Environment{
		Stderr: &stderr, StderrIsTerminal: terminal, Width: 60, Lookup: only("LANG", "C.UTF-8"),
		Now: func() time.Time { return began },
	}, asJSON)
	for _, e := range story(began) {
		event(e)
	}
	done()
	return stderr.String()
}

func TestALogGetsPlainLinesAndAWaitOnlyNowAndThen(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(tell(false, false)), "\n")
	want := []string{
		"2026-11-23T08:00:00Z switch   writing",
		`2026-11-23T08:00:00Z switch   waiting \x1b[31m`,
		`2026-11-23T08:00:10Z switch   waiting \x1b[31m`,
		`2026-11-23T08:00:20Z switch   waiting \x1b[31m`,
		"2026-11-23T08:00:26Z switch   carried out",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestATerminalGetsOneLineThatIsRewritten(t *testing.T) {
	screen := tell(true, false)
	if n := strings.Count(screen, "\n"); n != 2 {
		t.Errorf("%d lines stay, want those two that were no wait:\n%q", n, screen)
	}
	if strings.Contains(screen, "\x1b[31m\x1b") || strings.Count(screen, `\x1b[31m`) < 25 {
		t.Errorf("escapes of others reach the terminal: %q", screen)
	}
	if i := strings.LastIndex(screen, "\r\x1b[K"); i < 0 || strings.Contains(screen[i:], "waiting") {
		t.Errorf("the waiting line is left behind: %q", screen)
	}
}

func TestJSONProgressIsOneObjectPerLine(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(tell(true, true)), "\n")
	if len(lines) != 27 {
		t.Errorf("%d lines, want 27", len(lines))
	}
	for _, text := range lines {
		var event rotation.Event
		if err := json.Unmarshal([]byte(text), &event); err != nil || event.Phase != rotation.PhaseSwitch {
			t.Errorf("%q: %v", text, err)
		}
	}
}
