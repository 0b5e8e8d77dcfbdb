package cli

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// tone is what a piece of text means; the palette knows its colour.
type tone int

const (
	toneNormal tone = iota
	toneTitle
	toneFaint
	toneGood
	toneCaution
	toneBad
	toneAccent
)

// span is a piece of text with a tone.
type span struct {
	text string
	tone tone
}

// line is one line of output. It is escaped when it is rendered and not before,
// so that nothing can forget to.
type line []span

func title(text string) span   { return span{text, toneTitle} }
func faint(text string) span   { return span{text, toneFaint} }
func good(text string) span    { return span{text, toneGood} }
func caution(text string) span { return span{text, toneCaution} }
func bad(text string) span     { return span{text, toneBad} }
func accent(text string) span  { return span{text, toneAccent} }

// words makes a line of strings, spans and lines.
func words(parts ...any) line {
	var l line
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			l = append(l, span{text: part})
		case span:
			l = append(l, part)
		case line:
			l = append(l, part...)
		}
	}
	return l
}

// palette renders lines for one stream.
type palette struct {
	color bool
	ascii bool
}

// style is how a tone looks. Only the terminal's own sixteen colours are used:
// its owner has chosen them to be readable on the background.
func (t tone) style() lipgloss.Style {
	style := lipgloss.NewStyle()
	switch t {
	case toneTitle:
		return style.Bold(true)
	case toneFaint:
		return style.Faint(true)
	case toneGood:
		return style.Foreground(lipgloss.Green)
	case toneCaution:
		return style.Foreground(lipgloss.Yellow)
	case toneBad:
		return style.Foreground(lipgloss.Red).Bold(true)
	case toneAccent:
		return style.Foreground(lipgloss.Cyan)
	}
	return style
}

func (p palette) render(l line) string {
	var b strings.Builder
	for _, s := range l {
		text := escape(s.text, p.ascii)
		if p.color && s.tone != toneNormal && text != "" {
			text = s.tone.style().Render(text)
		}
		b.WriteString(text)
	}
	return b.String()
}

// glyph gives the sign for the terminal, or its plain twin.
func (p palette) glyph(sign, plain string) string {
	if p.ascii {
		return plain
	}
	return sign
}

func (p palette) tick() span  { return good(p.glyph("✓", "ok")) }
func (p palette) cross() span { return bad(p.glyph("✗", "x")) }
func (p palette) arrow() span { return faint(p.glyph("→", "->")) }
func (p palette) bullet() span {
	return faint(p.glyph("•", "*"))
}

// speaksUTF8 tells from the locale whether the terminal shows more than ASCII.
// Windows has no such variables and its consoles do.
func speaksUTF8(lookup func(string) string, windows bool) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := lookup(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return windows
}
