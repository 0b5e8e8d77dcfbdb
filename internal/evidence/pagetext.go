package evidence

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
)

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2 January 2006, 15:04:05 UTC")
}

// visible is the document with nothing in its text that hides or moves what
// stands beside it: control characters and those that turn the direction of
// writing become their numbers. What is very long is cut.
func visible(file File) (Document, error) {
	value, err := decode(file.Message)
	if err != nil {
		return Document{}, err
	}
	data, err := json.Marshal(shownText(value))
	if err != nil {
		return Document{}, err
	}
	var document Document
	return document, json.Unmarshal(data, &document)
}

func shownText(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = shownText(member)
		}
	case []any:
		for i, item := range v {
			v[i] = shownText(item)
		}
	case string:
		return shownString(v)
	}
	return value
}

func shownString(text string) string {
	const most = 4000
	var shown strings.Builder
	for n, r := range text {
		switch {
		case n > most:
			return shown.String() + "…"
		case r == '\n' || r == '\t':
			shown.WriteRune(r)
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			fmt.Fprintf(&shown, `\u%04x`, r)
		default:
			shown.WriteRune(r)
		}
	}
	return shown.String()
}
