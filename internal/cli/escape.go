package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape makes text from outside (certificates, Azure, ArcGIS, file names) fit
// for a terminal. What could move the cursor, change colours or turn the reading
// direction is shown as its code instead. Line breaks and tabs become spaces:
// the layout is ours. With ascii, everything beyond ASCII is shown as its code.
func escape(text string, ascii bool) string {
	if isPlain(text, ascii) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case printable(r, ascii):
			b.WriteRune(r)
		default:
			b.WriteString(code(r))
		}
		i += size
	}
	return b.String()
}

func isPlain(text string, ascii bool) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if !printable(r, ascii) {
			return false
		}
	}
	return true
}

// printable holds for letters, digits, punctuation, symbols and the space; not
// for control characters, direction marks, zero-width and private characters.
func printable(r rune, ascii bool) bool {
	return unicode.IsPrint(r) && (!ascii || r < utf8.RuneSelf)
}

func code(r rune) string {
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// escapeJSON replaces what a terminal must not get from a JSON document by
// JSON's own \u escapes, which leaves the document's meaning as it is.
// encoding/json itself escapes only what is below U+0020.
func escapeJSON(document []byte) []byte {
	var b strings.Builder
	for _, r := range string(document) {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r >= 0x10000:
			high, low := surrogates(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return []byte(b.String())
}

func surrogates(r rune) (high, low rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}
