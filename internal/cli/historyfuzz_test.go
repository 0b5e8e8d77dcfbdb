package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/journal"
)

// The journal is a file, and a run in it may be anything. It is shown, and nothing
// in it steers the terminal.
func FuzzHistory(f *testing.F) {
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	f.Add("run-1", "verified", `{"kind":"internal","ports":[{}]}`, `{"outcome":"verified","before":{"names":[]},"after":{"subject":"\u001b[2J","names":null},"notRestored":["a"],"proof":{"endpoints":[{}]}}`)
	f.Add("\x1b[2J\u202e", "in doubt", `{"moves":`, `null`)
	f.Add("x", "found: partly", `[]`, `{"sentence":"\u009b31m","steps":[{}]}`)
	f.Add("x", "restored", `{"kind":"internal"}`, `{"ports":[{"notAfter":"9999-12-31T23:59:59-23:59"}],"machines":[{}],"results":[null]}`)
	f.Add("x", "found: verified", strings.Repeat("[", 11000), strings.Repeat("[", 11000))
	f.Fuzz(func(t *testing.T, text, outcome, before, summary string) {
		run := journal.Run{ID: text, DeploymentName: text, GatewayID: text, By: text, Version: text, StartedAt: noon, Outcome: outcome,
			Plan: json.RawMessage(before), Before: json.RawMessage(before), Summary: json.RawMessage(summary),
			Steps:    []journal.Step{{Kind: text, Title: text, Outcome: outcome, Error: text, Intent: json.RawMessage(before), Result: json.RawMessage(summary), StartedAt: noon}},
			Evidence: []journal.Evidence{{Kind: text, Data: json.RawMessage(summary)}}}
		shown, err := cli.HistoryOf(run, false, noon)
		if err != nil {
			t.Fatal(err)
		}
		written, err := cli.HistoryOf(run, true, noon)
		if err != nil && json.Valid([]byte(before)) && json.Valid([]byte(summary)) {
			t.Errorf("it is no JSON: %v", err)
		}
		for _, output := range []string{shown, written} {
			if i := strings.IndexFunc(output, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Fatalf("%q steers the terminal", output[i:min(len(output), i+20)])
			}
		}
	})
}
