package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/cartouche-gis/cartouche/internal/cli"
)

func TestNothingFromOutsideMovesTheCursor(t *testing.T) {
	for _, test := range []struct {
		text, utf8, ascii string
	}{
		{"CN=gis.example.com", "CN=gis.example.com", "CN=gis.example.com"},
		{"Zürich", "Zürich", `Z\u00fcrich`},
		{"\x1b[31mred", `\x1b[31mred`, `\x1b[31mred`},
		{"two\nlines\tand a tab", "two lines and a tab", "two lines and a tab"},
		{"evil\u202egnp.exe", `evil\u202egnp.exe`, `evil\u202egnp.exe`},
		{"C1 \u009b31m", `C1 \u009b31m`, `C1 \u009b31m`},
		{"zero\u200bwidth", `zero\u200bwidth`, `zero\u200bwidth`},
		{"broken \xff", `broken \xff`, `broken \xff`},
		{"private \U000F0000", `private \U000f0000`, `private \U000f0000`},
	} {
		if got := cli.Escape(test.text, false); got != test.utf8 {
			t.Errorf("%q becomes %q, want %q", test.text, got, test.utf8)
		}
		if got := cli.Escape(test.text, true); got != test.ascii {
			t.Errorf("%q becomes %q in ASCII, want %q", test.text, got, test.ascii)
		}
	}
}

func TestEscapedJSONIsSafeAndTheSame(t *testing.T) {
	before := map[string]string{"text": "bidi \u202e, C1 \u009b, delete \x7f, tag \U000E0041, Zürich"}
	document, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	escaped := cli.EscapeJSON(document)
	if i := strings.IndexFunc(string(escaped), func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("unsafe at %d in %q", i, escaped)
	}
	var after map[string]string
	if err := json.Unmarshal(escaped, &after); err != nil || after["text"] != before["text"] {
		t.Errorf("the meaning has changed: %q (%v)", after, err)
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("CN=\x1b]0;title\a", true)
	f.Fuzz(func(t *testing.T, text string, ascii bool) {
		for _, r := range cli.Escape(text, ascii) {
			if !unicode.IsPrint(r) || ascii && r > 0x7e {
				t.Fatalf("%q lets %U through", text, r)
			}
		}
	})
}
