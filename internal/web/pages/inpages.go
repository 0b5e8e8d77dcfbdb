package pages

import (
	"regexp"
	"strings"
	"sync"
)

// InPages says in the words of the pages what a text of the application says in
// those of the command line: where a flag or a command is named, it names the place
// in the pages where the same is done. What has no page stays as it is. Commands of
// Azure's own are left alone.
//
// It reads texts, and not what a text was made of, because texts are what there is:
// findings, steps and results are kept as they were said, in the journal, in
// evidence and in saved plans, and are shown long after.
func InPages(text string) string {
	if !strings.Contains(text, "--") && !strings.Contains(text, "cartouche ") {
		return text
	}
	for _, p := range phrases() {
		text = p.typed.ReplaceAllString(text, p.done)
	}
	return text
}

// phrase is a row of the phrase book, ready for use.
type phrase struct {
	typed *regexp.Regexp
	done  string
}

var phrases = sync.OnceValue(func() []phrase {
	read := make([]phrase, len(phraseBook))
	for i, row := range phraseBook {
		read[i] = readPhrase(row[0], row[1])
	}
	return read
})

// word is one argument, in quotation marks or without.
const word = `(?:'[^']*'|"[^"]*"|[^\s;,()'"-][^\s;,()]*)`

// blanks are those that hold something else than a word.
var blanks = map[string]string{
	"deployment": `(?:--gateway ` + word + `(?: --name ` + word + `)*|` + word + `)`,
	"flags":      `(?: --[a-z-]+(?: ` + word + `)?)*`,
	"list":       word + `(?:, (?:--[a-z-]+ )?` + word + `)+`,
}

// signs are what has a meaning in a phrase as it is typed; all else is what it says.
var signs = regexp.MustCompile(`<[a-z]+>|[][]|^\^|\$$`)

// readPhrase makes a row ready. A blank that both columns have is carried over.
func readPhrase(typed, done string) phrase {
	var pattern strings.Builder
	carried := map[string]bool{}
	at := 0
	for _, found := range signs.FindAllStringIndex(typed, -1) {
		pattern.WriteString(regexp.QuoteMeta(typed[at:found[0]]))
		at = found[1]
		switch sign := typed[found[0]:found[1]]; sign {
		case "[":
			pattern.WriteString("(?:")
		case "]":
			pattern.WriteString(")?")
		case "^", "$":
			pattern.WriteString(sign)
		default:
			name := strings.Trim(sign, "<>")
			filled, known := blanks[name]
			if !known {
				filled = word
			}
			if strings.Contains(done, sign) && !carried[name] {
				carried[name] = true
				filled = "(?P<" + name + ">" + filled + ")"
			}
			pattern.WriteString(filled)
		}
	}
	pattern.WriteString(regexp.QuoteMeta(typed[at:]))
	for name := range carried {
		done = strings.ReplaceAll(done, "<"+name+">", "${"+name+"}")
	}
	return phrase{regexp.MustCompile(pattern.String()), done}
}
