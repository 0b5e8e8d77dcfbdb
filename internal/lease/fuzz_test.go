package lease

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// Whoever may write tags may write anything into those of claims: what is read
// of them is one short line of plain text, can be written as JSON, and a claim
// that can be read is written again as it is.
func FuzzClaim(f *testing.F) {
	whole := Claim{Run: "abc", Who: "anna", Host: "gis-01", Since: time.Unix(1e9, 0), Until: time.Unix(2e9, 0), state: "s", word: holds, mark: "m"}
	f.Add("abc", whole.value())
	f.Add("abc", stop{at: time.Unix(1e9, 0)}.value(Holder{Who: "ben", Host: "laptop"}))
	f.Add("a\u202eb", "v1 holds 2026-11-27T18:00:00Z 2026-11-27T18:20:00Z s a@b@c")
	f.Add("x", "v1 holds 2026-11-27T18:00:00Z 9999-12-31T23:59:59-12:00 s anna@host")
	f.Add("x", "v1 asks 0000-01-01T00:00:00+12:00 2026-11-27T18:20:00.5Z \x1b[2J @")
	f.Add("x", "v1 9999-12-31T23:59:59-12:00 @")
	f.Add(strings.Repeat("x", 300), strings.Repeat(" ", 300))
	f.Fuzz(func(t *testing.T, run, value string) {
		claim := parseClaim("mark", run, value)
		shown(t, claim.Run, maxName)
		shown(t, claim.Who, maxName)
		shown(t, claim.Host, maxName)
		shown(t, (&HeldError{claim}).Error(), 400)
		if _, err := json.Marshal(claim); err != nil {
			t.Errorf("%q: %v", value, err)
		}
		if again := parseClaim("mark", claim.Run, claim.value()); !claim.Unreadable && again.value() != claim.value() {
			t.Errorf("%q is written as %q and read as %+v", value, claim.value(), again)
		}
		if claim.Unreadable && (claim.of(Holder{State: "?", Host: "?"}) || claim.word != holds) {
			t.Errorf("%q cannot be read and is not respected: %+v", value, claim)
		}
		stopped := parseStop(run, value)
		shown(t, stopped.by, 2*maxName+4)
		shown(t, clock(stopped.at), 40)
	})
}

// shown fails the test when text is more than one line of plain text.
func shown(t *testing.T, text string, most int) {
	t.Helper()
	if len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("%q is shown as it is", text)
	}
}
