package pages

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What the application says stands in the middle of lines elsewhere; pages write it
// as people do.

// Capital begins a text with a capital, unless its first word is a name or an
// address, which stay as they are spelled.
func Capital(text string) string {
	text = InPages(text)
	word, _, _ := strings.Cut(text, " ")
	word = strings.TrimRight(word, ",:;.?!…")
	if strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '’' }) {
		return text
	}
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// Sentences write texts one after the other, each with a capital and a full stop.
func Sentences(texts ...string) string {
	var written []string
	for _, text := range texts {
		if text == "" {
			continue
		}
		text = InPages(text)
		if end, _ := utf8.DecodeLastRuneInString(text); !strings.ContainsRune(".:?!…", end) {
			text += "."
		}
		written = append(written, Capital(text))
	}
	return strings.Join(written, " ")
}

// Day is a day in a sentence, "" for none.
func Day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return at(t, day)
}

// Moment is a moment in a sentence.
func Moment(t time.Time) string { return at(t, moment) }
