package topology

import (
	"strings"
	"unicode"
)

// Sizes of text in the drawing, in its own units.
const (
	titleSize = 14.0
	noteSize  = 12.0
	rowSize   = 13.0
)

// widthOf estimates how wide a text is in a sans-serif font, rather too wide
// than too narrow: the reader's font is not known here.
func widthOf(text string, size float64) float64 {
	units := 0.0
	for _, r := range text {
		units += unitsOf(r)
	}
	return units * size
}

// unitsOf is the width of a character in a wide font, by the font's size.
func unitsOf(r rune) float64 {
	switch {
	case strings.ContainsRune("iljtfrI.,:;'|!()[] -", r):
		return 0.42
	case strings.ContainsRune("mwMW@%&…—", r):
		return 0.98
	case r >= '0' && r <= '9':
		return 0.62
	case r < unicode.MaxASCII && unicode.IsUpper(r):
		return 0.74
	case r < unicode.MaxASCII:
		return 0.60
	case unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic):
		return 0.80
	case unicode.Is(unicode.Mn, r):
		return 0.10
	}
	return 1.2
}

// cut shortens a text until it fits, with … where it was cut.
func cut(text string, size, width float64) string {
	text = oneLine(text)
	if widthOf(text, size) <= width {
		return text
	}
	room := width - widthOf("…", size)
	var kept strings.Builder
	for _, r := range text {
		room -= unitsOf(r) * size
		if room < 0 {
			break
		}
		kept.WriteRune(r)
	}
	return strings.TrimRight(kept.String(), " ,.;:-") + "…"
}

// oneLine is a text without characters that have no place in a line: controls,
// and those that turn the direction of what follows.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0x2028, r == 0x2029:
			return -1
		}
		return r
	}, text)
}
