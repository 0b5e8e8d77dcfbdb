package evidence

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/journal"
)

// The journal is a file, and a run in it may be anything: its evidence is made all
// the same, can be read, and is the same when it is made again.
func FuzzOf(f *testing.F) {
	f.Add("verified", `{"kind":"internal","steps":[{"kind":"stage"}],"ports":[{"machine":"m","port":6443,"sha256":"x"}]}`, `{"outcome":"verified","after":{"sha256":"x"},"operations":["a"]}`,
		"proof that clients are served", `{"ok":true,"observations":[{"target":"gis.example.com:443","chainDER":["AAAA"]}],"validations":[{}]}`)
	f.Add("in doubt", `{"certificate":`, `null`, "hands", `{"computer":"\u001b[2J\u202e","system":7}`)
	f.Add("found: partly", `[]`, `{"operations":"a"}`, "wire before", `[{"target":"x","chainDER":["////"],"at":"9999-12-31T23:59:59-23:59","tookNanoseconds":9223372036854775807},null]`)
	f.Add("restored", strings.Repeat("[", 11000), strings.Repeat("[", 11000), "machines before", `[{"report":{"components":[{"chain":["AAAA"],"port":1e3}]}},{"report":null}]`)
	f.Add("restored", `{"a":1e999,"a":2,"\ud800":"\udfff"}`, `{"after":{"notAfter":"0000-01-01T00:00:00+23:59"}}`, "backends before", `[{}]`)
	f.Fuzz(func(t *testing.T, outcome, plan, summary, kind, data string) {
		run := journal.Run{ID: "run-1", DeploymentID: "d", GatewayID: "g", StartedAt: noon, FinishedAt: noon, Outcome: outcome, Plan: raw(plan), Summary: raw(summary),
			Steps:    []journal.Step{{Kind: kind, Title: outcome, Intent: raw(data), Result: raw(data), Outcome: outcome, Error: data}},
			Evidence: []journal.Evidence{{Kind: kind, Data: raw(data), At: noon}, {Kind: "wire before", Data: raw(data), At: noon}, {Kind: "machines after", Data: raw(data), At: noon}}}
		document := Of(run, noon)
		document.Number = 1
		sealed, err := seal(document, nil)
		if err != nil {
			// What no program of ours has written: no JSON, or numbers that
			// other readers would change. It is said, and the run stays as it is.
			if !strings.HasPrefix(err.Error(), "evidence of run run-1: ") {
				t.Fatal(err)
			}
			return
		}
		file, err := Read(sealed)
		if err != nil {
			t.Fatalf("%v:\n%s", err, sealed)
		}
		again, err := seal(file.Document, nil)
		if err != nil || string(again) != string(sealed) {
			t.Fatalf("%s\nis written again as\n%s (%v)", sealed, again, err)
		}
		if _, err := Page(file, Verify([]Given{{Name: "f", Data: sealed}}, nil, "1.0")[0]); err != nil {
			t.Fatal(err)
		}
	})
}

// raw is what a row of the journal gives: whatever is in it.
func raw(text string) json.RawMessage { return json.RawMessage(text) }
